import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.ts';
import { embeddingsUrl, shownUrl } from './url.ts';

test.each([
  ['https://api.openai.com/v1', 'https://api.openai.com/v1/embeddings'],
  ['https://api.openai.com/v1/', 'https://api.openai.com/v1/embeddings'],
  ['https://api.openai.com/v1/embeddings', 'https://api.openai.com/v1/embeddings'],
  ['https://api.openai.com/v1/embeddings/', 'https://api.openai.com/v1/embeddings'],
  ['http://127.0.0.1:11434', 'http://127.0.0.1:11434/v1/embeddings'],
  ['https://a.example/v1?api-version=3#x', 'https://a.example/v1/embeddings?api-version=3'],
])('%s means %s', (given, url) => {
  expect(embeddingsUrl(given).href).toBe(url);
});

test('what comes behind the path is not shown', () => {
  expect(shownUrl(embeddingsUrl('https://a.example/v1?key=s3cret'))).toBe('https://a.example/v1/embeddings');
});

test.each([
  [null, null],
  ['3', 3000],
  [' 0.5 ', 500],
  ['0', 0],
  ['-1', 0],
  ['soon', null],
  ['', null],
  ['Thu, 01 Jan 2026 00:00:10 GMT', 10_000],
  ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
  ['999999999', 86_400_000],
])('Retry-After: %s is %s ms', (value, ms) => {
  expect(retryAfterMs(value, Date.parse('2026-01-01T00:00:00Z'))).toBe(ms);
});
