/** What only a number too large for a double can look like; much else may look like it as well. */
const MAYBE_HUGE = /[eE]\+?[0-9]{3}|[0-9]{309}/;

export class NumberTooLarge extends SyntaxError {
  override readonly message = 'a number is beyond 1.8e308, the largest there is';
}

/**
 * Parses JSON text. A number beyond what a double can hold is an error: it would be read as infinite, for which JSON has
 * no word, and stored as null. Throws a SyntaxError or, for that, its subclass `NumberTooLarge`.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (MAYBE_HUGE.test(text) && !isFiniteThroughout(value)) throw new NumberTooLarge();
  return value;
}

/** Without recursion: how deep it nests is checked only later. */
function isFiniteThroughout(value: unknown): boolean {
  const open = [value];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (typeof one === 'number' && !Number.isFinite(one)) return false;
    if (typeof one === 'object' && one !== null) for (const member of Object.values(one)) open.push(member);
  }
  return true;
}

/** How deep JSON text nests, as `jsonDepth` has it. To walk through a value with a hundred thousand names takes much longer. */
export function textDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      for (at++; text.charCodeAt(at) !== QUOTE; at++) if (text.charCodeAt(at) === BACKSLASH) at++;
    } else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      if (++depth > deepest) deepest = depth;
    } else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) depth--;
  }
  return deepest;
}

const [QUOTE, BACKSLASH, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [34, 92, 91, 93, 123, 125];
