const LETTER = /[\p{L}\p{N}]/u;

/**
 * Which share of a text the model cannot read, from 0 to 1: of its letters and digits or, where it has none, of all its
 * signs. The model takes each of them for one and the same unknown thing, so that all texts of another script are alike.
 */
export function unreadShare(text: string, isKnown: (sign: string) => boolean): number {
  const signs = [...text.normalize('NFKC')].filter((sign) => sign.trim() !== '');
  const letters = signs.filter((sign) => LETTER.test(sign));
  const counted = letters.length > 0 ? letters : signs;
  return counted.length === 0 ? 0 : counted.filter((sign) => !isKnown(sign)).length / counted.length;
}

/** One vector of both, each with its share of it: where they are of unrelated places, the length stays 1. */
export function mixed(one: Float32Array, other: Float32Array, otherShare: number): Float64Array {
  const [a, b] = [Math.sqrt(1 - otherShare), Math.sqrt(otherShare)];
  return Float64Array.from(one, (value, at) => a * value + b * other[at]!);
}
