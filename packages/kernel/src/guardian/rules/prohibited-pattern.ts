import { BESIDE, type Members } from '../members.ts';
import { charactersInClasses } from '../patterns/classes.ts';
import type { Hit } from '../patterns/pattern-set.ts';
import { TooLarge } from '../patterns/program.ts';
import { MAX_PATTERN_LENGTH, type Pattern, readPattern } from '../patterns/sources.ts';
import type { Place } from '../patterns/texts.ts';
import type { ParsedRule } from '../policy.ts';
import { cut, MOST_QUOTED, shownPointer } from '../quote.ts';

/** How many patterns a policy may have, and how large they may be together: their instructions, and the ranges in them. */
export const MAX_PATTERNS = 500;
export const MAX_TOTAL_SIZE = 20_000;
/** How many characters all their classes may have, where case is ignored: see `classes.ts`. */
export const MAX_TOTAL_CHARACTERS = 1_000_000;

/** `patterns`: what must not stand in any text of a task. The search itself is the policy's, for all rules together. */
export function prohibitedPattern(members: Members): ParsedRule | null {
  const allowed = `a regular expression of 1 to ${MAX_PATTERN_LENGTH} characters`;
  const ofLength = (source: string) => source.length >= 1 && source.length <= MAX_PATTERN_LENGTH;
  const sources = members.texts('patterns', MAX_PATTERNS, allowed, ofLength);
  members.finish(`a prohibited_pattern has patterns, ${BESIDE}`);
  if (!sources) {
    if (members.errors.length === 0) members.fail('patterns', 'is required: an array of regular expressions');
    return null;
  }
  const patterns: Pattern[] = [];
  let size = 0;
  let characters = 0;
  for (const [index, source] of sources.entries()) {
    characters += charactersInClasses(source);
    // The parser of the policy says so.
    if (characters > MAX_TOTAL_CHARACTERS) break;
    try {
      const pattern = readPattern(source);
      patterns.push(pattern);
      size += pattern.program.size;
      if (size > MAX_TOTAL_SIZE) break;
      if (pattern.matchesEmptyText) {
        members.fail('patterns', 'matches the empty text, and so would match in every task', index);
      }
    } catch (error) {
      members.fail('patterns', complaint(error), index);
      // A policy with one such pattern may well be full of them.
      members.hopeless ||= error instanceof TooLarge;
    }
    if (members.hopeless) break;
  }
  return { patterns, characters };
}

function complaint(error: unknown): string {
  const reason =
    error instanceof Error ? error.message.replace(/^error parsing regexp: /, '').replace('`(?i)', '`') : String(error);
  if (error instanceof TooLarge) return `is too large: ${reason}`;
  return `is not a regular expression that can be searched in linear time (RE2's syntax): ${cut(reason, 120)}`;
}

/** @param hits those of this rule's patterns */
export function messagesOf(
  hits: readonly Hit[],
  sourceOf: (pattern: number) => string,
  unsearched: Place | null,
): string[] {
  const [hit] = hits;
  if (hit) {
    const others = hits.length === 1 ? '' : `; ${hits.length} of the rule's patterns match`;
    return [
      `The pattern /${cut(sourceOf(hit.pattern), MOST_QUOTED)}/ matches in ${described(hit.place)}, up to character ${hit.end}${others}.`,
    ];
  }
  if (!unsearched) return [];
  const where = described(unsearched);
  return [`The task is too large to be searched for this rule's patterns within bounds; the search ended in ${where}.`];
}

function described({ pointer, isName }: Place): string {
  const shownAs = shownPointer(pointer);
  return isName ? `the name of ${shownAs}` : shownAs;
}
