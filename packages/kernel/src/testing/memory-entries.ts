import fc from 'fast-check';
import type { Json } from '../core/json.ts';
import { type MemoryEntry, vectorText } from '../core/memory.ts';
import type { MemorySearch } from '../core/memory-search.ts';
import { DAWN } from './scribe.ts';

export function anEntry(fields: Partial<MemoryEntry> = {}): MemoryEntry {
  return {
    ...{ scope: 'team', key: 'k', version: 1, value: 'null', metadata: {}, text: null, vector: null, embedding: null },
    ...{ hash: '', createdAt: DAWN, updatedAt: DAWN, expiresAt: null },
    ...fields,
  };
}

export function aSearch(fields: Partial<MemorySearch> = {}): MemorySearch {
  return { scope: 'team', vector: null, text: null, filter: {}, limit: 10, now: DAWN, ...fields };
}

/** Few words, so that texts have some in common; some of them are the same to whoever searches. */
const WORDS = ['bee', 'Bees', 'HONEY', 'Blüte', 'blute', 'straße', 'café', '蜂蜜', '蜂', 'b2', '🐝', "it's", '', '--'];
export const someText = fc.array(fc.constantFrom(...WORDS), { maxLength: 8 }).map((words) => words.join(' '));

/** Of whole numbers, so that some are equally near; never without length. */
export const someNumbers = (dimension: number) =>
  fc
    .array<number>(fc.integer({ min: -2, max: 2 }), { minLength: dimension, maxLength: dimension })
    .map((numbers) => (numbers.some((number) => number !== 0) ? numbers : numbers.with(0, 1)));

const someValue = fc.constantFrom<Json>(null, 0, 1, '1', true, [1], { a: 1, b: [null] }, { b: [null], a: 1 });
export const someMetadata = fc.dictionary(fc.constantFrom('kind', 'by', '__proto__'), someValue, { maxKeys: 2 });

const someKey = fc.constantFrom('a', 'b', 'ab', 'é', '\u{ffff}', '\u{10000}', 'z', 'a b', '%');

export const someEntry: fc.Arbitrary<MemoryEntry> = fc
  .record({
    key: someKey,
    scope: fc.constantFrom('team', 'team2'),
    metadata: someMetadata,
    text: fc.option(someText),
    vector: fc.option(someNumbers(3).map(vectorText)),
    embedding: fc.option(fc.record({ model: fc.constantFrom('m:1', 'm:2'), vector: someNumbers(4).map(vectorText) })),
    expiresAt: fc.option(fc.constantFrom(DAWN, DAWN + 1)),
  })
  .map(anEntry);

export const someSearch: fc.Arbitrary<MemorySearch> = fc
  .record({
    scope: fc.constantFrom('team', 'team2', 'none'),
    vector: fc.option(
      fc.oneof(
        fc.record({ space: fc.constant('given' as const), values: someNumbers(3).map((all) => new Float32Array(all)) }),
        fc.record({
          space: fc.record({ model: fc.constantFrom('m:1', 'm:2') }),
          values: someNumbers(4).map((all) => new Float32Array(all)),
        }),
      ),
    ),
    text: fc.option(someText),
    filter: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, someMetadata),
    limit: fc.integer({ min: 1, max: 5 }),
  })
  .map(aSearch);
