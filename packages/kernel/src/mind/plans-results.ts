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

/** A payload with all that it refers to; or why there is none, for people. */
export type Resolved = { readonly payload: Json } | { readonly error: string };

/** @param resultOf the result of the task with this key, asked for again and again; undefined: it is not there (any more) */
export function resolve(
  payload: Json,
  resultOf: (key: string) => Json | undefined,
  { maxBytes, maxDepth }: Bounds,
): Resolved {
  const known = new Map<string, { readonly value: Json; readonly length: number }>();
  let length = 0;

  function found(reference: Reference): Json {
    const text = textOf(reference);
    let one = known.get(text);
    if (!one) {
      const value = valueAt(resultOf(reference.key), reference.path);
      if (value === undefined) throw new Unresolved(`result_missing: there is no ${text}${why(reference.key)}`);
      one = { value, length: JSON.stringify(value).length };
      known.set(text, one);
    }
    // What is taken in a thousand times is not written down a thousand times first.
    length += one.length;
    if (length > maxBytes) throw new Unresolved(tooLarge(maxBytes));
    return one.value;
  }

  function why(key: string): string {
    return resultOf(key) === undefined ? `: the result of ${key} is not kept any more` : ` in the result of ${key}`;
  }

  function copy(value: Json): Json {
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map(copy);
    const reference = Object.hasOwn(value, REFERENCE) ? referenceFrom(value) : null;
    if (reference) return found(reference);
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copy(member)]));
  }

  try {
    const whole = copy(payload);
    if (jsonDepth(whole, maxDepth + 1) > maxDepth) {
      return { error: `result_too_deep: with the results it refers to the payload nests deeper than ${maxDepth}` };
    }
    return Buffer.byteLength(JSON.stringify(whole)) > maxBytes ? { error: tooLarge(maxBytes) } : { payload: whole };
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
