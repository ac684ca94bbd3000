import { hash } from 'node:crypto';
import { canonicalJson, type JsonObject } from '../core/json.ts';

/** Half of what a field is known by is in one number of 32 bits, half in the next. */
export const NUMBERS = 2;
const FIELD_BYTES = NUMBERS * 4;

/**
 * What the fields of metadata are known by, each with its value: the first 64 bits of SHA-256 over both as canonical JSON, one
 * after the other. Two that differ are not the same to anybody who does not search for such a pair on purpose.
 */
export function fieldsOf(metadata: JsonObject): Buffer {
  const all = Object.entries(metadata);
  const bytes = Buffer.allocUnsafeSlow(all.length * FIELD_BYTES);
  for (const [at, field] of all.entries()) {
    hash('sha256', canonicalJson(field), 'buffer').copy(bytes, at * FIELD_BYTES, 0, FIELD_BYTES);
  }
  return bytes;
}

/** The same, to be looked for. */
export function wantedFields(filter: JsonObject): Uint32Array {
  const bytes = fieldsOf(filter);
  const numbers = new Uint32Array(bytes.length / 4);
  new Uint8Array(numbers.buffer).set(bytes);
  return numbers;
}
