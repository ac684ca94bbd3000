import { expect, test } from 'vitest';
import type { MemoryFound } from '../core/memory-search.ts';
import { fuse } from './fusion.ts';

const hits = (...ids: string[]) => ids.map((id, place) => ({ id, score: 1 / (place + 1) }));
const order = (found: MemoryFound, limit = 10) => fuse(found, true, limit).map(({ id }) => id);

test('what is high in both lists comes before what is first in one', () => {
  expect(order({ byVector: hits('a', 'b', 'c'), byText: hits('d', 'b', 'e') })).toEqual(['b', 'a', 'd', 'c', 'e']);
});

test('the score is the sum of 1 / (60 + place), and each keeps what it got by itself', () => {
  const [first, second] = fuse({ byVector: hits('a', 'b'), byText: hits('a') }, true, 10);
  expect(first).toEqual({ id: 'a', score: 2 / 61, scores: { vector: 1, text: 1 } });
  expect(second).toEqual({ id: 'b', score: 1 / 62, scores: { vector: 0.5, text: null } });
});

test('one list alone keeps its scores, and no more come out than were asked for', () => {
  expect(fuse({ byVector: hits('b', 'a'), byText: [] }, false, 1)).toEqual([
    { id: 'b', score: 1, scores: { vector: 1, text: null } },
  ]);
  expect(order({ byVector: hits('a', 'b'), byText: hits('c', 'd') }, 3)).toEqual(['a', 'c', 'b']);
  expect(order({ byVector: [], byText: [] })).toEqual([]);
});

test('of those that are equal the one comes first whose id does, as everywhere by its bytes', () => {
  const ids = ['\u{10000}', '\u{ffff}', 'b', 'a'];
  const equal = ids.map((id) => ({ id, score: 0.5 }));
  const sorted = ['a', 'b', '\u{ffff}', '\u{10000}'];
  expect(fuse({ byVector: equal, byText: [] }, false, 10).map(({ id }) => id)).toEqual(sorted);
  expect(order({ byVector: hits('\u{10000}', 'b'), byText: hits('\u{ffff}', 'a') })).toEqual([
    '\u{ffff}',
    '\u{10000}',
    'a',
    'b',
  ]);
});
