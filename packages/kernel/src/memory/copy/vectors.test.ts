import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isBefore } from '../../core/order.ts';
import { cosine } from '../cosine.ts';
import { PAGE_BYTES, VectorRoom } from './vector-room.ts';
import { Vectors } from './vectors.ts';

interface Owner {
  readonly id: string;
}

function nearest(matrix: Vectors<Owner>, query: Float32Array, limit: number, accepts = (_: Owner) => true) {
  const steps = matrix.nearest(query, limit, accepts);
  let turns = 0;
  for (;;) {
    const step = steps.next();
    if (step.done) return { list: step.value.list(), turns };
    turns++;
  }
}

/** Numbers that look like chance and are always the same. */
function* drawn(): Generator<number, never> {
  for (let state = 1; ; ) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    yield state / 2 ** 32;
  }
}

test.each([1, 15, 16, 17, 100, 384, 1536, 4096, 8192])(
  'with %i numbers the nearest are those that are nearest',
  (dimension) => {
    const chance = drawn();
    const vector = () => new Float32Array(dimension).map(() => chance.next().value);
    const matrix = new Vectors<Owner>(new VectorRoom(), dimension);
    const all = Array.from({ length: 500 }, (_, n) => ({ id: `k${n}`, vector: vector() }));
    for (const owner of all) matrix.add(owner, owner.vector);
    for (const owner of all.splice(0, 100)) matrix.remove(owner);
    const query = vector();
    const expected = all
      .map(({ id, vector: own }) => ({ id, score: cosine(own, query) }))
      .sort((a, b) => b.score - a.score || (isBefore(a.id, b.id) ? -1 : 1));
    expect(nearest(matrix, query, 10).list).toEqual(expected.slice(0, 10));
    const odd = ({ id }: Owner) => Number(id.slice(1)) % 2 === 1;
    expect(nearest(matrix, query, 10, odd).list).toEqual(expected.filter(odd).slice(0, 10));
  },
);

test('also of vectors that are enormous or tiny, and of those that are equally near, the best are found', () => {
  const number = fc.constantFrom(-3e38, -1e20, -2, -1, 0, 1, 2, 1e-20, 1e-40);
  const vector = fc.array(number, { minLength: 3, maxLength: 3 }).map((numbers) => new Float32Array(numbers));
  const some = fc.array(vector, { minLength: 1, maxLength: 60, size: 'max' });
  fc.assert(
    fc.property(some, vector, fc.integer({ min: 1, max: 5 }), (numbers, query, limit) => {
      const all = numbers.map((own, n) => ({ id: `k${n}`, own }));
      const matrix = new Vectors<Owner>(new VectorRoom(), 3);
      for (const owner of all) matrix.add(owner, owner.own);
      const expected = all
        .map(({ id, own }) => ({ id, score: cosine(own, query) }))
        .sort((a, b) => b.score - a.score || (isBefore(a.id, b.id) ? -1 : 1));
      const hasDirection = query.some((one) => one !== 0);
      expect(nearest(matrix, query, limit).list).toEqual(hasDirection ? expected.slice(0, limit) : []);
    }),
    { numRuns: 500 },
  );
});

test('room that was let go is used again, and what is left stays where it is looked for', () => {
  const room = new VectorRoom();
  const [one, other] = [new Vectors<Owner>(room, 384), new Vectors<Owner>(room, 4096)];
  const owners = Array.from({ length: 1000 }, (_, n) => ({ id: `k${n}` }));
  const fill = (matrix: Vectors<Owner>, dimension: number) => {
    for (const [n, owner] of owners.entries()) matrix.add(owner, new Float32Array(dimension).fill(0.1).with(0, n));
  };
  fill(one, 384);
  const { bytes } = room;
  expect(bytes).toBeLessThan(1000 * 384 * 4 * 1.1 + 2 * PAGE_BYTES);
  for (const owner of owners) one.remove(owner);
  expect(room.bytes).toBe(PAGE_BYTES);
  fill(other, 4096);
  other.clear();
  fill(one, 384);
  expect(room.bytes).toBe(bytes);
  expect(nearest(one, new Float32Array(384).with(0, 1), 1).list[0]!.id).toBe('k999');
});

test('a search through many stops now and then', () => {
  const matrix = new Vectors<Owner>(new VectorRoom(), 384);
  for (let n = 0; n < 5000; n++) matrix.add({ id: `k${n}` }, new Float32Array(384).fill(1));
  const { turns, list } = nearest(matrix, new Float32Array(384).fill(1), 3);
  expect(turns).toBeGreaterThan(50);
  // All are equally near.
  expect(list.map(({ id }) => id)).toEqual(['k0', 'k1', 'k10']);
});
