import type { Json } from '../core/json.ts';

/**
 * Values that are somebody's input, as words in a sentence: they may be of any kind and length, a sentence may not.
 */

const LONGEST_WORD = 60;
const MOST_LISTED = 10;

/** One value. What is too long is cut. */
export function word(value: Json): string {
  const text = typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
  // The cut may go through a pair of surrogates, and a half of one is no text.
  const cut = text.length > LONGEST_WORD ? `${text.slice(0, LONGEST_WORD - 1)}…` : text;
  return cut.toWellFormed();
}

/** Several, as many as one wants to read. */
export function words(values: readonly Json[]): string {
  const listed = values.slice(0, MOST_LISTED).map(word).join(', ');
  return values.length > MOST_LISTED ? `${listed} and ${values.length - MOST_LISTED} more` : listed;
}
