/** Outcomes that free what nobody waits for share the next commit instead of having one of their own. */
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Assignment } from '../core/command.ts';
import { complete, fail, Hive } from '../testing/hive.ts';
import { Pipeline } from '../testing/pipeline.ts';
import { atRest } from '../testing/sim-clock.ts';

const MS = 2;

/** A worker with room for ten that holds `count` tasks, and a look at every commit from then on. */
async function begin(count = 1) {
  const awaited = new Set<string>();
  const pipeline = await Pipeline.open({}, { ms: MS, isAwaited: (taskId) => awaited.has(taskId) });
  onTestFinished(() => pipeline.store.close());
  const hive = new Hive(pipeline);
  await hive.hire('bee', 10);
  for (let n = 0; n < count; n++) await hive.submit(`t${n}`);
  const held = await hive.claim('bee', count);
  const commit = vi.spyOn(pipeline.store, 'commit');
  const answered: string[] = [];
  const settle = ({ task, token }: Assignment) =>
    void pipeline.run(complete(task.id, token)).then(() => answered.push(task.id));
  return { pipeline, hive, held, commit, awaited, answered, settle };
}

test('with nothing queued, a completion waits a moment, and is answered when its commit is on disk', async () => {
  const { pipeline, held, commit, answered, settle } = await begin();
  settle(held[0]!);
  await atRest();
  expect(commit).not.toHaveBeenCalled();
  await pipeline.clock.advance(MS);
  expect(commit).toHaveBeenCalledTimes(1);
  expect(answered).toEqual(['t0']);
  expect((await pipeline.store.task('t0'))!.status).toBe('completed');
});

test('a failure without a retry is as patient', async () => {
  const { pipeline, held, commit } = await begin();
  void pipeline.run(fail('t0', held[0]!.token));
  await atRest();
  expect(commit).not.toHaveBeenCalled();
  await pipeline.clock.advance(MS);
  expect((await pipeline.store.task('t0'))!.status).toBe('failed');
});

test('whatever is in a hurry takes it along', async () => {
  const { pipeline, hive, held, commit, answered, settle } = await begin(2);
  for (const one of held) settle(one);
  await hive.submit('urgent');
  expect(commit).toHaveBeenCalledTimes(1);
  expect(answered).toEqual(['t0', 't1']);
  expect(pipeline.happened.at(-1)).toMatchObject({ commands: 3 });
  await pipeline.clock.advance(10 * MS);
  expect(commit).toHaveBeenCalledTimes(1);
});

test('it does not wait when a task is queued, which may want the free slot', async () => {
  const { hive, held, answered, settle } = await begin();
  await hive.submit('next');
  settle(held[0]!);
  await atRest();
  expect(answered).toEqual(['t0']);
});

test('it does not wait when a task is pending, which may depend on it', async () => {
  const { hive, held, answered, settle } = await begin();
  await hive.submit('next', { depends_on: ['t0'] });
  settle(held[0]!);
  await atRest();
  expect(answered).toEqual(['t0']);
  expect((await hive.task('next')).status).toBe('queued');
});

test('it does not wait when somebody waits to hear of it', async () => {
  const { held, awaited, answered, settle } = await begin();
  awaited.add('t0');
  settle(held[0]!);
  await atRest();
  expect(answered).toEqual(['t0']);
});

test('one that comes while a batch is under way is patient too, and not forgotten', async () => {
  const { pipeline, held, commit, answered, settle } = await begin(2);
  const real = pipeline.store.commit.bind(pipeline.store);
  commit.mockImplementationOnce(async (units, at) => {
    settle(held[1]!);
    return real(units, at);
  });
  settle(held[0]!);
  await pipeline.clock.advance(MS);
  expect(answered).toEqual(['t0']);
  await pipeline.clock.advance(MS);
  expect(answered).toEqual(['t0', 't1']);
});

test('who asks for everything to be settled need not wait for the moment to pass', async () => {
  const { pipeline, held, answered, settle } = await begin();
  settle(held[0]!);
  await pipeline.batcher.settled();
  expect(answered).toEqual(['t0']);
});

test('a few of them need no further company', async () => {
  const { held, commit, answered, settle } = await begin(8);
  for (const one of held.slice(0, 7)) settle(one);
  await atRest();
  expect(commit).not.toHaveBeenCalled();
  settle(held[7]!);
  await atRest();
  expect(commit).toHaveBeenCalledTimes(1);
  expect(answered).toHaveLength(8);
});

test('an impatient kernel commits everything at once', async () => {
  const hive = await Hive.begin();
  await hive.hire('bee');
  await hive.submit('t0');
  const { token } = await hive.take('bee');
  await hive.do(complete('t0', token));
  expect((await hive.task('t0')).status).toBe('completed');
});
