import { expect, test } from 'vitest';
import { nextCursor } from './links.ts';

test('the next page’s cursor is taken from the link that says so', () => {
  const link = '<https://kernel/tasks?cursor=a>; rel="first", </tasks?limit=2&cursor=b%2Fc>; title="x"; rel="next"';
  expect(nextCursor(link)).toBe('b/c');
  expect(nextCursor('</tasks?cursor=z>; rel=next')).toBe('z');
  expect(nextCursor('</tasks?cursor=z>; rel="last next"')).toBe('z');
});

test('no link, or none to a next page, means that there is no more', () => {
  expect(nextCursor(null)).toBeUndefined();
  expect(nextCursor('</tasks?cursor=a>; rel="prev"')).toBeUndefined();
  expect(nextCursor('</tasks>; rel="next"')).toBeUndefined();
});
