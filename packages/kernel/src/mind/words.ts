import type { Json } from '../core/json.ts';

/**
 * Values that are somebody's input, as words in a sentence: they may be of any kind and length, a sentence may not.
 */

const LONGEST_WORD = 60;
/** So many of a list are named. */
export const MOST_LISTED = 10;

/** What would end the line, or turn what comes after it round, or is for terminals. */
const UNSEEN = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;

/** One value. What is too long is cut, and it stays on its line. */
export function word(value: Json, longest = LONGEST_WORD): string {
  const text = typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
  // The cut may go through a pair of surrogates, and a half of one is no text.
  const cut = text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
  return cut.replace(UNSEEN, ' ').toWellFormed();
}

/**
 * Several, as many as one wants to read.
 * @param total how many there are, if not all are given
 */
export function words(values: readonly Json[], total = values.length): string {
  const listed = values.slice(0, MOST_LISTED);
  const more = total > listed.length ? ` and ${total - listed.length} more` : '';
  return `${listed.map((value) => word(value)).join(', ')}${more}`;
}
