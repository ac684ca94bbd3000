import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type MemoryEntry, memoryDocument, memoryId } from '../../core/memory.ts';
import type { MemoryFound, MemorySearch } from '../../core/memory-search.ts';
import { lookThrough } from '../../testing/looking-through.ts';
import { anEntry, aSearch, someEntry, someSearch } from '../../testing/memory-entries.ts';
import { ScopeIndex } from './scope-index.ts';
import { VectorRoom } from './vector-room.ts';

function found(index: ScopeIndex, query: MemorySearch): MemoryFound {
  const steps = index.search(query);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

test('a text of a hundred thousand characters is taken in some at a time', () => {
  const index = new ScopeIndex(new VectorRoom());
  const text = '東京の天気は晴れ'.repeat(12_500);
  let steps = 0;
  for (const _ of index.put(anEntry({ text }))) steps++;
  expect(steps).toBeGreaterThan(90);
  expect(found(index, aSearch({ text: '天気' })).byText).toHaveLength(1);
});

test('whatever was put and removed, it is found as if each entry were looked at', () => {
  const change = fc.oneof(
    { weight: 4, arbitrary: someEntry },
    someEntry.map(({ scope, key }) => ({ scope, key })),
  );
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 40, size: 'max' }),
      fc.array(someSearch, { maxLength: 8 }),
      (changes, queries) => {
        const room = new VectorRoom();
        const indexes = new Map(['team', 'team2', 'none'].map((scope) => [scope, new ScopeIndex(room)]));
        const there = new Map<string, MemoryEntry>();
        for (const one of changes) {
          const id = memoryId(one.scope, one.key);
          if ('version' in one) there.set(id, one);
          else there.delete(id);
          if ('version' in one) for (const _ of indexes.get(one.scope)!.put(one));
          else indexes.get(one.scope)!.remove(id);
        }
        for (const query of queries) {
          const expected = lookThrough(
            [...there.values()].map((entry) => memoryDocument(entry, 1)),
            query,
          );
          expect(found(indexes.get(query.scope)!, query)).toEqual(expected);
        }
        for (const { scope, key } of there.values()) indexes.get(scope)!.remove(memoryId(scope, key));
        expect([room.bytes, ...[...indexes.values()].map(({ bytes }) => bytes)]).toEqual([65_536, 0, 0, 0]);
      },
    ),
    { numRuns: 300 },
  );
});
