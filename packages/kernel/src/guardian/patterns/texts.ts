import type { Json } from '../../core/json.ts';

/** Where a text stands: a JSON pointer, and whether it is the name of the member there rather than its value. */
export interface Place {
  /** Of long names it has the beginning. */
  readonly pointer: string;
  readonly isName: boolean;
}

/**
 * Visits the strings in some members of an object, names of members further in included, in the order in which they are
 * written. It reads the object's JSON text: to have the names of a hundred thousand members listed takes longer than
 * anything that could be done with them.
 * @param json as `JSON.stringify` writes it
 * @param visit is told where a string begins and ends, without the quotes, and whether something in it is escaped; false
 *   ends the visit
 * @returns false when it was ended
 */
export function visitTexts(
  json: string,
  members: ReadonlySet<string>,
  visit: (begin: number, end: number, isEscaped: boolean) => boolean,
): boolean {
  let depth = 0;
  let isVisited = false;
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit === OPEN_BRACE || unit === OPEN_BRACKET) depth++;
    else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) depth--;
    else if (unit === QUOTE) {
      const begin = at + 1;
      const end = endOf(json, begin);
      const isEscaped = end < 0;
      at = Math.abs(end);
      if (depth === 1 && json.charCodeAt(at + 1) === COLON) isVisited = members.has(json.slice(begin, at));
      else if (isVisited && !visit(begin, at, isEscaped)) return false;
    }
  }
  return true;
}

/** Where a string ends that begins here; less than 0 when something in it is escaped. */
function endOf(json: string, begin: number): number {
  for (let at = begin; at < begin + LONG; at++) {
    const unit = json.charCodeAt(at);
    if (unit === QUOTE) return at;
    if (unit === BACKSLASH) return -endOfEscaped(json, at);
  }
  const quote = json.indexOf('"', begin + LONG);
  const backslash = json.slice(begin + LONG, quote).indexOf('\\');
  return backslash < 0 ? quote : -endOfEscaped(json, begin + LONG + backslash);
}

function endOfEscaped(json: string, from: number): number {
  let at = from;
  for (; json.charCodeAt(at) !== QUOTE; at++) if (json.charCodeAt(at) === BACKSLASH) at++;
  return at;
}

/**
 * Visits every string in a value, names of members included, in the order in which they are written. Small values are
 * faster to walk through than their text is to read.
 * @returns false when the visit was ended
 */
export function visitValues(value: Json, visit: (text: string) => boolean): boolean {
  if (typeof value === 'string') return visit(value);
  if (value === null || typeof value !== 'object') return true;
  if (Array.isArray(value)) return value.every((item) => visitValues(item, visit));
  for (const name of Object.keys(value)) {
    if (!visit(name) || !visitValues(value[name]!, visit)) return false;
  }
  return true;
}

/**
 * What a string is that has something escaped in it.
 * @param begin where it begins in the JSON text, without the quotes
 */
export function unescaped(json: string, begin: number, end: number): string {
  // For short texts the parser takes too long to begin with.
  return end - begin > LONG ? (JSON.parse(json.slice(begin - 1, end + 1)) as string) : decoded(json, begin, end);
}

function decoded(json: string, begin: number, end: number): string {
  let text = '';
  let plain = begin;
  for (let at = begin; at < end; at++) {
    if (json.charCodeAt(at) !== BACKSLASH) continue;
    text += json.slice(plain, at);
    let unit = json.charCodeAt(++at);
    if (unit === LETTER_U) {
      unit = Number.parseInt(json.slice(at + 1, at + 5), 16);
      at += 4;
    } else unit = ESCAPES.get(unit) ?? unit;
    text += String.fromCharCode(unit);
    plain = at + 1;
  }
  return text + json.slice(plain, end);
}

/**
 * Where strings stand in some members of an object.
 * @param visited the how manieth of those that are visited they are, from 0, in ascending order
 */
export function placesOf(json: string, members: ReadonlySet<string>, visited: readonly number[]): Place[] {
  const places: Place[] = [];
  let isVisited = false;
  let count = 0;
  /** Of each array or object that is open: the index of the item, or the begin and the end of the member's name. */
  const frames: Frame[] = [];
  for (let at = 0; places.length < visited.length && at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit === OPEN_BRACE) frames.push({ index: -1, begin: 0, end: 0, step: null });
    else if (unit === OPEN_BRACKET) frames.push({ index: 0, begin: 0, end: 0, step: null });
    else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) frames.pop();
    else if (unit === COMMA && frames.at(-1)!.index >= 0) frames.at(-1)!.index++;
    else if (unit === QUOTE) {
      const begin = at + 1;
      at = Math.abs(endOf(json, begin));
      const isName = json.charCodeAt(at + 1) === COLON;
      const frame = frames.at(-1);
      if (isName) {
        frame!.begin = begin;
        frame!.end = at;
        frame!.step = null;
      }
      if (isName && frames.length === 1) isVisited = members.has(json.slice(begin, at));
      else if (isVisited) {
        while (visited[places.length] === count) {
          places.push({ pointer: frames.map((one) => step(json, one)).join(''), isName });
        }
        count++;
      }
    }
  }
  return places;
}

interface Frame {
  /** -1 in an object. */
  index: number;
  begin: number;
  end: number;
  /** The name as the pointer has it, once somebody has asked. */
  step: string | null;
}

function step(json: string, frame: Frame): string {
  if (frame.index >= 0) return `/${frame.index}`;
  frame.step ??= named(json, frame.begin, frame.end);
  return frame.step;
}

function named(json: string, begin: number, end: number): string {
  // Nobody is shown more of a name than its beginning.
  let cut = begin;
  while (cut < end && cut < begin + MOST_OF_NAME) {
    if (json.charCodeAt(cut) !== BACKSLASH) cut++;
    else cut += json.charCodeAt(cut + 1) === LETTER_U ? 6 : 2;
  }
  return `/${decoded(json, begin, cut).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

const MOST_OF_NAME = 400;
const LONG = 100;

const [QUOTE, COMMA, COLON, BACKSLASH, LETTER_U] = [34, 44, 58, 92, 117];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [91, 93, 123, 125];
/** What the letters behind a backslash mean; any other means itself. */
const ESCAPES: ReadonlyMap<number, number> = new Map(
  [...'bfnrt'].map((letter) => [letter.charCodeAt(0), JSON.parse(`"\\${letter}"`).charCodeAt(0)]),
);
