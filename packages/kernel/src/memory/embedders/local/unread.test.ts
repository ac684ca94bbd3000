import { expect, test } from 'vitest';
import { mixed, unreadShare } from './unread.ts';

const ascii = (sign: string) => sign <= '~';

test.each([
  ['all of it can be read, 100 %', 0],
  ['東京', 1],
  ['AB 東京', 0.5],
  ['“quoted” — €5', 0],
  ['🦊 !', 0.5],
  ['ＡＢ', 0],
  ['\u200b', 1],
  ['', 0],
])('of %j, %s cannot be read', (text, share) => {
  expect(unreadShare(text, ascii)).toBe(share);
});

test('each of two vectors counts as much as its share', () => {
  const [one, other] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
  expect(mixed(one, other, 0)).toEqual(Float64Array.of(1, 0));
  expect(mixed(one, other, 1)).toEqual(Float64Array.of(0, 1));
  const half = mixed(one, other, 0.5);
  expect(Math.hypot(...half)).toBeCloseTo(1, 6);
  expect(half[0]).toBeCloseTo(half[1]!, 6);
});
