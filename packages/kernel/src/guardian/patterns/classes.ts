/**
 * How many characters RE2JS looks at, one by one, to read the classes of a pattern in which case is ignored; about 20 million a
 * second. Told from the pattern as it is written, a little too high rather than too low: a minus that is no range in a
 * class may count as one.
 */
export function charactersInClasses(pattern: string): number {
  let characters = 0;
  for (let at = pattern.indexOf('-'); at >= 0; at = pattern.indexOf('-', at + 1)) {
    const first = Math.max(firstOf(pattern.slice(0, at)), FIRST_WITH_CASE);
    const last = Math.min(lastOf(pattern.slice(at + 1)), LAST_WITH_CASE);
    // A range of all of them is read at once.
    if (first > FIRST_WITH_CASE || last < LAST_WITH_CASE) characters += Math.max(0, last - first);
  }
  return characters + PER_PROPERTY * (pattern.match(PROPERTY)?.length ?? 0);
}

/** Outside of these nothing is looked at. */
const FIRST_WITH_CASE = 0x41;
const LAST_WITH_CASE = 0x1e943;

/** `\pL`, and what it takes to read one of the larger ones. */
const PROPERTY = /\\p/gi;
const PER_PROPERTY = 5000;

/** What a range begins with, if it does where this text ends. */
function firstOf(before: string): number {
  // An escaped backslash is not the beginning of an escape.
  const escaped = /(\\+)(?:x\{([\da-f]+)\}|[\s\S])$/i.exec(before);
  if (escaped && escaped[1]!.length % 2 === 1) return escaped[2] === undefined ? 0 : Number.parseInt(escaped[2], 16);
  return [...before].at(-1)?.codePointAt(0) ?? 0;
}

/** What a range ends with, if it does where this text begins. */
function lastOf(after: string): number {
  const hex = /^\\x(?:\{([\da-f]+)\}|([\da-f]{2}))/i.exec(after);
  if (hex) return Number.parseInt((hex[1] ?? hex[2])!, 16);
  return after.startsWith('\\') ? MOST_OCTAL : (after.codePointAt(0) ?? 0);
}

/** The largest that any other escape stands for: `\777`. */
const MOST_OCTAL = 0o777;
