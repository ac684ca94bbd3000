/**
 * More signs on one letter than these are no writing, and to put them in order, as normalizing a text does, takes the square of
 * their number: of a hundred thousand, seconds (UAX #15, "stream-safe text format"). Two of them are signs only once they are normalized.
 */
const HEAPED = /([\p{M}\uff9e\uff9f]{30})[\p{M}\uff9e\uff9f]+/gu;

/** A text as it can be normalized in no time: without what is heaped on a letter beyond thirty signs. */
export function withoutHeaps(text: string): string {
  return text.replace(HEAPED, '$1');
}
