/** Patterns and texts that are made to take long. */
import { describe, expect, test } from 'vitest';
import type { Json } from '../../core/json.ts';
import { toSpec } from '../../core/task.ts';
import { Random } from '../../testing/random.ts';
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
  const json = JSON.stringify(toSpec({ description: '-', payload }, '', 0));
  const before = process.cpuUsage();
  const findings = set.searchAll(json, SEARCH_BUDGET);
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
