/** What brings a schedule's due time to a decision. */
import { expect, test } from 'vitest';
import type { ScheduleInput } from '../core/schedule.ts';
import { loneKernel } from '../testing/lone-kernel.ts';
import { begin } from '../testing/swept-colony.ts';

const TICK: ScheduleInput = {
  ...{ name: 'tick', cron: '* * * * * *', everyMs: null, timezone: 'UTC', overlap: 'queue', catchUp: 'none' },
  task: { description: 'tick' },
};

test('one that is due in a moment does not wait until the sweeper comes by itself', async () => {
  const { kernel, clock, rest } = await loneKernel();
  // Else each second would begin just before a sweep.
  clock.jump(100);
  await clock.advance(1880);
  await kernel.execute({ kind: 'create_schedule', actor: 'ann', id: 's', ...TICK });
  await clock.advance(30);
  await rest();
  expect((await kernel.store.document('schedule', 's'))!.body).toMatchObject({ fired: 1 });
});

test('one that cannot be read keeps nobody else from firing, and nothing else from being swept', async () => {
  const setting = await begin({ taskRetentionMs: 500 });
  const make = (id: string, task: ScheduleInput['task']) =>
    setting.pipeline.run({ kind: 'create_schedule', actor: 'ann', id, ...TICK, task });
  await make('broken', { description: 'x', delay_seconds: 'soon' });
  await make('sound', { description: 'x' });
  await setting.advance(1250);
  expect((await setting.pipeline.store.document('schedule', 'sound'))!.body).toMatchObject({ fired: 1 });
  await setting.submit('old');
  await setting.pipeline.run({ kind: 'cancel', actor: 'ann', taskId: 'old', cascade: false });
  await setting.advance(2000);
  expect(await setting.status('old')).toBeUndefined();
  await setting.pipeline.run({ kind: 'delete_schedule', actor: 'ann', scheduleId: 'broken' });
  expect(setting.faults.splice(0)[0]).toBeInstanceOf(RangeError);
});
