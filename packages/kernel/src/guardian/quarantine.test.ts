import { expect, test } from 'vitest';
import { coolDownMs, drifts, failureRate, recentRate, withOutcome } from './quarantine.ts';

function outcomes(completed: number, failed: number): string {
  return '0'.repeat(completed) + '1'.repeat(failed);
}

test('only the newest twenty attempts count', () => {
  let recent = '';
  for (let n = 0; n < 30; n++) recent = withOutcome(recent, n < 10);
  expect(recent).toBe('0'.repeat(20));
  expect(withOutcome(recent, true)).toBe(`${'0'.repeat(19)}1`);
});

test('of no attempts none has failed', () => {
  expect(failureRate({ completed: 0, failed: 0 })).toBe(0);
  expect(recentRate('')).toBe(0);
});

test.each([
  ['with fewer than twenty attempts', outcomes(0, 19), { completed: 100, failed: 0 }, false],
  ['who fails always in a colony that never does', outcomes(0, 20), { completed: 100, failed: 20 }, true],
  ['who fails as much as all others', outcomes(0, 20), { completed: 0, failed: 100 }, false],
  ['just above what is allowed', outcomes(13, 7), { completed: 100, failed: 0 }, true],
  ['just at what is allowed', outcomes(14, 6), { completed: 100, failed: 0 }, false],
] as const)('a worker %s is judged right', (_, recent, colony, drifting) => {
  expect(drifts(recent, colony, 0.3)).toBe(drifting);
});

test('whoever fails again on trial is kept out twice as long, and a day at the most', () => {
  expect([0, 1, 2].map(coolDownMs)).toEqual([300_000, 600_000, 1_200_000]);
  expect(coolDownMs(1000)).toBe(86_400_000);
});
