import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode, queryLevels, strideOf } from './codes.ts';
import { cosine, lengthOf } from './cosine.ts';
import { type Dots, fastDots, plainDots } from './dots.ts';
import { Threshold } from './front.ts';
import { Matrix } from './matrix.ts';
import { Ranking } from './ranking.ts';

const CODES = fc.integer({ min: -127, max: 127 });
const NUMBER = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true, min: -4, max: 4 }),
  fc.constantFrom(0, 1, 1e-30, -1e30),
);
const vectorsOf = (dimension: number) =>
  fc.array(
    fc.array(NUMBER, { minLength: dimension, maxLength: dimension }).map((numbers) => Float32Array.from(numbers)),
    { minLength: 2, maxLength: 80, size: 'max' },
  );
const vectors = fc.integer({ min: 1, max: 40 }).chain(vectorsOf);

describe('dot products', () => {
  it('are made sixteen at a time here, and are what plain TypeScript makes of them', () => {
    const fast = fastDots();
    expect(fast).not.toBe(plainDots);
    const rows = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 50 }), fc.infiniteStream(CODES));
    fc.assert(
      fc.property(rows, fc.integer({ min: -2047, max: 2047 }), ([steps, count, codes], peak) => {
        const stride = steps * 16;
        const next = () => codes.next().value;
        const matrix = Int8Array.from({ length: stride * count }, next);
        const query = Int16Array.from({ length: stride }, (_, n) => (n === 0 ? peak : next() * 16));
        const [one, other] = [new Int32Array(count), new Int32Array(count)];
        fast(matrix, stride, query, one);
        plainDots(matrix, stride, query, other);
        expect(one).toEqual(other);
      }),
    );
  });

  it('do not overflow, however long the rows are, and however many', () => {
    for (const [dimension, count] of [
      [4096, 100],
      [16, 20_000],
      [9000, 3],
      [140_000, 2],
    ] as const) {
      const stride = strideOf(dimension);
      const levels = queryLevels(stride);
      const out = new Int32Array(count);
      fastDots()(new Int8Array(stride * count).fill(-127), stride, new Int16Array(stride).fill(levels), out);
      expect(out).toEqual(new Int32Array(count).fill(-127 * levels * stride));
    }
  });
});

describe('a vector in whole numbers', () => {
  it('is as far from the vector as it says', () => {
    fc.assert(
      fc.property(vectors, fc.constantFrom(127, 2047), ([vector], levels) => {
        const codes = new Int16Array(strideOf(vector!.length));
        const length = lengthOf(vector!);
        const { scale, error } = encode(vector!, length, codes, 0, levels);
        const lost = Math.hypot(...[...vector!].map((x, n) => (length > 0 ? x / length : 0) - codes[n]! * scale));
        expect(error).toBeCloseTo(lost, 9);
        expect(Math.max(...codes.map(Math.abs))).toBeLessThanOrEqual(levels);
      }),
    );
  });
});

describe('a matrix', () => {
  const NO_FIELDS = new Uint8Array(0);
  const NO_FILTER = new Uint32Array(0);

  function filled(all: readonly Float32Array[], dots: Dots): Matrix {
    const matrix = new Matrix(all[0]!.length, dots);
    for (const [n, vector] of all.entries()) {
      matrix.append({ number: n + 1, vector, expiresAt: null, fields: NO_FIELDS });
    }
    return matrix;
  }

  it('has all that are nearest among its candidates, whichever way it multiplies', () => {
    fc.assert(
      fc.property(vectors, fc.integer({ min: 1, max: 12 }), ([query, ...all], limit) => {
        for (const dots of [fastDots(), plainDots]) {
          const matrix = filled(all, dots);
          const aim = matrix.aim(query!, 0, NO_FILTER);
          expect(aim === null).toBe(Number.isNaN(lengthOf(query!)));
          if (!aim) return;
          const found = new Set(matrix.candidates(aim, limit).map(({ number }) => number));
          const scores = all.map((vector) => cosine(query!, vector));
          const least = scores.toSorted((a, b) => b - a)[limit - 1] ?? -1;
          for (const [n, score] of scores.entries()) if (score >= least) expect(found).toContain(n + 1);
        }
      }),
    );
  });

  it('has few candidates, and fewer when those that are gone are forgotten', () => {
    let seed = 7;
    const chance = () => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647 - 0.5;
    };
    const random = () => Float32Array.from({ length: 384 }, chance);
    const matrix = filled(Array.from({ length: 10_000 }, random), fastDots());
    const aim = matrix.aim(random(), 0, NO_FILTER)!;
    const before = matrix.candidates(aim, 10);
    expect(before.length).toBeGreaterThanOrEqual(10);
    expect(before.length).toBeLessThan(100);
    before[0]!.forget();
    expect(matrix.candidates(aim, 10).map(({ number }) => number)).not.toContain(before[0]!.number);
    expect(matrix.bytes).toBeLessThan(10_000 * (384 + 24 + 8) * 1.5);
  });
});

describe('the best of many', () => {
  it('are those that sorting all of them brings to the front', () => {
    const hits = fc.array(
      fc.record({ id: fc.string({ unit: 'binary', maxLength: 2 }), score: fc.integer({ min: 0, max: 3 }) }),
      {
        maxLength: 300,
        size: 'max',
      },
    );
    fc.assert(
      fc.property(hits, fc.integer({ min: 1, max: 20 }), (all, limit) => {
        const [best, threshold] = [new Ranking(limit), new Threshold(limit)];
        for (const hit of all) {
          best.offer(hit, hit.score);
          threshold.add(hit.score);
        }
        const bytes = ({ id }: { id: string }) => Buffer.from(id);
        const sorted = all.toSorted((a, b) => b.score - a.score || Buffer.compare(bytes(a), bytes(b))).slice(0, limit);
        expect(best.list().map(({ score }) => score)).toEqual(sorted.map(({ score }) => score));
        expect(best.list().map(bytes)).toEqual(sorted.map(bytes));
        const least = all.length < limit ? Number.NEGATIVE_INFINITY : sorted.at(-1)!.score;
        expect(threshold.value).toBe(least);
        expect(best.least).toBe(least);
      }),
    );
  });
});
