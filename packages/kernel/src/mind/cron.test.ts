import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextOf } from './cron.ts';

const moment = fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2035-01-01') });
const field = fc.constantFrom('*', '*/7', '0', '5,20', '8-10');
const day = fc.constantFrom('* * *', 'L * *', '15W * *', '* * MON#1', '29 2 *', '13 * 5', '* */3 5L');
const expression = fc
  .tuple(fc.constantFrom('', '* ', '30 '), field, field, day)
  .map(([second, minute, hour, rest]) => `${second}${minute} ${hour} ${rest}`);

test('in UTC it is due as in any zone in which clocks are never put forward or back', () => {
  fc.assert(
    fc.property(expression, moment, (cron, after) => {
      expect(nextOf(cron, 'UTC', after)).toBe(nextOf(cron, 'Africa/Abidjan', after));
    }),
    { numRuns: 300 },
  );
});

test('what is remembered is what was asked: by expression, zone and moment', () => {
  const asked = [
    ['0 0 * * *', 'UTC', '2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'],
    ['0 0 * * *', 'UTC', '2026-01-01T23:59:59.999Z', '2026-01-02T00:00:00.000Z'],
    ['0 0 * * *', 'UTC', '2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z'],
    ['0 0 * * *', 'Europe/Berlin', '2026-01-01T00:00:00.000Z', '2026-01-01T23:00:00.000Z'],
    ['0 1 * * *', 'UTC', '2026-01-01T00:00:00.000Z', '2026-01-01T01:00:00.000Z'],
    ['0 0 30 2 *', 'UTC', '2026-01-01T00:00:00.000Z', null],
  ] as const;
  const answers = () => asked.map(([cron, zone, after]) => nextOf(cron, zone, Date.parse(after)));
  const expected = asked.map(([, , , due]) => due && Date.parse(due));
  expect([answers(), answers()]).toEqual([expected, expected]);
});

test('one that is not understood is not understood the second time either', () => {
  expect(() => nextOf('x * * * *', 'UTC', 0)).toThrow();
  expect(() => nextOf('x * * * *', 'UTC', 0)).toThrow();
});
