import { canonicalJson, type Json, type JsonObject } from './json.ts';

export type Filter = (metadata: JsonObject) => boolean;

/** Whether all of these are in an entry's metadata. */
export function filterOf(wanted: JsonObject): Filter {
  const tests = Object.entries(wanted).map(([field, value]) => ({ field, is: equalTo(value) }));
  return (metadata) => tests.every(({ field, is }) => Object.hasOwn(metadata, field) && is(metadata[field]!));
}

function equalTo(wanted: Json): (value: Json) => boolean {
  // Of what cannot be taken apart only the same is equal; 0 and -0 are the same number in JSON.
  if (wanted === null || typeof wanted !== 'object') return (value) => value === wanted;
  const text = canonicalJson(wanted);
  return (value) => value !== null && typeof value === 'object' && canonicalJson(value) === text;
}
