import type { Json } from '../../core/json.ts';
import type { TaskSpec } from '../../core/task.ts';
import { BESIDE, type Members } from '../members.ts';
import type { ParsedRule } from '../policy.ts';
import { shown } from '../quote.ts';

/** What can be allowed or denied: the values a task has, and where they stand. */
const SUBJECTS = {
  capabilities: (spec: TaskSpec) => [
    ...named('requirements.capability', spec.requirements.capability),
    ...named('requirements.capabilities', spec.requirements.capabilities),
  ],
  tags: (spec: TaskSpec) => named('tags', spec.tags),
  submitters: (spec: TaskSpec) => named('created_by', spec.created_by),
} satisfies Record<string, (spec: TaskSpec) => Named[]>;

type Named = readonly [where: string, value: Json];

const MAX_ITEMS = 1000;
const MAX_LENGTH = 200;

/** `allow_capabilities`, `deny_tags`, …: what a task may ask for, how it may be tagged, who may submit it. */
export function requirement(members: Members): ParsedRule | null {
  const checks: ((spec: TaskSpec) => string[])[] = [];
  const known: string[] = [];
  for (const [subject, valuesOf] of Object.entries(SUBJECTS)) {
    for (const kind of ['allow', 'deny']) {
      const name = `${kind}_${subject}`;
      known.push(name);
      const list = members.texts(name, MAX_ITEMS, `a text of 1 to ${MAX_LENGTH} characters`, isName);
      if (!list) continue;
      const listed = new Set<Json>(list);
      checks.push((spec) => objections(valuesOf(spec), listed, kind === 'allow', name));
    }
  }
  if (checks.length === 0 && members.errors.length === 0 && members.rest().length === 0) {
    members.failWhole(`needs at least one of ${known.join(', ')}`);
  }
  members.finish(`a requirement has ${known.join(', ')}, ${BESIDE}`);
  return { check: ({ spec }) => checks.flatMap((check) => check(spec)) };
}

function objections(values: readonly Named[], listed: ReadonlySet<Json>, mayBeListed: boolean, name: string): string[] {
  if (values.length > MAX_ITEMS) {
    return [`${values[0]![0]} has more than ${MAX_ITEMS} items, too many to be held against ${name} of this rule.`];
  }
  return values
    .filter(([, value]) => listed.has(value) !== mayBeListed)
    .map(
      ([where, value]) => `${where} has ${shown(value)}, which is ${mayBeListed ? 'not ' : ''}in ${name} of this rule.`,
    );
}

function isName(text: string): boolean {
  return text.length >= 1 && text.length <= MAX_LENGTH;
}

function named(where: string, value: Json | undefined): Named[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return [[where, value]];
  // One more than can be checked is enough to say that there are too many.
  return value.slice(0, MAX_ITEMS + 1).map((one) => [where, one] as const);
}
