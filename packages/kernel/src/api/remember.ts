import { hash } from 'node:crypto';
import type { MemoryQuery } from '../body/memory-desk.ts';
import type { FieldError } from '../core/errors.ts';
import { Refusal } from '../core/errors.ts';
import { canonicalJson, type Json, type JsonObject } from '../core/json.ts';
import { type MemoryInput, vectorText } from '../core/memory.ts';
import { decodeNameCursor } from './cursor.ts';
import { invalid, invalidField } from './problem.ts';
import { MAX_KEY } from './schemas/memory.ts';

/** What is asked of memory, checked beyond what a schema can say, and turned into what can be put. */

/** A put as it comes in. */
export interface Asked {
  readonly value: Json;
  readonly ttl_seconds?: number | null;
  readonly vector?: readonly number[] | null;
  readonly text?: string | null;
  readonly metadata?: JsonObject;
}

const SCOPE = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/;
/** Control characters, and halves of surrogate pairs. */
const UNFIT = /[\p{Cc}\p{Cs}]/u;
/** In a URL these lead elsewhere, however they are written. */
const NO_NAMES = new Set(['.', '..']);
const MAX_METADATA = 16_384;

export function wrongScope(scope: string): FieldError | null {
  if (SCOPE.test(scope)) return null;
  const message = 'must be 1 to 128 letters, digits, . _ : @ or -, and begin with a letter or digit';
  return { path: 'path.scope', message };
}

/** What begins so is the kernel's own: anybody may read and search it, and nobody else writes there. */
const RESERVED = 'colony.';

/** The same of a scope that is to be written to. */
export function closedScope(scope: string): FieldError | null {
  if (!scope.startsWith(RESERVED)) return wrongScope(scope);
  return { path: 'path.scope', message: `must not begin with ${RESERVED}: there only the kernel writes` };
}

export function wrongKey(key: string, path = 'path.key'): FieldError | null {
  if (key.length > 0 && key.length <= MAX_KEY && !UNFIT.test(key) && !NO_NAMES.has(key)) return null;
  return { path, message: `must be 1 to ${MAX_KEY} characters, none of them a control character, and not . or ..` };
}

/** What is looked for need not be longer than what may be there. */
export function wrongFilter(filter: JsonObject): FieldError | null {
  if (JSON.stringify(filter).length <= MAX_METADATA) return null;
  return { path: '/filter', message: `must not be longer than ${MAX_METADATA} characters as JSON` };
}

/** Of a listing: what names begin with, how many there are to be, and behind which. */
export function readListQuery(asked: {
  readonly prefix?: string;
  readonly limit?: number;
  readonly cursor?: string;
}): MemoryQuery | Refusal {
  const { prefix = '', limit = 100, cursor } = asked;
  if (prefix.length > MAX_KEY || UNFIT.test(prefix)) {
    return invalidField('query.prefix', `must be up to ${MAX_KEY} characters, none of them a control character`);
  }
  const after = cursor === undefined ? undefined : decodeNameCursor(cursor);
  if (after === null) return invalidField('query.cursor', 'must be the next_cursor of the page before');
  return { prefix, limit, after };
}

/** @param path where it stands in the request: '' or `/items/3` */
export function memoryInput(key: string, asked: Asked, maxBytes: number, path = ''): MemoryInput | Refusal {
  const { text = null, metadata = {}, ttl_seconds: seconds = null } = asked;
  const value = JSON.stringify(asked.value);
  const bytes = Buffer.byteLength(value);
  if (bytes > maxBytes) {
    const message = `is ${bytes} bytes long as JSON; at most ${maxBytes} are allowed (COLONY_MEMORY_MAX_VALUE_BYTES)`;
    return new Refusal('payload_too_large', `${path}/value ${message}.`, {
      errors: [{ path: `${path}/value`, message }],
    });
  }
  if (JSON.stringify(metadata).length > MAX_METADATA) {
    return invalidField(`${path}/metadata`, `must not be longer than ${MAX_METADATA} characters as JSON`);
  }
  const vector = asked.vector ? readVector(asked.vector, `${path}/vector`) : null;
  if (vector instanceof Refusal) return vector;
  const content = canonicalJson({ metadata, text, value: asked.value, vector });
  const ttlMs = seconds === null ? null : Math.max(1, Math.round(seconds * 1000));
  return { key, value, metadata, text, vector, hash: hash('sha256', content, 'hex'), ttlMs, path };
}

/** The same of many, or what is wrong with the first that is; to be taken in turns with others, since they may be long. */
export function* memoryInputs(
  items: readonly (Asked & { readonly key: string })[],
  maxBytes: number,
): Generator<void, MemoryInput[] | Refusal> {
  const inputs: MemoryInput[] = [];
  for (const [at, { key, ...asked }] of items.entries()) {
    const input = memoryInput(key, asked, maxBytes, `/items/${at}`);
    if (input instanceof Refusal) return input;
    inputs.push(input);
    yield;
  }
  return inputs;
}

/** The same of what is looked for. */
export function readQuery(numbers: readonly number[]): Float32Array | Refusal {
  const text = readVector(numbers, '/vector');
  return text instanceof Refusal ? text : Float32Array.from(numbers);
}

/** What has a direction: a length that is neither 0 nor beyond what 32 bits hold. */
function readVector(numbers: readonly number[], path: string): string | Refusal {
  const at = numbers.findIndex((number) => !Number.isFinite(Math.fround(number)));
  if (at >= 0) return invalidField(`${path}/${at}`, 'must be a number that fits into a 32-bit float');
  const length = Math.hypot(...numbers.map(Math.fround));
  if (!(length > 0 && Number.isFinite(Math.fround(length)))) {
    return invalidField(path, 'must have a direction: not all of its numbers may be 0, nor all too large or too small');
  }
  return vectorText(numbers);
}

/** Null: all are as they should be. */
export function refusalOf(...errors: readonly (FieldError | null)[]): Refusal | null {
  const found = errors.filter((error) => error !== null);
  return found.length === 0 ? null : invalid(found);
}
