import { expect, test } from 'vitest';
import { discreet } from './discreet.ts';

const url = new URL('https://a.example/v1/embeddings?api-key=s3cret/of%20mine&v=2');

test.each([
  ['nothing of it', 'nothing of it'],
  ['the key sk-"1"\\ is wrong, sk-"1"\\!', 'the key … is wrong, …!'],
  ['{"error":"no sk-\\"1\\"\\\\ here"}', '{"error":"no … here"}'],
  ['sk-%221%22%5C', '…'],
  ['Cannot POST /v1/embeddings?api-key=s3cret/of%20mine&v=2', 'Cannot POST /v1/embeddings?…'],
  ['Cannot POST /v1/embeddings?api-key=s3cret/of mine&amp;v=2', 'Cannot POST /v1/embeddings?api-key=…&amp;v=2'],
])('%j is shown as %j', (said, shown) => {
  expect(discreet(said, { url, apiKey: 'sk-"1"\\' })).toBe(shown);
});

test('where there is nothing to hide, all is shown', () => {
  expect(discreet('all of it', { url: new URL('https://a.example/v1/embeddings'), apiKey: null })).toBe('all of it');
});
