import { expect, test } from 'vitest';
import { charactersInClasses } from './classes.ts';

const WITH_CASE = 0x1e943 - 0x41;

test.each([
  ['[a-z]+ [0-9]-x', 60],
  ['[^\\x00-\\x7f]', 62],
  ['[а-яё]', 31],
  ['[\\x{4e00}-\\x{9fff}]', 0x9fff - 0x4e00],
  ['[\\x{0}-\\x{10ffff}]', 0],
  ['[\\x{80}-\\x{10ffff}]', 0x1e943 - 0x80],
  ['[B-\\x{1e942}][B-\\x{1e942}]', 2 * WITH_CASE],
  ['\\pL[\\p{Greek}\\PN]', 15_000],
])('%s makes work, but not more than that', (pattern, most) => {
  expect(charactersInClasses(pattern)).toBeLessThanOrEqual(most);
  expect(charactersInClasses(pattern)).toBeGreaterThanOrEqual(most / 2 - 300);
});

test('a range cannot hide how wide it is', () => {
  // A backslash, an x, braces, digits, and a range from a brace on.
  expect(charactersInClasses('[\\\\x{1e900}-\\x{1e942}]')).toBeGreaterThan(WITH_CASE - 100);
  expect(charactersInClasses('[\\x{1e900}-\\x{1e942}]')).toBeLessThan(100);
  expect(charactersInClasses('[\\B-\\x{1e942}]')).toBeGreaterThan(WITH_CASE - 100);
  expect(charactersInClasses('[é-\u{1e942}]')).toBeGreaterThan(WITH_CASE - 200);
  expect(charactersInClasses('[\u{1e900}-\u{1e942}]')).toBeLessThan(100);
});
