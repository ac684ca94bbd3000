/** Schedules in the body: made, fired by the sweeper, skipped, caught up with, paused and deleted. */
import { expect, test } from 'vitest';
import { Refusal } from '../core/errors.ts';
import type { LedgerEntry } from '../core/event.ts';
import { type Schedule, type ScheduleInput, scheduleFrom } from '../core/schedule.ts';
import { TaskMaker } from '../core/task-maker.ts';
import { after } from '../testing/meddling.ts';
import { begin, type SweptColony } from '../testing/swept-colony.ts';
import { fireCommand } from './firing.ts';

const INPUT: ScheduleInput = {
  ...{ name: 'tick', cron: null, everyMs: 1000, timezone: 'UTC', overlap: 'queue', catchUp: 'none' },
  task: { description: 'tick' },
};

let made = 0;
const MAKER = new TaskMaker(() => `by-hand-${++made}`, 3600);

async function make(setting: SweptColony, input: Partial<ScheduleInput> = {}, id = 's'): Promise<Schedule> {
  const answer = await setting.pipeline.run({ kind: 'create_schedule', actor: 'ann', id, ...INPUT, ...input });
  if (answer instanceof Refusal) throw answer;
  return answer.schedule;
}

async function schedule(setting: SweptColony, id = 's'): Promise<Schedule> {
  return scheduleFrom((await setting.pipeline.store.document('schedule', id))!);
}

function pause(setting: SweptColony, paused: boolean) {
  return setting.pipeline.run({ kind: 'pause_schedule', actor: 'ann', scheduleId: 's', paused });
}

interface Fired {
  readonly due_at: string;
  readonly task_id: string;
  readonly skipped?: number;
}

async function firings(setting: SweptColony): Promise<Fired[]> {
  const entries: readonly LedgerEntry[] = await setting.pipeline.store.ledger.query({
    type: 'schedule_fired',
    limit: 1000,
  });
  return entries.map(({ data }) => JSON.parse(data) as Fired);
}

/** When they were due, in milliseconds after the schedule was made. */
async function dueTimes(setting: SweptColony, made: number): Promise<number[]> {
  return (await firings(setting)).map(({ due_at: at }) => Date.parse(at) - made);
}

async function complete(setting: SweptColony): Promise<void> {
  for (const { id, leaseToken } of await setting.claim('maya')) {
    const actor = 'worker:maya';
    await setting.pipeline.run({ kind: 'complete', actor, taskId: id, leaseToken, result: 'null' });
  }
}

test('it fires at each due time, once, within 250 ms, and hands in its task as its maker would', async () => {
  const setting = await begin();
  const { createdAt } = await make(setting, { task: { description: 'tick', metadata: { a: 1 }, priority: 7 } });
  await setting.advance(999);
  expect(await firings(setting)).toEqual([]);
  await setting.advance(251);
  const [first] = await firings(setting);
  const task = (await setting.pipeline.store.task(first!.task_id))!;
  expect(task).toMatchObject({ status: 'queued', priority: 7 });
  expect(task.spec.value).toMatchObject({ created_by: 'ann', metadata: { a: 1 }, tags: [], parent_id: null });
  await setting.advance(3000);
  expect(await dueTimes(setting, createdAt)).toEqual([1000, 2000, 3000, 4000]);
  expect(await schedule(setting)).toMatchObject({ fired: 4, skipped: 0, nextDueAt: createdAt + 5000 });
});

test('its entry stands in the ledger behind those of the task, in the commit that stores it', async () => {
  const setting = await begin();
  await make(setting);
  await setting.advance(1250);
  const [{ task_id: taskId }] = (await firings(setting)) as [Fired];
  const history = await setting.pipeline.store.ledger.query({ taskId, limit: 10 });
  expect(history.map(({ type }) => type)).toEqual(['task_validated', 'task_submitted', 'schedule_fired']);
  const fired = setting.pipeline.happened.find(({ entries }) => entries.some(({ type }) => type === 'schedule_fired'))!;
  expect(fired.changes.flatMap(({ puts }) => puts.map(({ kind }) => kind))).toEqual(['task', 'document']);
});

test('a delay counts from when it was due, however late that is seen', async () => {
  const setting = await begin();
  const task = { description: 'later', delay_seconds: 30 };
  const { createdAt } = await make(setting, { everyMs: 60_000, task });
  await away(setting, 62_000);
  const [{ task_id: id }] = (await firings(setting)) as [Fired];
  expect(await setting.pipeline.store.task(id)).toMatchObject({
    pendingReason: 'scheduled',
    dueAt: createdAt + 90_000,
  });
});

test('while its last task has not ended it skips, and says so; with queue it hands in another', async () => {
  const setting = await begin();
  await setting.hire('maya');
  await make(setting, { overlap: 'skip' });
  await make(setting, { overlap: 'queue', task: { description: 'x', requirements: { worker: 'nobody' } } }, 'other');
  await setting.advance(3250);
  const { createdAt } = await schedule(setting);
  const lastSkipped = { dueAt: createdAt + 3000, reason: 'overlap' };
  expect(await schedule(setting)).toMatchObject({ fired: 1, skipped: 2, lastSkipped });
  expect(await schedule(setting, 'other')).toMatchObject({ fired: 3, skipped: 0 });
  await complete(setting);
  await setting.advance(1000);
  expect(await schedule(setting)).toMatchObject({ fired: 2, skipped: 2, skippedBefore: 2 });
  expect((await firings(setting)).map(({ skipped }) => skipped).filter(Boolean)).toEqual([2]);
});

test('a last task that retention has removed has ended', async () => {
  const setting = await begin({ taskRetentionMs: 500 });
  await setting.hire('maya');
  await make(setting, { overlap: 'skip', everyMs: 5000 });
  await setting.advance(5250);
  const [{ task_id: id }] = (await firings(setting)) as [Fired];
  await complete(setting);
  await setting.advance(3000);
  expect(await setting.status(id)).toBeUndefined();
  await setting.advance(2000);
  expect(await firings(setting)).toHaveLength(2);
});

/** Nobody is there for so long; then somebody looks. */
async function away(setting: SweptColony, ms: number): Promise<void> {
  setting.pipeline.clock.jump(ms);
  await setting.advance(250);
}

test.each([
  ['none', [60_000], { fired: 1, skipped: 3, lastSkipped: { reason: 'missed' } }],
  ['one', [60_000, 240_000], { fired: 2, skipped: 2, lastSkipped: { reason: 'missed' } }],
] as const)('of what was due while nobody was there, %s is caught up with', async (catchUp, expected, counted) => {
  const setting = await begin();
  const { createdAt } = await make(setting, { catchUp, everyMs: 60_000 });
  await setting.advance(60_250);
  await away(setting, 200_000);
  expect(await dueTimes(setting, createdAt)).toEqual(expected);
  expect(await schedule(setting)).toMatchObject({ ...counted, nextDueAt: createdAt + 300_000 });
  await setting.advance(40_000);
  expect(await dueTimes(setting, createdAt)).toEqual([...expected, 300_000]);
});

test('what is late by five seconds at the most is on time, and only the newest of that', async () => {
  const setting = await begin();
  const { createdAt } = await make(setting);
  await away(setting, 5000);
  expect(await dueTimes(setting, createdAt)).toEqual([5000]);
  expect((await firings(setting))[0]).toMatchObject({ skipped: 4 });
  const other = await make(setting, { everyMs: 60_000 }, 'other');
  await away(setting, 64_000);
  expect(await schedule(setting, 'other')).toMatchObject({ fired: 1, lastDueAt: other.createdAt + 60_000 });
});

test('a clock that is set back does not make it fire again, and it goes on when the clock has caught up', async () => {
  const setting = await begin();
  const { createdAt } = await make(setting);
  await setting.advance(2250);
  setting.pipeline.clock.jump(-60_000);
  await setting.advance(60_000);
  expect(await dueTimes(setting, createdAt)).toEqual([1000, 2000]);
  await setting.advance(1000);
  expect(await dueTimes(setting, createdAt)).toEqual([1000, 2000, 3000]);
});

test('what was decided on a clock that has been set back since comes to nothing', async () => {
  const setting = await begin();
  await make(setting);
  await setting.sweeper.stop();
  setting.pipeline.clock.jump(1100);
  const document = (await setting.pipeline.store.document('schedule', 's'))!;
  const command = fireCommand(document, MAKER, setting.pipeline.clock.now().wall)!;
  setting.pipeline.clock.jump(-1000);
  expect(await setting.pipeline.run(command)).toEqual({ fired: null });
  expect(await schedule(setting)).toMatchObject({ fired: 0, skipped: 0, lastDueAt: null });
});

test('paused it does not fire; resumed it goes on with the next due time, and catches up with nothing', async () => {
  const setting = await begin();
  const { createdAt } = await make(setting, { catchUp: 'one' });
  await setting.advance(1250);
  await pause(setting, true);
  expect(await schedule(setting)).toMatchObject({ paused: true, nextDueAt: null });
  await setting.advance(60_000);
  await pause(setting, true);
  await pause(setting, false);
  expect(await schedule(setting)).toMatchObject({ paused: false, nextDueAt: createdAt + 62_000 });
  await setting.advance(1000);
  expect(await dueTimes(setting, createdAt)).toEqual([1000, 62_000]);
  const told = await setting.pipeline.store.ledger.query({ type: 'schedule_updated', limit: 10 });
  expect(told.map(({ data }) => (JSON.parse(data) as { paused: boolean }).paused)).toEqual([true, false]);
});

test('resumed while the clock is set back, it passes over what has been due before', async () => {
  const setting = await begin();
  const { createdAt } = await make(setting);
  await setting.advance(3250);
  await pause(setting, true);
  setting.pipeline.clock.jump(-2500);
  await pause(setting, false);
  expect(await schedule(setting)).toMatchObject({ nextDueAt: createdAt + 4000 });
});

test('paused or deleted in the moment before it fires, it does not', async () => {
  const setting = await begin();
  for (const id of ['s', 'other']) await make(setting, {}, id);
  const { store, clock } = setting.pipeline;
  const dueAt = clock.now().wall + 1000;
  after(
    store,
    'due',
    () => pause(setting, true),
    ({ wall }) => wall >= dueAt,
  );
  await setting.pipeline.run({ kind: 'delete_schedule', actor: 'ann', scheduleId: 'other' });
  await setting.advance(3000);
  expect(await firings(setting)).toEqual([]);
  expect(await store.document('schedule', 'other')).toBeNull();
});

test('what is not there can be neither paused nor deleted', async () => {
  const setting = await begin();
  expect(await pause(setting, true)).toMatchObject({ code: 'schedule_not_found' });
  const gone = await setting.pipeline.run({ kind: 'delete_schedule', actor: 'ann', scheduleId: 's' });
  expect(gone).toMatchObject({ code: 'schedule_not_found' });
});

test('invariant 8: its tasks are judged each time, by the policy that is in force then', async () => {
  const setting = await begin();
  await make(setting, { task: { description: 'tick', tags: ['odd'] } });
  await setting.advance(1250);
  const rules = [{ id: 'no-odd', type: 'requirement', action: 'reject', deny_tags: ['odd'] }];
  await setting.pipeline.run({ kind: 'set_policy', actor: 'ann', policy: { rules }, expected: null });
  await setting.advance(1000);
  const statuses = (await firings(setting)).map(({ task_id: id }) => setting.status(id));
  expect(await Promise.all(statuses)).toEqual(['queued', 'rejected']);
});

test('a firing that a rate limit forbids is skipped, takes nothing from the others, and the next one comes', async () => {
  const setting = await begin();
  const limit = (id: string, per_second: number, burst: number) => ({ id, type: 'rate_limit', per_second, burst });
  const rules = [limit('rare', 0.001, 3), limit('slow', 0.4, 1)].map((rule) => ({ ...rule, action: 'reject' }));
  await setting.pipeline.run({ kind: 'set_policy', actor: 'ann', policy: { rules }, expected: null });
  const { createdAt } = await make(setting);
  await setting.advance(7250);
  expect(await dueTimes(setting, createdAt)).toEqual([1000, 4000, 7000]);
  const lastSkipped = { dueAt: createdAt + 6000, reason: 'rate_limited' };
  expect(await schedule(setting)).toMatchObject({ fired: 3, skipped: 4, lastSkipped });
});

test('a thousand schedules that are due at once all fire', async () => {
  const setting = await begin();
  await Promise.all(Array.from({ length: 1200 }, (_, n) => make(setting, { everyMs: 60_000 }, `s${n}`)));
  await setting.advance(61_000);
  expect((await setting.pipeline.store.survey()).tasks.queued).toBe(1200);
});

test('what is wrong with it is said by name, and nothing is made', async () => {
  const setting = await begin();
  const wrong: [Partial<ScheduleInput>, string][] = [
    [{ everyMs: null }, '/cron'],
    [{ everyMs: null, cron: '61 * * * *' }, '/cron'],
    [{ timezone: 'Mars/Olympus' }, '/timezone'],
    [{ everyMs: 1 }, '/every_seconds'],
    [{ task: { description: 'x', run_at: '2027-01-01T00:00:00Z' } }, '/task/run_at'],
    [{ task: { description: 'x', depends_on: ['t'] } }, '/task/depends_on'],
    [{ task: { description: 'x', parent_id: 't' } }, '/task/parent_id'],
  ];
  for (const [input, path] of wrong) {
    const command = { kind: 'create_schedule', actor: 'ann', id: 's', ...INPUT, ...input } as const;
    const refusal = await setting.pipeline.run(command);
    expect(refusal).toMatchObject({ code: 'validation_failed', errors: [{ path }] });
  }
  expect(await setting.pipeline.store.document('schedule', 's')).toBeNull();
  const fine = { description: 'x', run_at: null, depends_on: [], parent_id: null };
  expect(await make(setting, { task: fine })).toMatchObject({ nextDueAt: expect.any(Number) });
});
