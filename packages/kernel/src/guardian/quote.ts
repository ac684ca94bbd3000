/** How much of what somebody wrote a message repeats. It may hold a secret, and messages are kept and sent around. */
export const MOST_QUOTED = 40;
const MOST_POINTER = 160;

/** A value as a message shows it: as JSON, and only its beginning. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value, MOST_QUOTED));
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return cut(String(value), MOST_QUOTED);
}

/** A JSON pointer as a message shows it. The names in it are the submitter's own, so each is cut, and so is the whole. */
export function shownPointer(pointer: string): string {
  const names = pointer.split('/').map((name) => cut(name, MOST_QUOTED));
  return cut(names.join('/'), MOST_POINTER);
}

/** The beginning of a text, as long as is worth showing. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Not in the middle of a pair of surrogates.
  const end = text.charCodeAt(most - 1) >= 0xd800 && text.charCodeAt(most - 1) < 0xdc00 ? most - 1 : most;
  return `${text.slice(0, end)}…`;
}
