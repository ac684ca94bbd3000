import { expect, test } from 'vitest';
import { Newest } from './newest.ts';

test('what was used last is remembered, be it put or asked for', () => {
  const newest = new Newest<string, number>(2);
  newest.set('a', 1);
  newest.set('b', 2);
  expect(newest.get('a')).toBe(1);
  newest.set('c', 3);
  expect([newest.get('a'), newest.get('b'), newest.get('c')]).toEqual([1, undefined, 3]);
  newest.set('a', 4);
  newest.set('d', 5);
  expect([newest.get('a'), newest.get('c'), newest.get('d')]).toEqual([4, undefined, 5]);
});
