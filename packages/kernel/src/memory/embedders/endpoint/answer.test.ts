import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LONGEST_VECTOR, longestAnswer, readAnswer } from './answer.ts';

const item = (index: unknown, embedding: unknown) => ({ index, embedding });
const read = (data: unknown, count: number) => readAnswer(JSON.stringify({ data }), count);
const base64 = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer).toString('base64');

describe('an answer is put into the order of the texts', () => {
  test('by index, whatever its own order', () => {
    const shuffled = fc
      .integer({ min: 1, max: 20 })
      .chain((count) => fc.shuffledSubarray([...Array(count).keys()], { minLength: count }));
    fc.assert(
      fc.property(shuffled, (order) => {
        const verdicts = read(
          order.map((index) => item(index, [index + 1, 1])),
          order.length,
        );
        for (const [at, verdict] of verdicts.entries()) {
          expect((verdict as Float32Array)[0]! / (verdict as Float32Array)[1]!).toBeCloseTo(at + 1, 4);
        }
      }),
    );
  });

  test('as it is, where there are no indices', () => {
    expect(read([{ embedding: [1, 0] }, { embedding: [0, 2] }], 2)).toEqual([
      Float32Array.of(1, 0),
      Float32Array.of(0, 1),
    ]);
  });

  test('numbers may be base64 of 32-bit floats', () => {
    expect(read([item(0, base64(3, 4))], 1)).toEqual([Float32Array.of(0.6, 0.8)]);
  });

  test('vectors get the length 1, however short or long they are', () => {
    const [small, large] = read([item(0, [3e-30, 4e-30]), item(1, [3e30, 4e30])], 2) as Float32Array[];
    for (const vector of [small!, large!]) {
      expect(vector[0]).toBeCloseTo(0.6, 6);
      expect(vector[1]).toBeCloseTo(0.8, 6);
    }
  });
});

describe('what is wrong with an answer is said precisely', () => {
  test.each([
    ['', 1, 'is empty'],
    ['<html>\n<body>Bad Gateway', 1, 'is not JSON: "<html> <body>Bad Gateway"'],
    ['null', 1, 'has no list "data"'],
    ['[]', 1, 'has no list "data"'],
    ['{"error":"x"}', 1, 'has no list "data"'],
    ['{"data":{}}', 1, 'has no list "data"'],
    ['{"data":[1]}', 1, 'has something else than an object at data[0]'],
    ['{"data":[]}', 1, 'has 0 vectors for 1 texts'],
    ['{"data":[{"embedding":[1]},{"embedding":[1]}]}', 1, 'has 2 vectors for 1 texts'],
    ['{"data":[{"index":1,"embedding":[1]}]}', 1, 'has no index from 0 to 0 at data[0]'],
    ['{"data":[{"index":"0","embedding":[1]}]}', 1, 'has no index from 0 to 0 at data[0]'],
    ['{"data":[{"index":0,"embedding":[1]},{"embedding":[1]}]}', 2, 'has no index from 0 to 1 at data[1]'],
    ['{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}', 2, 'has the index 0 twice'],
    ['{"data":[{}]}', 1, 'has an "embedding" that is neither a list of numbers nor base64'],
    ['{"data":[{"embedding":[]}]}', 1, 'has an empty vector'],
    ['{"data":[{"embedding":""}]}', 1, 'has an empty vector'],
    ['{"data":[{"embedding":"AAA"}]}', 1, 'has an "embedding" that is text, but not base64 of 32-bit floats'],
    ['{"data":[{"embedding":"0.1, 0.2"}]}', 1, 'has an "embedding" that is text, but not base64 of 32-bit floats'],
    ['{"data":[{"embedding":[1]},{"embedding":[1,2]}]}', 2, 'has vectors of different lengths: 1, 2'],
  ])('%s', (body, count, message) => {
    expect(() => readAnswer(body, count)).toThrow(message);
  });

  test('a vector that is too long to be kept', () => {
    expect(() => read([item(0, Array(LONGEST_VECTOR + 1).fill(1))], 1)).toThrow(
      `has a vector of length ${LONGEST_VECTOR + 1}; ${LONGEST_VECTOR} is the most`,
    );
  });
});

describe('a vector that is of no use is the fault of its text alone', () => {
  test.each([
    ['[0,0]', 'its vector is all zeros'],
    ['[1,null]', 'its vector has null at 1'],
    ['[1e999,1]', 'its vector has Infinity at 0'],
    ['["1",1]', 'its vector has a string at 0'],
    ['[[1],1]', 'its vector has an object at 0'],
    [JSON.stringify(base64(Number.NaN, 1)), 'its vector has NaN at 0'],
    ['[1e308,1e308]', 'its vector is too long for a number'],
  ])('%s', (embedding, reason) => {
    expect(readAnswer(`{"data":[{"embedding":[1,0]},{"embedding":${embedding}}]}`, 2)).toEqual([
      Float32Array.of(1, 0),
      reason,
    ]);
  });
});

test.each([
  [1, 8192, null],
  [64, 8192, null],
  [64, 8192, 8192],
  [1, 384, 384],
  [64, 1536, 1536],
])('%s of the longest vectors of %s fit into the longest answer, however they are written', (count, length, known) => {
  const longest = -Math.PI / 1e10;
  const data = Array.from({ length: count }, (_, at) => item(at, Array(length).fill(longest)));
  const written = JSON.stringify({ data, model: 'm' }, null, known === null ? 0 : 8);
  expect(written.length).toBeLessThan(longestAnswer(count, known));
  expect(longestAnswer(64, null)).toBeLessThan(16 * 1024 * 1024);
});
