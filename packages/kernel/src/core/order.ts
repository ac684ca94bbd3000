/** By the bytes of UTF-8, which is the order of the characters' numbers: as stores have ids. */
export function isBefore(one: string, other: string): boolean {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const [a, b] = [one.charCodeAt(at), other.charCodeAt(at)];
    if (a !== b) return rank(a) < rank(b);
  }
  return one.length < other.length;
}

/** Halves of characters beyond U+FFFF stand below U+E000, but those characters are behind all others. */
function rank(unit: number): number {
  return unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
