import type { Json, JsonObject } from '../core/json.ts';
import { jsonDepth } from '../core/json.ts';

/**
 * How a plan's task uses the results of earlier ones: wherever its payload holds `{"$result": "key.path"}`, what stands
 * there in the result of the task with that key takes its place. `key` alone is all of the result; behind it each word between
 * dots goes into a member of an object, or into an array by its index.
 */
export const REFERENCE = '$result';

export interface Reference {
  readonly key: string;
  readonly path: readonly string[];
}

/** What a payload refers to; or where in it something looks like a reference and is none, as a JSON pointer. */
export type Found = { readonly references: readonly Reference[] } | { readonly at: string };

export function referencesIn(payload: Json): Found {
  const references: Reference[] = [];
  const open: { readonly value: Json; readonly at: string }[] = [{ value: payload, at: '' }];
  // What is inside joins at the end.
  for (const { value, at } of open) {
    if (value === null || typeof value !== 'object') continue;
    if (!Array.isArray(value) && Object.hasOwn(value, REFERENCE)) {
      const reference = referenceFrom(value);
      if (reference === null) return { at };
      references.push(reference);
      continue;
    }
    for (const [name, member] of Object.entries(value)) {
      if (member !== null && typeof member === 'object') open.push({ value: member, at: `${at}/${escaped(name)}` });
    }
  }
  return { references };
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Null: it has more members than the one, or that one does not say where to look. */
function referenceFrom(value: JsonObject): Reference | null {
  const text = value[REFERENCE];
  if (typeof text !== 'string' || Object.keys(value).length > 1) return null;
  const [key, ...path] = text.split('.');
  return key === undefined || key === '' || path.includes('') ? null : { key, path };
}

export interface Bounds {
  /** Of the payload's JSON text, in bytes. */
  readonly maxBytes: number;
  readonly maxDepth: number;
}

/** A payload with all that it refers to, and its JSON text; or why there is none, for people. */
export type Resolved = { readonly payload: Json; readonly text: string } | { readonly error: string };

/** What a reference stands for. Whoever refers to the same may share it: to write down what is large is what takes long. */
export interface Piece {
  readonly value: Json;
  readonly text: string;
  readonly depth: number;
}

/**
 * @param resultOf the result of the task with this key, asked for again and again; undefined: it is not there (any more)
 * @param known what was found before, by what refers to it; for payloads to which the same keys mean the same results
 */
export function resolve(
  payload: Json,
  resultOf: (key: string) => Json | undefined,
  { maxBytes, maxDepth }: Bounds,
  known = new Map<string, Piece>(),
): Resolved {
  let length = 0;
  let deepest = 0;
  const texts: string[] = [];

  function found(reference: Reference, depth: number): Json {
    const name = textOf(reference);
    let one = known.get(name);
    if (!one) {
      const value = valueAt(resultOf(reference.key), reference.path);
      if (value === undefined) throw new Unresolved(`result_missing: there is no ${name}${why(reference.key)}`);
      one = { value, text: JSON.stringify(value), depth: jsonDepth(value, maxDepth + 1) };
      known.set(name, one);
    }
    // What is taken in a thousand times is not written down a thousand times first.
    length += one.text.length;
    if (length > maxBytes) throw new Unresolved(tooLarge(maxBytes));
    deepest = Math.max(deepest, depth + one.depth);
    texts.push(one.text);
    return one.value;
  }

  function why(key: string): string {
    return resultOf(key) === undefined ? `: the result of ${key} is not kept any more` : ` in the result of ${key}`;
  }

  /** @param depth how many arrays and objects it stands in */
  function copy(value: Json, depth: number): Json {
    if (value === null || typeof value !== 'object') {
      texts.push(JSON.stringify(value));
      return value;
    }
    const reference = !Array.isArray(value) && Object.hasOwn(value, REFERENCE) ? referenceFrom(value) : null;
    if (reference) return found(reference, depth);
    deepest = Math.max(deepest, depth + 1);
    return Array.isArray(value) ? copyList(value, depth + 1) : copyMembers(value, depth + 1);
  }

  function copyList(list: readonly Json[], depth: number): Json {
    texts.push('[');
    const copied = list.map((member, at) => {
      if (at > 0) texts.push(',');
      return copy(member, depth);
    });
    texts.push(']');
    return copied;
  }

  function copyMembers(object: JsonObject, depth: number): Json {
    texts.push('{');
    const members = Object.entries(object).map(([name, member], at) => {
      texts.push(`${at > 0 ? ',' : ''}${JSON.stringify(name)}:`);
      return [name, copy(member, depth)] as const;
    });
    texts.push('}');
    return Object.fromEntries(members);
  }

  try {
    const whole = copy(payload, 0);
    if (deepest > maxDepth) {
      return { error: `result_too_deep: with the results it refers to the payload nests deeper than ${maxDepth}` };
    }
    const text = texts.join('');
    return Buffer.byteLength(text) > maxBytes ? { error: tooLarge(maxBytes) } : { payload: whole, text };
  } catch (error) {
    if (error instanceof Unresolved) return { error: error.message };
    throw error;
  }
}

class Unresolved extends Error {}

function tooLarge(maxBytes: number): string {
  return `result_too_large: with the results it refers to the payload has more than ${maxBytes} bytes`;
}

/** Undefined: there is nothing there. */
function valueAt(result: Json | undefined, path: readonly string[]): Json | undefined {
  let value = result;
  for (const name of path) {
    if (value === null || typeof value !== 'object') return undefined;
    if (Array.isArray(value)) value = /^(0|[1-9]\d{0,9})$/.test(name) ? value[Number(name)] : undefined;
    else value = Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

function textOf({ key, path }: Reference): string {
  return [key, ...path].join('.');
}
