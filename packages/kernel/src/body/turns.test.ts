import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

const LARGE = 3_000_000;
const SMALL = 500;

/** Turns whose event loop goes round when the test says so; what is done is noted by its name. */
function turns() {
  const asked: (() => void)[] = [];
  const done: string[] = [];
  const shared = new Turns((resume) => asked.push(resume));
  return {
    shared,
    done,
    asked,
    do: (name: string, work: number) =>
      shared.do(() => {
        done.push(name);
        return work;
      }),
    goRound() {
      for (const resume of asked.splice(0)) resume();
    },
  };
}

test('little is done at once', () => {
  const it = turns();
  for (let n = 0; n < 100; n++) expect(it.do(`${n}`, SMALL)).toBeNull();
  expect(it.done).toHaveLength(100);
  expect(it.asked).toEqual([]);
});

test('after much, who comes first is served first, one large piece in each round', async () => {
  const it = turns();
  expect(it.do('a', LARGE)).toBeNull();
  const rest = ['b', 'c', 'd'].map((name) => it.do(name, LARGE));
  expect(it.done).toEqual(['a']);
  expect(it.shared.waiting).toBe(3);
  it.goRound();
  expect(it.done).toEqual(['a', 'b']);
  it.goRound();
  it.goRound();
  await Promise.all(rest);
  expect(it.done).toEqual(['a', 'b', 'c', 'd']);
  expect(it.shared.waiting).toBe(0);
  expect(it.asked).toEqual([]);
});

test('small pieces that had to wait are done together in the next round, however many they are', async () => {
  const it = turns();
  it.do('large', LARGE);
  const waiting = Array.from({ length: 1000 }, (_, n) => it.do(`${n}`, SMALL));
  it.goRound();
  await Promise.all(waiting);
  expect(it.done).toHaveLength(1001);
  expect(it.do('next', SMALL)).toBeNull();
});

test('nobody overtakes who waits', async () => {
  const it = turns();
  it.do('a', LARGE);
  const [b, c] = [it.do('b', LARGE), it.do('c', SMALL)];
  it.goRound();
  const d = it.do('d', SMALL);
  expect(it.done).toEqual(['a', 'b']);
  it.goRound();
  await Promise.all([b, c, d]);
  expect(it.done).toEqual(['a', 'b', 'c', 'd']);
});

test('a piece that fails fails for whoever wanted it, and for nobody else', async () => {
  const it = turns();
  it.do('a', LARGE);
  const bad = it.shared.do(() => {
    throw new Error('bad');
  });
  const good = it.do('good', SMALL);
  it.goRound();
  await expect(bad).rejects.toThrow('bad');
  await good;
  expect(it.done).toEqual(['a', 'good']);
});
