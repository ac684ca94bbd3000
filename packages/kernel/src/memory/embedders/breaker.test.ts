import { expect, test } from 'vitest';
import { EmbeddingUnavailable } from '../../core/embedder.ts';
import { ImpatientClock } from '../../testing/impatient-clock.ts';
import { Breaker } from './breaker.ts';

function breaker() {
  const clock = new ImpatientClock(0);
  const told: (string | null)[] = [];
  const changed = (problem: string | null) => void told.push(problem);
  const one = new Breaker({ clock, failures: 3, openMs: 1000, maxOpenMs: 3000, longWaitMs: 60_000, changed });
  const fail = (times: number, waitMs: number | null = null) => {
    for (let n = 0; n < times; n++) one.enter().failed('it is down', waitMs);
  };
  return { one, clock, told, fail };
}

/** How long it says that it is no use to come back; 0: one may enter. */
function keptOutMs(one: Breaker): number {
  try {
    one.enter().abandoned();
    return 0;
  } catch (fault) {
    expect(fault).toBeInstanceOf(EmbeddingUnavailable);
    expect((fault as Error).message).toBe('it is down');
    return (fault as EmbeddingUnavailable).retryAfterMs;
  }
}

test('it opens after failures in a row only', () => {
  const { one, fail, told } = breaker();
  fail(2);
  one.enter().succeeded();
  fail(2);
  expect(keptOutMs(one)).toBe(0);
  expect(told).toEqual([]);
  fail(1);
  expect(keptOutMs(one)).toBe(1000);
  expect(told).toEqual(['it is down']);
});

test('after a while one may try, and the others wait for it', () => {
  const { one, clock, fail, told } = breaker();
  fail(3);
  clock.pass(1000);
  const trial = one.enter();
  expect(trial.isTrial).toBe(true);
  expect(keptOutMs(one)).toBe(1000);
  trial.succeeded();
  expect(one.enter().isTrial).toBe(false);
  expect(told).toEqual(['it is down', null]);
});

test('each failed trial keeps it open for twice as long, up to a bound; a success makes all good', () => {
  const { one, clock, fail, told } = breaker();
  fail(3);
  for (const openMs of [1000, 2000, 3000, 3000]) {
    expect(keptOutMs(one)).toBe(openMs);
    clock.pass(openMs);
    fail(1);
  }
  expect(told).toEqual(['it is down']);
  clock.pass(3000);
  one.enter().succeeded();
  fail(3);
  expect(keptOutMs(one)).toBe(1000);
});

test('an endpoint that wants to be left alone for longer is', () => {
  const { one, fail } = breaker();
  fail(3, 60_000);
  expect(keptOutMs(one)).toBe(60_000);
});

test('at its first failure already, when that is longer than anybody waits for; and it is told', () => {
  const { one, fail, told } = breaker();
  fail(1, 60_001);
  expect(keptOutMs(one)).toBe(60_001);
  expect(told).toEqual(['it is down']);
});

test('a trial that is called off lets the next one try', () => {
  const { one, clock, fail } = breaker();
  fail(3);
  clock.pass(1000);
  one.enter().abandoned();
  expect(one.enter().isTrial).toBe(true);
});

test('attempts from before it opened change nothing by failing, and close it by succeeding', () => {
  const { one, clock, fail } = breaker();
  const [early, late] = [one.enter(), one.enter()];
  fail(3);
  early.failed('it is still down', 60_000);
  expect(keptOutMs(one)).toBe(1000);
  clock.pass(1000);
  const trial = one.enter();
  early.abandoned();
  expect(keptOutMs(one)).toBe(1000);
  late.succeeded();
  expect(keptOutMs(one)).toBe(0);
  trial.failed('it is down', null);
  expect(keptOutMs(one)).toBe(0);
});
