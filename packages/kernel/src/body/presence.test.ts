import { expect, test } from 'vitest';
import { Presence } from './presence.ts';

const LEASE_MS = 1000;
const at = (steady: number, wall = steady) => ({ steady, wall });

function presenceOf(...workers: string[]): Presence {
  const presence = new Presence(LEASE_MS);
  for (const id of workers) presence.follow(id, false, at(0));
  return presence;
}

test('a worker counts as just heard of when it is first followed', () => {
  const presence = presenceOf();
  presence.follow('maya', false, at(500));
  expect(presence.silent(at(1499))).toEqual([]);
  expect(presence.silent(at(1500))).toEqual(['maya']);
});

test('a sign of life renews the whole lease', () => {
  const presence = presenceOf('maya', 'willi');
  expect(presence.touch('maya', at(900))).toBe(true);
  expect(presence.silent(at(1000))).toEqual(['willi']);
  expect(presence.silent(at(1900))).toEqual(['maya', 'willi']);
});

test('following a change of its record is no sign of life', () => {
  const presence = presenceOf('maya');
  presence.follow('maya', false, at(900));
  expect(presence.silent(at(1000))).toEqual(['maya']);
});

test('who is unknown cannot be touched', () => {
  const presence = presenceOf();
  expect(presence.touch('maya', at(0))).toBe(false);
  expect(presence.lastSeen('maya')).toBeUndefined();
});

test('who was given up is not given up again, and needs more than a touch to be back', () => {
  const presence = presenceOf('maya');
  presence.follow('maya', true, at(1000));
  expect(presence.silent(at(5000))).toEqual([]);
  expect(presence.touch('maya', at(5000))).toBe(false);
  expect(presence.silent(at(9000))).toEqual([]);
});

test('who comes back has a whole lease from then on', () => {
  const presence = presenceOf('maya');
  presence.follow('maya', true, at(1000));
  presence.follow('maya', false, at(5000));
  expect(presence.touch('maya', at(5000))).toBe(true);
  expect(presence.silent(at(5999))).toEqual([]);
  expect(presence.silent(at(6000))).toEqual(['maya']);
});

test('who has left is forgotten', () => {
  const presence = presenceOf('maya', 'willi');
  presence.forget('maya');
  expect(presence.silent(at(5000))).toEqual(['willi']);
  expect(presence.touch('maya', at(0))).toBe(false);
  presence.keepOnly(new Set());
  expect(presence.silent(at(5000))).toEqual([]);
});

test('invariant 14: only the steady clock ages a lease, however the wall clock jumps', () => {
  const presence = presenceOf('maya');
  presence.touch('maya', at(0, 1_000_000));
  expect(presence.silent(at(999, 99_000_000))).toEqual([]);
  expect(presence.silent(at(1000, 0))).toEqual(['maya']);
  expect(presence.lastSeen('maya')).toEqual(at(0, 1_000_000));
});
