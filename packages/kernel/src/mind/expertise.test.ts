/** What a worker has shown, as a few examples; and how near a task is to them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ngramVector } from '../memory/embedders/ngrams.ts';
import { type Common, commonOf, type Example, evidence, learn, MOST_EXAMPLES, nearnesses } from './expertise.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const DAY_MS = 86_400_000;

function shown(texts: readonly string[], { failed = false, before = [] as readonly Example[], at = NOW } = {}) {
  return texts.reduce((known, text) => learn(known, { text, vector: ngramVector(text), failed, at }), before);
}

function near(task: string, ...workers: (readonly Example[])[]): (number | null)[] {
  return nearnesses(workers, ngramVector(task), commonOf(workers.flat()), NOW);
}

const LETTERS = ['translate the letter to the bank', 'translate the letter to the mayor', 'translate a short letter'];
const CRASHES = ['the editor crashes at start', 'find out why the server crashes', 'crashes when a file is opened'];

describe('a task is nearer', () => {
  test('to the worker that did well what is like it', () => {
    const [ann, bob] = near('translate a letter to my aunt', shown(LETTERS), shown(CRASHES));
    expect(ann).toBeGreaterThan(2 * bob!);
  });

  test('to the one that did it well than to the one that failed at it', () => {
    const [ann, bob] = near('translate a letter to my aunt', shown(LETTERS), shown(LETTERS, { failed: true }));
    expect(ann).toBeGreaterThan(0.5);
    expect(bob).toBe(0);
  });

  test('to the one that did it lately than to the one that did it a year ago', () => {
    const [ann, bob] = near(
      'translate a letter to my aunt',
      shown(LETTERS, { at: NOW - 365 * DAY_MS }),
      shown(LETTERS),
    );
    expect(bob).toBeGreaterThan(5 * ann!);
  });
});

test('of a worker that has shown nothing, nothing is said', () => {
  expect(near('translate a letter', [], shown(LETTERS))).toEqual([null, expect.any(Number)]);
  expect(near('translate a letter', [], [])).toEqual([null, null]);
});

test('the same task over and over is one example, and counts each time', () => {
  const [one, ...others] = shown(['water the plants', 'water the plants', 'Water the plants.']);
  expect(others).toEqual([]);
  expect(one).toMatchObject({ slot: 0, text: 'water the plants', done: 3, failed: 0 });
});

test('of many tasks a few examples are kept, each at a place of its own, and nothing that was done is lost', () => {
  const texts = Array.from({ length: 60 }, (_, n) => `${n % 2 ? 'paint' : 'sweep'} room ${n} of building ${n * 7}`);
  const examples = shown(texts);
  expect(examples.length).toBe(MOST_EXAMPLES);
  expect(new Set(examples.map(({ slot }) => slot)).size).toBe(MOST_EXAMPLES);
  expect(Math.max(...examples.map(({ slot }) => slot))).toBe(MOST_EXAMPLES - 1);
  expect(examples.reduce((sum, { done }) => sum + done, 0)).toBeCloseTo(60, 9);
});

test('what was done long ago fades away', () => {
  const examples = shown(CRASHES, { before: shown(LETTERS, { at: NOW - 200 * DAY_MS }) });
  expect(examples.map(({ text }) => text)).toEqual(CRASHES);
});

const words = fc.constantFrom(
  'read',
  'write',
  'count',
  'the book',
  'the letter',
  'a ship',
  'again',
  'now',
  'slowly',
  'seven',
);
const text = fc.array(words, { minLength: 1, maxLength: 5 }).map((some) => some.join(' '));
const outcome = fc.record({ text, failed: fc.boolean() });
const history = fc.array(outcome, { maxLength: 40 });

function known(outcomes: readonly { text: string; failed: boolean }[]): readonly Example[] {
  return outcomes.reduce<readonly Example[]>((before, { text, failed }) => shown([text], { failed, before }), []);
}

const COMMON: Common = commonOf(known(['read', 'write', 'count the book'].map((text) => ({ text, failed: false }))));

test('nearness is from 0 to 1, and null for nobody else than who has shown nothing', () => {
  fc.assert(
    fc.property(fc.array(history, { maxLength: 4 }), text, (histories, task) => {
      const workers = histories.map(known);
      for (const [at, one] of near(task, ...workers).entries()) {
        expect(one === null).toBe(workers[at]!.length === 0);
        expect(one ?? 0).toBeGreaterThanOrEqual(0);
        expect(one ?? 0).toBeLessThan(1);
      }
    }),
  );
});

test('to have done the very task well never speaks against a worker, and to have failed at it never for it', () => {
  fc.assert(
    fc.property(history, text, (past, task) => {
      // What is at its bound is put together, which changes what stands for what.
      const before = known(past.slice(0, MOST_EXAMPLES - 1));
      const speaks = (examples: readonly Example[]) => evidence(examples, ngramVector(task), COMMON, NOW);
      expect(speaks(shown([task], { before }))).toBeGreaterThanOrEqual(speaks(before) - 1e-6);
      expect(speaks(shown([task], { before, failed: true }))).toBeLessThanOrEqual(speaks(before) + 1e-6);
    }),
  );
});

test('in which order things were shown does not matter, unless some of them say the same', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(outcome, { maxLength: MOST_EXAMPLES, selector: (one) => one.text }),
      text,
      (past, task) => {
        const [there, back] = [known(past), known(past.toReversed())];
        fc.pre(there.length === past.length && back.length === past.length);
        const speaks = (examples: readonly Example[]) => evidence(examples, ngramVector(task), COMMON, NOW);
        expect(speaks(back)).toBeCloseTo(speaks(there), 6);
      },
    ),
  );
});

test('what thousands of examples have in common is found out from some of them', () => {
  const rooms = (from: number) =>
    Array.from({ length: 24 }, (_, n) => `${n % 2 ? 'paint' : 'sweep'} room ${from + n} of building ${n * 7}`);
  const workers = Array.from({ length: 100 }, (_, n) => shown(rooms(n * 24)));
  const task = ngramVector('paint room 7');
  const speaks = (all: readonly (readonly Example[])[]) => evidence(workers[0]!, task, commonOf(all.flat()), NOW);
  const ratio = speaks(workers) / speaks(workers.slice(0, 21));
  expect(ratio).toBeGreaterThan(0.8);
  expect(ratio).toBeLessThan(1.25);
});
