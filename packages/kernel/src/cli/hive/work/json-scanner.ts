/** What is in a JSON text, or where it stops being one. */
export interface JsonFacts {
  valid: boolean;
  /** 0 for a lone scalar, 1 for a flat object or array. */
  depth: number;
  counts: { objects: number; arrays: number; strings: number; numbers: number; booleans: number; nulls: number };
  keys: number;
  /** JSON allows them, and every reader makes something else of them. */
  duplicateKeys: number;
  firstDuplicate: string | undefined;
  error: { message: string; line: number; column: number } | undefined;
}

/**
 * What may come next:
 *
 *   value ── { ──► key or end ──► colon ──► value         value ── [ ──► value or end
 *     │ scalar                                ▲ ▲
 *     ▼                                       │ │
 *   after ── , in an object ──► key ──► colon ┘ └─── , in an array ── after ── } or ] ──► after
 */
type State = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or the end';

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;
/** How far the scanner goes before it lets others run. */
const STRIDE = 256 * 1024;

class Unexpected extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** Reads strict JSON (RFC 8259) without recursion, so depth costs no stack. Yields its position now and then. */
export function* scanJson(text: string): Generator<number, JsonFacts> {
  const facts: JsonFacts = {
    valid: true,
    depth: 0,
    counts: { objects: 0, arrays: 0, strings: 0, numbers: 0, booleans: 0, nulls: 0 },
    keys: 0,
    duplicateKeys: 0,
    firstDuplicate: undefined,
    error: undefined,
  };
  try {
    yield* scan(text, facts);
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error;
    facts.valid = false;
    facts.error = { message: error.message, ...placeOf(text, error.at) };
  }
  return facts;
}

function* scan(text: string, facts: JsonFacts): Generator<number, void> {
  const { counts } = facts;
  /** An object's keys so far; null for an array. */
  const open: (Set<string> | null)[] = [];
  let state: State = 'value';
  let next = STRIDE;
  let at = skipSpace(text, 0);

  for (; at < text.length; at = skipSpace(text, at)) {
    if (at >= next) {
      next = at + STRIDE;
      yield at;
    }
    const character = text[at]!;
    if (state === ':') {
      if (character !== ':') throw unexpected(text, at, state);
      at++;
      state = 'value';
    } else if (state === ', or the end') {
      const container = open.at(-1);
      if (container === undefined) throw new Unexpected('something follows the end of the value', at);
      if (character === ',') state = container ? 'key' : 'value';
      else if (character === (container ? '}' : ']')) open.pop();
      else throw unexpected(text, at, `, or ${container ? '}' : ']'}`);
      at++;
    } else if ((state === 'key or }' && character === '}') || (state === 'value or ]' && character === ']')) {
      open.pop();
      at++;
      state = ', or the end';
    } else if (state === 'key' || state === 'key or }') {
      if (character !== '"') throw unexpected(text, at, state === 'key' ? 'a key' : 'a key or }');
      const end = endOfString(text, at);
      noteKey(facts, open.at(-1)!, text.slice(at, end));
      at = end;
      state = ':';
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : null);
      counts[character === '{' ? 'objects' : 'arrays']++;
      facts.depth = Math.max(facts.depth, open.length);
      at++;
      state = character === '{' ? 'key or }' : 'value or ]';
    } else {
      at = scalar(text, at, counts);
      state = ', or the end';
    }
  }
  if (state !== ', or the end' || open.length > 0) throw new Unexpected('the text ends too early', text.length);
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
  }
  return at;
}

function scalar(text: string, at: number, counts: JsonFacts['counts']): number {
  if (text[at] === '"') {
    counts.strings++;
    return endOfString(text, at);
  }
  LITERAL.lastIndex = at;
  const literal = LITERAL.exec(text)?.[0];
  if (literal !== undefined) {
    counts[literal === 'null' ? 'nulls' : 'booleans']++;
    return at + literal.length;
  }
  NUMBER.lastIndex = at;
  const number = NUMBER.exec(text)?.[0];
  if (number === undefined) throw unexpected(text, at, 'a value');
  counts.numbers++;
  return at + number.length;
}

/** The position after the closing quote. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20) throw new Unexpected('a control character in a string must be escaped', at);
    if (code !== 0x5c) continue;
    const escaped = text[at + 1] ?? '';
    if (escaped === 'u') {
      if (!/^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6))) throw new Unexpected('\\u needs four hex digits', at);
      at += 5;
    } else {
      if (escaped === '' || !'"\\/bfnrt'.includes(escaped)) throw new Unexpected('no such escape in a string', at);
      at += 1;
    }
  }
  throw new Unexpected('the text ends within a string', text.length);
}

function noteKey(facts: JsonFacts, keys: Set<string>, quoted: string): void {
  const key = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  facts.keys++;
  if (keys.has(key)) {
    facts.duplicateKeys++;
    facts.firstDuplicate ??= key;
  }
  keys.add(key);
}

function unexpected(text: string, at: number, wanted: string): Unexpected {
  return new Unexpected(`${JSON.stringify(text[at])} where ${wanted} was expected`, at);
}

/** Counted from 1, as editors do. */
function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}
