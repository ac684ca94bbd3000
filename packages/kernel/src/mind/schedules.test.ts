import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../core/schedule.ts';
import { type Beat, MOST_MISSED, nextDue, ON_TIME_MS, problemsOf, turnOf } from './schedules.ts';

const MADE = Date.parse('2026-01-01T00:00:00.250Z');

function cron(cron: string, timezone = 'UTC'): Beat {
  return { cron, everyMs: null, timezone, createdAt: MADE };
}

function every(everyMs: number): Beat {
  return { cron: null, everyMs, timezone: 'UTC', createdAt: MADE };
}

/** The due times after a moment, in UTC. */
function due(beat: Beat, after: string, count: number): string[] {
  const found: string[] = [];
  for (let at = Date.parse(after); found.length < count; ) {
    at = nextDue(beat, at)!;
    found.push(new Date(at).toISOString().slice(0, -'.000Z'.length));
  }
  return found;
}

const moment = fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2035-01-01') });
const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu');
/** Of expressions that come due often, whatever else is drawn. */
const expression = fc
  .tuple(
    fc.constantFrom('', '0 ', '*/20 ', '7,30 '),
    fc.constantFrom('*', '*/7', '30', '0,45', '10-12'),
    fc.constantFrom('*', '*/5', '2', '1,2,3', '22-23'),
    fc.constantFrom('* * *', '1 * *', '* * 1-5', '* 3,10 *'),
  )
  .map(([second, minute, hour, day]) => `${second}${minute} ${hour} ${day}`);

test('the next due time is later, and nothing is due in between', () => {
  fc.assert(
    fc.property(
      expression,
      zone,
      moment,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (text, timezone, after, share) => {
        const next = nextDue(cron(text, timezone), after)!;
        expect(next).toBeGreaterThan(after);
        const between = Math.floor(after + (next - after) * share);
        if (between < next) expect(nextDue(cron(text, timezone), between)).toBe(next);
      },
    ),
    { numRuns: 500 },
  );
});

test('in UTC, where no clock is put forward or back, it is what the expression says', () => {
  fc.assert(
    fc.property(fc.nat(59), fc.nat(23), fc.nat(6), moment, (minute, hour, weekday, after) => {
      const next = new Date(nextDue(cron(`${minute} ${hour} * * ${weekday}`), after)!);
      expect([next.getUTCMinutes(), next.getUTCHours(), next.getUTCDay()]).toEqual([minute, hour, weekday]);
      expect(next.getTime() - after).toBeLessThanOrEqual(7 * 86_400_000);
    }),
  );
});

test('intervals stand on a grid that begins when the schedule was made', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 86_400_000 }), moment, (everyMs, after) => {
      const next = nextDue(every(everyMs), after)!;
      expect((next - MADE) % everyMs).toBe(0);
      expect(next).toBeGreaterThan(Math.max(after, MADE));
      expect(next - Math.max(after, MADE)).toBeLessThanOrEqual(everyMs);
    }),
  );
});

describe.each([
  // The clocks go forward on 29 March at 2:00 and back on 25 October at 3:00.
  ['Europe/Berlin', '30 2 * * *', '2026-03-28T12:00Z', ['2026-03-29T01:00:00', '2026-03-30T00:30:00']],
  ['Europe/Berlin', '0,30 2 * * *', '2026-03-28T12:00Z', ['2026-03-29T01:00:00', '2026-03-30T00:00:00']],
  ['Europe/Berlin', '0 2,3 * * *', '2026-03-28T12:00Z', ['2026-03-29T01:00:00', '2026-03-30T00:00:00']],
  ['Europe/Berlin', '*/30 * * * *', '2026-03-29T00:15Z', ['2026-03-29T00:30:00', '2026-03-29T01:00:00']],
  ['Europe/Berlin', '30 2 * * *', '2026-10-24T12:00Z', ['2026-10-25T00:30:00', '2026-10-26T01:30:00']],
  ['Europe/Berlin', '0,30 2 * * *', '2026-10-25T00:10Z', ['2026-10-25T00:30:00', '2026-10-26T01:00:00']],
  [
    ...['Europe/Berlin', '*/30 * * * *', '2026-10-25T00:15Z'],
    ['2026-10-25T00:30:00', '2026-10-25T01:00:00', '2026-10-25T01:30:00', '2026-10-25T02:00:00'],
  ],
  // On 8 March at 2:00 and on 1 November at 2:00.
  ['America/New_York', '30 2 * * *', '2026-03-07T12:00Z', ['2026-03-08T07:00:00', '2026-03-09T06:30:00']],
  ['America/New_York', '30 1 * * *', '2026-10-31T12:00Z', ['2026-11-01T05:30:00', '2026-11-02T06:30:00']],
  ['America/New_York', '15 * * * *', '2026-11-01T05:00Z', ['2026-11-01T05:15:00', '2026-11-01T06:15:00']],
  // Half an hour, on 4 October at 2:00 and on 5 April at 2:00.
  ['Australia/Lord_Howe', '15 2 * * *', '2026-10-03T00:00Z', ['2026-10-03T15:30:00', '2026-10-04T15:15:00']],
  ['Australia/Lord_Howe', '45 1 * * *', '2026-04-04T12:00Z', ['2026-04-04T14:45:00', '2026-04-05T15:15:00']],
  [
    ...['Australia/Lord_Howe', '*/15 * * * *', '2026-04-04T14:40Z'],
    ['2026-04-04T14:45:00', '2026-04-04T15:00:00', '2026-04-04T15:15:00', '2026-04-04T15:30:00'],
  ],
] as [string, string, string, string[]][])('in %s', (timezone, text, after, expected) => {
  test(`${text} after ${after} comes due at ${expected.join(', ')}`, () => {
    expect(due(cron(text, timezone), after, expected.length)).toEqual(expected);
  });
});

test.each([
  ['1 1 1 1 *', '2026-02-01T00:00Z', '2027-01-01T01:01:00'],
  ['0 0 29 2 *', '2026-01-01T00:00Z', '2028-02-29T00:00:00'],
  ['0 0 L * *', '2026-02-03T00:00Z', '2026-02-28T00:00:00'],
  ['0 9 * * MON#1', '2026-01-01T00:00Z', '2026-01-05T09:00:00'],
  ['15 30 8 * * 7', '2026-01-01T00:00Z', '2026-01-04T08:30:15'],
  ['@daily', '2026-01-01T00:00Z', '2026-01-02T00:00:00'],
  // Either will do, as with cron elsewhere.
  ['0 0 13 * FRI', '2026-01-03T00:00Z', '2026-01-09T00:00:00'],
])('%s after %s is %s', (text, after, expected) => {
  expect(problemsOf(cron(text), MADE)).toEqual([]);
  expect(due(cron(text), after, 1)).toEqual([expected]);
});

test.each([
  ['', /five fields/],
  ['* * * *', /five fields/],
  ['* * * * * * *', /five fields/],
  ['2030-01-01T00:00:00', /five fields/],
  ['@reboot', /five fields/],
  ['61 * * * *', /not understood: .*minute/],
  ['* 24 * * *', /not understood: .*hour/],
  ['* * 0 * *', /not understood: .*day: 0$/],
  ['* * 32 * *', /not understood: .*day: 32$/],
  ['* * 1 1-13 *', /not understood: .*month: 13$/],
  ['* * * * MOM', /not understood/],
  ['*/0 * * * *', /not understood/],
  ['5-1 * * * *', /not understood/],
  ['0 0 30 2 *', /never comes due/],
  ['0 0 31 2,4,6,9,11 *', /never comes due/],
])('%j is no cron expression', (text, message) => {
  expect(problemsOf(cron(text), MADE)).toEqual([{ path: '/cron', message: expect.stringMatching(message) }]);
});

test.each([
  [{ timezone: 'Europe/Nowhere' }, '/timezone'],
  [{ cron: null }, '/cron'],
  [{ everyMs: 5000 }, '/cron'],
  [{ cron: null, everyMs: 999 }, '/every_seconds'],
  [{ cron: null, everyMs: 31_536_000_001 }, '/every_seconds'],
])('a rhythm with %j has something wrong with %s', (fields, path) => {
  expect(problemsOf({ ...cron('* * * * *'), ...fields }, MADE)).toMatchObject([{ path }]);
});

describe('when a schedule is looked at', () => {
  function waiting(beat: Beat, after: number, catchUp: Schedule['catchUp'] = 'none'): Schedule {
    return {
      ...beat,
      ...{ id: 's', name: 's', task: {}, overlap: 'skip', catchUp, createdBy: 'ann', paused: false },
      ...{ nextDueAt: nextDue(beat, after), lastDueAt: null, lastTaskId: null },
      ...{ fired: 0, skipped: 0, skippedBefore: 0, lastSkipped: null },
    };
  }

  /** Said in the simplest way: one due time after the other. */
  function plainly(schedule: Schedule, now: number) {
    const passed: number[] = [];
    for (let at = schedule.nextDueAt!; at <= now; at = nextDue(schedule, at)!) passed.push(at);
    const last = passed.at(-1)!;
    const fires = now - last <= ON_TIME_MS || schedule.catchUp === 'one';
    const missed = fires ? passed.slice(0, -1) : passed;
    return {
      firing: fires ? last : null,
      missed: missed.length,
      lastMissed: missed.at(-1) ?? null,
      last,
      next: nextDue(schedule, last),
    };
  }

  const beat = fc.oneof(
    fc.integer({ min: 1000, max: 60_000 }).map(every),
    fc.tuple(expression, zone).map(([text, timezone]) => cron(text, timezone)),
  );

  test('the newest due time fires if it is on time or may be caught up with, and the others are missed', () => {
    const catchUps = fc.constantFrom('none' as const, 'one' as const);
    fc.assert(
      fc.property(beat, moment, fc.nat(600_000), catchUps, (one, after, elapsed, catchUp) => {
        const schedule = waiting(one, Math.max(after, MADE), catchUp);
        const now = schedule.nextDueAt! + elapsed;
        expect(turnOf(schedule, now)).toEqual(plainly(schedule, now));
      }),
    );
  });

  test('before it is due, or while it is paused, there is nothing to do', () => {
    const schedule = waiting(every(1000), MADE);
    expect(turnOf(schedule, schedule.nextDueAt! - 1)).toBeNull();
    expect(turnOf({ ...schedule, nextDueAt: null }, MADE + 1e9)).toBeNull();
  });

  test('years of seconds that were missed are not gone through one by one', () => {
    const now = Date.parse('2032-06-01T12:00:00.900Z');
    const turn = turnOf(waiting(cron('* * * * * *'), MADE), now);
    const last = Date.parse('2032-06-01T12:00:00Z');
    expect(turn).toEqual({
      firing: last,
      missed: MOST_MISSED,
      lastMissed: expect.any(Number),
      last,
      next: last + 1000,
    });
    const interval = turnOf(waiting(every(1000), MADE), now)!;
    expect(interval).toMatchObject({ last: last + 250, missed: (last + 250 - MADE) / 1000 - 1 });
  });

  test('many that were missed long ago are found when they came in clusters', () => {
    const schedule = waiting(cron('* * * 1 *'), MADE);
    const turn = turnOf(schedule, Date.parse('2026-11-01T00:00Z'))!;
    expect(new Date(turn.last).toISOString()).toBe('2026-01-31T23:59:00.000Z');
    expect(turn).toMatchObject({ firing: null, missed: MOST_MISSED + 1, next: Date.parse('2027-01-01T00:00Z') });
  });

  test('a time zone that is not known here any more lets it rest', () => {
    const schedule = waiting(cron('* * * * *'), MADE);
    expect(turnOf({ ...schedule, timezone: 'Mars/Olympus' }, schedule.nextDueAt!)).toMatchObject({ next: null });
  });
});
