import { dimensionOf, vectorFrom } from '../../../core/memory.ts';
import { unit, type Verdict } from '../verdict.ts';

/** What came back is not what such an endpoint answers. `message` completes the sentence "its answer …". */
export class BadAnswer extends Error {
  override readonly name = 'BadAnswer';
}

/** No model has vectors longer than that, and a store need not hold them. */
export const LONGEST_VECTOR = 8192;

/** As a number may be written, with all its digits; and with whatever stands between two of them. */
const NUMBER_BYTES = 28;
const SPACED_NUMBER_BYTES = 64;
const OTHER_BYTES = 64 * 1024;

/**
 * How long an answer may be: to read what is longer would only keep others waiting.
 * @param dimension how long its vectors should be; null: that is not known yet
 */
export function longestAnswer(count: number, dimension: number | null): number {
  const vector = dimension === null ? LONGEST_VECTOR * NUMBER_BYTES : dimension * SPACED_NUMBER_BYTES;
  return OTHER_BYTES + count * vector;
}

/**
 * Reads `{"data": [{"index": 0, "embedding": [0.1, …]}, …]}`, with the vectors as numbers or as base64 of 32-bit floats,
 * in any order. A vector that is of no use is a fault of its text only; anything else throws `BadAnswer`.
 *
 * @param show how a body may be shown that is none
 */
export function readAnswer(body: string, count: number, show: (body: string) => string = beginning): Verdict[] {
  const items = itemsOf(parse(body, show));
  if (items.length !== count) throw new BadAnswer(`has ${items.length} vectors for ${count} texts`);
  const verdicts = inOrder(items).map(({ embedding }) => unit(numbersOf(embedding)));
  const lengths = new Set(verdicts.flatMap((verdict) => (typeof verdict === 'string' ? [] : [verdict.length])));
  if (lengths.size > 1) throw new BadAnswer(`has vectors of different lengths: ${[...lengths].join(', ')}`);
  return verdicts;
}

interface Item {
  readonly index?: unknown;
  readonly embedding?: unknown;
}

function parse(body: string, show: (body: string) => string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new BadAnswer(body === '' ? 'is empty' : `is not JSON: ${show(body)}`);
  }
}

function itemsOf(answer: unknown): Item[] {
  const data = isObject(answer) ? (answer as { data?: unknown }).data : undefined;
  if (!Array.isArray(data)) throw new BadAnswer('has no list "data"');
  const wrong = data.findIndex((item) => !isObject(item));
  if (wrong >= 0) throw new BadAnswer(`has something else than an object at data[${wrong}]`);
  return data as Item[];
}

/** By `index` where there is one: an endpoint may answer in the order in which it got done. */
function inOrder(items: readonly Item[]): readonly Item[] {
  if (items.every(({ index }) => index === undefined)) return items;
  const sorted = new Array<Item | undefined>(items.length).fill(undefined);
  for (const [at, item] of items.entries()) {
    const { index } = item;
    if (typeof index !== 'number' || !(index in sorted)) {
      throw new BadAnswer(`has no index from 0 to ${items.length - 1} at data[${at}]`);
    }
    if (sorted[index] !== undefined) throw new BadAnswer(`has the index ${index} twice`);
    sorted[index] = item;
  }
  return sorted as Item[];
}

function numbersOf(embedding: unknown): readonly unknown[] | Float32Array {
  const numbers = typeof embedding === 'string' ? decoded(embedding) : embedding;
  if (!Array.isArray(numbers) && !(numbers instanceof Float32Array)) {
    throw new BadAnswer('has an "embedding" that is neither a list of numbers nor base64');
  }
  if (numbers.length === 0) throw new BadAnswer('has an empty vector');
  if (numbers.length > LONGEST_VECTOR) {
    throw new BadAnswer(`has a vector of length ${numbers.length}; ${LONGEST_VECTOR} is the most`);
  }
  return numbers;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** 32-bit floats, the lowest byte first: as vectors are kept. */
function decoded(text: string): Float32Array {
  if (!BASE64.test(text) || !Number.isInteger(dimensionOf(text))) {
    throw new BadAnswer('has an "embedding" that is text, but not base64 of 32-bit floats');
  }
  return vectorFrom(text);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Enough of a text to recognize it, in one line. */
export function beginning(text: string): string {
  const line = text
    .slice(0, 400)
    .replace(/[\s\p{C}]+/gu, ' ')
    .trim();
  return JSON.stringify(line.length > 120 ? `${line.slice(0, 120)}…` : line);
}
