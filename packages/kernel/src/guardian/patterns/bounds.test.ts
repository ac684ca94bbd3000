/** Patterns and texts that are made to take long. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../core/json.ts';
import { toSpec } from '../../core/task.ts';
import { Random } from '../../testing/random.ts';
import { parsePolicy, readAhead } from '../parse.ts';
import { Automaton } from './automaton.ts';
import { type Findings, PatternSet, SEARCH_BUDGET } from './pattern-set.ts';
import { compile } from './program.ts';

const MEGABYTE = 2 ** 20;
const random = new Random(7);
const drawn = (letters: string) => Array.from({ length: MEGABYTE }, () => random.pick([...letters])).join('');
const NOISE = drawn('ab');

/** Ten times what was measured, so that a busy machine does not fail the test, and what grows with the text does. */
const MOST_CPU_MS = 500;

function search(patterns: readonly string[], payload: Json): Findings {
  const set = new PatternSet(patterns.map((pattern) => compile(pattern, 5000)));
  const spec = toSpec({ description: '-', payload }, '', 0);
  const json = JSON.stringify(spec);
  const before = process.cpuUsage();
  const findings = set.searchAll(spec, json, SEARCH_BUDGET);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(MOST_CPU_MS);
  return findings;
}

const HARMLESS = [
  ['(a+)+$', `${'a'.repeat(MEGABYTE)}!`],
  ['(x+x+)+y', 'x'.repeat(MEGABYTE)],
  ['(.*)*z', 'a'.repeat(MEGABYTE)],
  ['(?:a{1,30}b){1,30}c', NOISE],
  ['(a|aa|aaa)*[^a]b', 'a'.repeat(MEGABYTE)],
] as const;

const EXPLOSIVE = [
  ['[ab]*a[ab]{14}c'],
  ['[ab]*a[ab]{400}c'],
  ['(?:[ab]{0,60}a[ab]{0,60}){5}c'],
  ['(a+)+$', '(.*)*z', '[ab]*a[ab]{100}c', '(?:a{1,30}b){1,30}c', '(?:[ab]{0,40}a[ab]{0,40}){3}c'],
];

describe('a search in a megabyte', () => {
  test.each(HARMLESS)('%s is searched to the end', (pattern, text) => {
    expect(search([pattern], text)).toEqual({ hits: [], unsearched: null });
    expect(search([pattern, 'needle'], `${text}needle`).hits).toMatchObject([{ pattern: 1, end: text.length + 6 }]);
  });

  test.each(EXPLOSIVE.map((patterns) => [patterns]))('%j is given up, and that is said', (patterns) => {
    expect(search(patterns, { x: NOISE }).unsearched).toEqual({ pointer: '/payload/x', isName: false });
  });

  test('is possible however many strings it is made of', () => {
    const strings: Json = Array.from({ length: MEGABYTE / 4 }, () => 'a');
    expect(search(['^b$', '(.*)*z'], strings)).toEqual({ hits: [], unsearched: null });
  });

  test('is possible in letters of every script', () => {
    const letters = Array.from({ length: MEGABYTE / 3 }, () =>
      String.fromCodePoint(random.between(0x100, 0xd7ff)),
    ).join('');
    expect(search(['\\p{Greek}{3}!', 'needle'], letters)).toEqual({ hits: [], unsearched: null });
  });
});

test('a text of ordinary length is searched to the end even so', () => {
  for (const patterns of EXPLOSIVE) expect(search(patterns, NOISE.slice(0, 100)).unsearched).toBeNull();
  expect(search(['[ab]*a[ab]{100}c'], NOISE.slice(0, 2000)).unsearched).toBeNull();
});

/** What the thread was busy for, in milliseconds. */
function cpuOf(act: () => void): number {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const parse = (patterns: readonly string[]) =>
  parsePolicy({ version: 1, rules: [{ id: 'a', type: 'prohibited_pattern', action: 'reject', patterns }] });

describe('a policy is read within bounds', () => {
  test('when a pattern would become huge', () => {
    const parts = ['a?', 'x*', '(a)', '(?:a|b?)', 'b?', '(b)', 'y*', '[a-z]?'];
    const huge = parts.map((part) => `(?:${part.repeat(480 / part.length)}){1000}`);
    const taken = cpuOf(() => {
      for (const pattern of huge) expect(parse([pattern])).toMatchObject({ errors: [{ path: '/rules/0/patterns/0' }] });
    });
    expect(taken / huge.length).toBeLessThan(60);
  });

  test('when classes are wide, and nothing comes of the patterns', () => {
    const wide = Array.from({ length: 500 }, (_, index) => `[B-\\x{1e942}]${index}(`);
    const long = Array.from({ length: 40 }, (_, index) => `${'[B-\\x{1e942}]'.repeat(37)}${index}`);
    expect(cpuOf(() => parse(long))).toBeLessThan(MOST_CPU_MS);
    expect([...readAhead({ rules: [{ type: 'prohibited_pattern', patterns: wide }] })].length).toBeLessThan(10);
    expect(parse(wide)).toMatchObject({
      errors: expect.arrayContaining([{ path: '/rules', message: expect.any(String) }]),
    });
  });
});

test('thousands of classes are no danger', () => {
  const set = new PatternSet(['\\pL.{60}\\pN', '\\p{Han}.{50}\\p{Greek}'].map((pattern) => compile(pattern, 5000)));
  const letters = Array.from({ length: MEGABYTE / 4 }, () => String.fromCodePoint(random.between(0x10000, 0x10ffff)));
  const spec = toSpec({ description: '-', payload: letters.join('') }, '', 0);
  const json = JSON.stringify(spec);
  const before = process.memoryUsage().arrayBuffers;
  expect(cpuOf(() => set.searchAll(spec, json, SEARCH_BUDGET))).toBeLessThan(MOST_CPU_MS);
  // A row for each state with a column for each class would have several times as much.
  expect((process.memoryUsage().arrayBuffers - before) / 2 ** 20).toBeLessThan(20);
});

test('what was learned takes no more memory than it may', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return (heapUsed + arrayBuffers) / 2 ** 20;
  };
  const automaton = new Automaton(Array.from({ length: 10 }, (_, i) => compile(`[ab]*a[ab]{900}${i}`, 5000)));
  const before = used();
  for (let i = 0; i < 80; i++) {
    automaton.begin(SEARCH_BUDGET);
    automaton.search(NOISE.slice(i * 2000, (i + 1) * 2000), () => undefined);
  }
  expect(used() - before).toBeLessThan(40);
});

test('its table is emptied now and then, and nothing is lost by that', () => {
  const automaton = new Automaton([compile('[ab]*a[ab]{200}c', 5000), compile('needle', 5000)]);
  for (let i = 0; i < 60; i++) {
    automaton.begin(SEARCH_BUDGET);
    const found: number[] = [];
    expect(automaton.search(`${NOISE.slice(i * 2000, (i + 1) * 2000)}needle`, (pattern) => found.push(pattern))).toBe(
      true,
    );
    expect(found).toEqual([1]);
  }
});
