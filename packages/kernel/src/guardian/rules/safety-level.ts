import { BESIDE, type Members } from '../members.ts';
import type { ParsedRule } from '../policy.ts';
import { shown } from '../quote.ts';

const LEVELS = ['low', 'medium', 'high', 'critical'];

/** `levels` (by default only `critical`): which values of `constraints.safety_level` the rule is about. */
export function safetyLevel(members: Members): ParsedRule | null {
  const known = `one of ${LEVELS.join(', ')}`;
  const levels = members.texts('levels', LEVELS.length, known, (level) => LEVELS.includes(level)) ?? ['critical'];
  members.finish(`a safety_level has levels, ${BESIDE}`);
  return {
    check: ({ spec: { constraints } }) => {
      const level = Object.hasOwn(constraints, 'safety_level') ? constraints.safety_level : null;
      if (level === null) return [];
      const name = typeof level === 'string' ? level.trim().toLowerCase() : '';
      // A level that nobody knows may be meant to be the highest.
      if (!LEVELS.includes(name)) return [`constraints.safety_level is ${shown(level)}, which is not ${known}.`];
      return levels.includes(name) ? [`constraints.safety_level is ${name}.`] : [];
    },
  };
}
