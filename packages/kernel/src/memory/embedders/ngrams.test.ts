import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dot, exerciseEmbedder } from '../../testing/embedder-conformance.ts';
import { NgramEmbedder } from './ngram-embedder.ts';
import { NGRAMS_DIMENSION, ngramVector } from './ngrams.ts';

exerciseEmbedder('the embedder of n-grams', { open: async () => new NgramEmbedder(), tolerance: 0, runs: 100 });

function alike(one: string, other: string): number {
  return dot(ngramVector(one), ngramVector(other));
}

describe('what is written alike is near', () => {
  test.each([
    ['reimbursement', 'reimbursements', 'embarrassment'],
    ['the weather in Norway', 'how is the wether in norway', 'the price of a ticket'],
    ['send the invoice to the customer', 'customers are sent invoices', 'feed the animals in the zoo'],
    ['deploy the kernel', 'kernel deployment', 'paint the kitchen'],
    ['東京の天気', '天気は東京', '大阪で食べる'],
  ])('%s: rather %s than %s', (text, near, far) => {
    expect(alike(text, near)).toBeGreaterThan(alike(text, far) + 0.15);
  });

  test.each([
    ['Straße', 'STRASSE'],
    ['ΟΔΟΣ', 'οδος'],
    ['ｶﾀｶﾅ', 'カタカナ'],
    ['caf\u00e9', 'CAFE\u0301'],
    ['ﬁne', 'FINE'],
    ['one, two!', 'One - two'],
  ])('%s and %s are the same', (one, other) => {
    expect(alike(one, other)).toBeCloseTo(1, 6);
  });

  test('signs heaped on a letter take no time', () => {
    const heaps = Array.from({ length: 50 }, (_, n) => `${n}a${'\u0301\u0316'.repeat(8000)}`);
    const start = performance.now();
    for (const heap of heaps) ngramVector(heap);
    // Normalized as they are, they would take seconds.
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('the order of words counts, a little', () => {
    const same = alike('the dog bites the man', 'the man bites the dog');
    expect(same).toBeGreaterThan(0.8);
    expect(same).toBeLessThan(0.999);
  });
});

test('a vector is what it has always been, on every machine', () => {
  // Vectors are kept: whoever changes them has to change the name of the model, too.
  expect(digest('The quick brown fox, 東京, naïve 🦊 x_1')).toMatchInlineSnapshot(
    `"233:-0.25715 29:-0.22361 160:-0.22361 213:0.22361 289:0.22361 378:-0.22361"`,
  );
  expect(digest('!?')).toMatchInlineSnapshot(`"365:-0.70711 452:0.70711 0:0.00000 1:0.00000 2:0.00000 3:0.00000"`);
});

test('no text is without a vector, however odd it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const vector = ngramVector(text);
      expect(vector.length).toBe(NGRAMS_DIMENSION);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    }),
  );
  for (const text of ['', ' ', '\0', '🦊', '!', '\u0301', '\ud800'])
    expect(Math.hypot(...ngramVector(text))).toBeCloseTo(1, 5);
});

test('signs are all there is to tell some texts by', () => {
  expect(alike('!!!', '!')).toBeCloseTo(1, 6);
  expect(Math.abs(alike('!!!', '???'))).toBeLessThan(0.1);
});

test('a word that comes often does not drown the others', () => {
  const spam = `${'free '.repeat(100)}invoice`;
  expect(alike(spam, 'invoice')).toBeGreaterThan(0.05);
});

/** The places that count most, and what they hold. */
function digest(text: string): string {
  return [...ngramVector(text).entries()]
    .sort(([a, x], [b, y]) => Math.abs(y) - Math.abs(x) || a - b)
    .slice(0, 6)
    .map(([at, value]) => `${at}:${value.toFixed(5)}`)
    .join(' ');
}
