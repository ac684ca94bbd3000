/** Schedules that several kernels see, and what a rollback makes of them. Who sweeps is a hand here. */
import { expect, test } from 'vitest';
import type { Replies } from '../core/command.ts';
import { type Schedule, type ScheduleInput, scheduleFrom } from '../core/schedule.ts';
import { TaskMaker } from '../core/task-maker.ts';
import { Hive } from '../testing/hive.ts';
import type { Pipeline } from '../testing/pipeline.ts';
import { Checkpoints } from './checkpoints.ts';
import { fireCommand } from './firing.ts';

const INPUT: ScheduleInput = {
  ...{ name: 'tick', cron: null, everyMs: 1000, timezone: 'UTC', overlap: 'queue', catchUp: 'none' },
  task: { description: 'tick' },
};
const CHECKPOINT = 'c';

let made = 0;
const maker = new TaskMaker(() => `made-${++made}`, 3600);

class Colony extends Hive {
  static override async begin(): Promise<Colony> {
    const { pipeline } = await Hive.begin();
    return new Colony(pipeline);
  }

  readonly checkpoints = new Checkpoints({
    ...{ store: this.pipeline.store, batcher: this.pipeline.batcher, clock: this.pipeline.clock },
    rules: { keep: 20, everyMs: null },
    newId: () => CHECKPOINT,
    onRolledBack: async () => undefined,
  });

  async make(id: string, everyMs = 1000): Promise<Schedule> {
    return (await this.do({ kind: 'create_schedule', actor: 'ann', id, ...INPUT, everyMs })).schedule;
  }

  pause(scheduleId: string, paused: boolean) {
    return this.do({ kind: 'pause_schedule', actor: 'ann', scheduleId, paused });
  }

  /** Every quarter of a second somebody looks. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 250) {
      this.pipeline.clock.jump(Math.min(250, left));
      await this.sweep();
    }
  }

  async sweep(): Promise<void> {
    const { store, clock } = this.pipeline;
    const { documents } = await store.due(clock.now(), 100);
    await Promise.all(documents.map((document) => this.do(fireCommand(document, maker, clock.now().wall)!)));
  }

  async schedule(id: string): Promise<Schedule | null> {
    const document = await this.pipeline.store.document('schedule', id);
    return document && scheduleFrom(document);
  }

  /** When they were due, in milliseconds after the schedule was made. */
  async dueTimes({ id, createdAt }: Schedule): Promise<number[]> {
    const entries = await this.pipeline.store.ledger.query({ type: 'schedule_fired', limit: 1000 });
    const told = entries.map(({ data }) => JSON.parse(data) as { schedule_id: string; due_at: string });
    return told.filter(({ schedule_id: of }) => of === id).map(({ due_at: at }) => Date.parse(at) - createdAt);
  }
}

test('of all kernels that see the same due time one fires, also when one of them asks again', async () => {
  const colony = await Colony.begin();
  const { pipeline } = colony;
  const schedule = await colony.make('s');
  const other = (await pipeline.beside({})) ?? pipeline;
  const before = (await pipeline.store.survey()).tasks.queued;
  for (let round = 1; round <= 5; round++) {
    pipeline.clock.jump(1000);
    const document = (await pipeline.store.document('schedule', 's'))!;
    const ask = (one: Pipeline) => one.run(fireCommand(document, maker, pipeline.clock.now().wall)!);
    const answers = [...(await Promise.all([ask(pipeline), ask(other), ask(pipeline), ask(other)])), await ask(other)];
    const fired = answers.filter((answer) => (answer as Replies['fire_schedule']).fired !== null);
    expect(fired).toHaveLength(1);
    expect((await pipeline.store.survey()).tasks.queued).toBe(before + round);
  }
  expect(await colony.dueTimes(schedule)).toEqual([1000, 2000, 3000, 4000, 5000]);
  if (other !== pipeline) await other.store.close();
});

test('what one kernel pauses or deletes another does not fire', async () => {
  const colony = await Colony.begin();
  const { pipeline } = colony;
  const other = new Hive((await pipeline.beside({})) ?? pipeline);
  for (const id of ['paused', 'deleted']) await colony.make(id);
  pipeline.clock.jump(1000);
  const { documents } = await pipeline.store.due(pipeline.clock.now(), 10);
  const commands = documents.map((document) => fireCommand(document, maker, pipeline.clock.now().wall)!);
  await other.do({ kind: 'pause_schedule', actor: 'ann', scheduleId: 'paused', paused: true });
  await other.do({ kind: 'delete_schedule', actor: 'ann', scheduleId: 'deleted' });
  for (const command of commands) expect(await colony.do(command)).toEqual({ fired: null });
  expect((await pipeline.store.survey()).tasks.queued).toBe(0);
  if (other.pipeline !== pipeline) await other.pipeline.store.close();
});

test('invariant 13: taken back it is what it was, but what has been due since does not come again', async () => {
  const colony = await Colony.begin();
  const { checkpoints } = colony;
  const schedule = await colony.make('s');
  const { createdAt } = schedule;
  await colony.pass(1250);
  await checkpoints.create(null, 'ann');
  await colony.pass(2000);
  const foreseen = await checkpoints.figures((await checkpoints.find(CHECKPOINT))!);
  expect(foreseen).toMatchObject({ tasks: { removed: 2 }, schedules: { restored: 1, removed: 0 } });
  expect(await checkpoints.rollback(CHECKPOINT, 'ann')).toEqual(foreseen);
  const expected = { fired: 1, lastDueAt: createdAt + 3000, nextDueAt: createdAt + 4000 };
  expect(await colony.schedule('s')).toMatchObject(expected);
  expect((await checkpoints.differences((await checkpoints.find(CHECKPOINT))!, null, 10)).items).toEqual([]);
  await colony.pass(1000);
  expect(await colony.dueTimes(schedule)).toEqual([1000, 2000, 3000, 4000]);
});

test('a due time that comes while the colony is taken back is not lost', async () => {
  const colony = await Colony.begin();
  const schedule = await colony.make('s');
  await colony.pass(1250);
  await colony.checkpoints.create(null, 'ann');
  await colony.pass(2000);
  colony.pipeline.clock.jump(900);
  await colony.checkpoints.rollback(CHECKPOINT, 'ann');
  expect(await colony.schedule('s')).toMatchObject({ nextDueAt: schedule.createdAt + 4000 });
  await colony.sweep();
  expect(await colony.dueTimes(schedule)).toEqual([1000, 2000, 3000, 4000]);
});

test('one that was deleted since comes back and goes on from now; one that was made since goes', async () => {
  const colony = await Colony.begin();
  const { createdAt } = await colony.make('s');
  await colony.make('paused', 7000);
  await colony.pause('paused', true);
  await colony.checkpoints.create(null, 'ann');
  await colony.pause('paused', false);
  await colony.make('new');
  await colony.pass(1250);
  await colony.do({ kind: 'delete_schedule', actor: 'ann', scheduleId: 's' });
  await colony.pass(10_000);
  const items = await colony.checkpoints.differences((await colony.checkpoints.find(CHECKPOINT))!, null, 100);
  const shown = items.items.filter(({ kind }) => kind === 'document');
  expect(shown.map(({ id, from, to }) => [id, from, to]).sort()).toEqual([
    ['schedule new', 'active', null],
    ['schedule paused', 'active', 'paused'],
    ['schedule s', null, 'active'],
  ]);
  const figures = await colony.checkpoints.rollback(CHECKPOINT, 'ann');
  expect(figures).toMatchObject({ schedules: { restored: 2, removed: 1 } });
  expect(await colony.schedule('s')).toMatchObject({ fired: 0, nextDueAt: createdAt + 12_000 });
  expect(await colony.schedule('paused')).toMatchObject({ paused: true, nextDueAt: null });
  expect(await colony.schedule('new')).toBeNull();
});

test('taken back to before it was paused, it goes on from now', async () => {
  const colony = await Colony.begin();
  const schedule = await colony.make('s');
  await colony.checkpoints.create(null, 'ann');
  await colony.pass(2000);
  await colony.pause('s', true);
  await colony.pass(3100);
  await colony.checkpoints.rollback(CHECKPOINT, 'ann');
  expect(await colony.schedule('s')).toMatchObject({ paused: false, nextDueAt: schedule.createdAt + 6000 });
});
