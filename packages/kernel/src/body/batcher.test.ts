/** Group commit: what waits at one moment is decided in order, committed together, and answered afterwards. */
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Cancel, Command, Replies } from '../core/command.ts';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import { before } from '../testing/meddling.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';
import { savedSince } from '../testing/portrait.ts';
import { after, aWorker, Scribe } from '../testing/scribe.ts';

async function begin(): Promise<Pipeline> {
  const pipeline = await Pipeline.open();
  onTestFinished(() => pipeline.store.close());
  return pipeline;
}

function submit(...ids: string[]): Command {
  return { kind: 'submit', actor: 'ann', tasks: ids.map((id) => newTask(id, {}, 0)) };
}

function cancel(taskId: string): Cancel {
  return { kind: 'cancel', actor: 'ann', taskId, cascade: false };
}

/** Lets another kernel change a record between this one's decision and its commit. */
function meddle(pipeline: Pipeline, act: () => Promise<unknown>, times = 1): void {
  const commit = pipeline.store.commit.bind(pipeline.store);
  let left = times;
  let within = false;
  vi.spyOn(pipeline.store, 'commit').mockImplementation(async (units, at) => {
    if (!within && left-- > 0) {
      within = true;
      await act();
      within = false;
    }
    return commit(units, at);
  });
}

test('many commands at once are one commit', async () => {
  const pipeline = await begin();
  const commit = vi.spyOn(pipeline.store, 'commit');
  const answers = await pipeline.together(Array.from({ length: 250 }, (_, n) => submit(`t${n}`)));
  expect(answers.every((answer) => !(answer instanceof Refusal))).toBe(true);
  expect(commit).toHaveBeenCalledTimes(1);
  expect(pipeline.happened).toMatchObject([{ commands: 250 }]);
  expect((await pipeline.store.survey()).tasks.queued).toBe(250);
});

test('a batch has its limit, and what does not fit comes next', async () => {
  const pipeline = await begin();
  await pipeline.together(Array.from({ length: 2100 }, (_, n) => submit(`t${n}`)));
  expect(pipeline.happened.map(({ commands }) => commands)).toEqual([1000, 1000, 100]);
});

test('invariant 1: nobody is answered before the commit is', async () => {
  const pipeline = await begin();
  const commit = pipeline.store.commit.bind(pipeline.store);
  let release = () => {};
  const disk = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    vi.spyOn(pipeline.store, 'commit').mockImplementation(async (units, at) => {
      resolve();
      await disk;
      return commit(units, at);
    });
  });
  let answered = 0;
  const answers = [submit('a'), submit('b')].map((command) => pipeline.run(command).then(() => answered++));
  await reached;
  const late = pipeline.run(submit('c'));
  expect(answered).toBe(0);
  expect(pipeline.batcher.backlog).toBe(1);
  release();
  await Promise.all(answers);
  await late;
  expect(pipeline.happened.map(({ commands }) => commands)).toEqual([2, 1]);
});

test('each command is decided on what the ones before it left', async () => {
  const pipeline = await begin();
  const [, cancelled, again] = await pipeline.together([submit('a'), cancel('a'), cancel('a')]);
  expect((cancelled as Replies['cancel']).task.status).toBe('cancelled');
  expect(again).toMatchObject({ code: 'invalid_transition' });
  expect((await pipeline.store.task('a'))!.status).toBe('cancelled');
});

test('what changes nothing is not committed', async () => {
  const pipeline = await begin();
  const commit = vi.spyOn(pipeline.store, 'commit');
  expect(await pipeline.run(cancel('nobody'))).toMatchObject({ code: 'task_not_found' });
  expect(commit).not.toHaveBeenCalled();
});

test('a command that meets a conflict is decided anew, on what is there now', async () => {
  const pipeline = await begin();
  const scribe = new Scribe(pipeline.store);
  const task = await scribe.add();
  meddle(pipeline, () => scribe.change(task, { status: 'executing', worker: 'maya', leaseToken: 1 }));
  const { task: cancelled } = (await pipeline.run(cancel(task.id))) as Replies['cancel'];
  expect(cancelled).toMatchObject({ status: 'cancelled', version: 3, leaseToken: 1 });
  expect(pipeline.happened.map(({ conflicts }) => conflicts)).toEqual([1, 0]);
});

test('after a conflict the answer may be another one', async () => {
  const pipeline = await begin();
  const scribe = new Scribe(pipeline.store);
  const task = await scribe.add();
  meddle(pipeline, () => scribe.change(task, { status: 'completed' }));
  const [refused, fine] = await pipeline.together([cancel(task.id), submit('other')]);
  expect(refused).toMatchObject({ code: 'invalid_transition' });
  expect(fine).toMatchObject({ replayed: false });
});

test('no batch holds more text than a store would like, and nothing is left behind', async () => {
  const pipeline = await begin();
  const large = (id: string): Command => ({
    ...{ kind: 'submit', actor: 'ann' },
    tasks: [newTask(id, { payload: 'x'.repeat(3 * 1024 * 1024) }, 0)],
  });
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const answers = await pipeline.together(ids.map(large));
  expect(answers.filter((answer) => 'tasks' in answer)).toHaveLength(5);
  expect(pipeline.happened.map(({ commands }) => commands)).toEqual([2, 2, 1]);
});

test('who never gets through is told to come back', async () => {
  const pipeline = await begin();
  const scribe = new Scribe(pipeline.store);
  let task = await scribe.add();
  meddle(pipeline, async () => (task = await scribe.change(task, { losses: task.losses + 1 })), 50);
  await expect(pipeline.run(cancel(task.id))).rejects.toThrow(StorageUnavailable);
});

test('invariant 16: when the commit fails, everybody in the batch is rejected and nothing has happened', async () => {
  const pipeline = await begin();
  vi.spyOn(pipeline.store, 'commit').mockRejectedValueOnce(new StorageUnavailable('the disk is full'));
  const answers = await Promise.allSettled([submit('a'), cancel('a'), submit('b')].map((one) => pipeline.run(one)));
  expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(pipeline.storeFailures).toMatchObject([{ message: 'the disk is full' }]);
  expect(pipeline.happened).toEqual([]);
  expect((await pipeline.store.survey()).tasks.queued).toBe(0);
  expect(await pipeline.run(submit('a'))).toMatchObject({ replayed: false });
});

test('when loading fails, everybody in the batch is rejected', async () => {
  const pipeline = await begin();
  vi.spyOn(pipeline.store, 'load').mockRejectedValueOnce(new StorageUnavailable('the disk is gone'));
  await expect(pipeline.together([submit('a')])).rejects.toThrow('the disk is gone');
  expect(pipeline.storeFailures).toHaveLength(1);
});

test('a bug in one command hurts that one alone', async () => {
  const pipeline = await begin();
  await new Scribe(pipeline.store).addWorker(aWorker({ holds: ['a task that does not exist'] }));
  const broken: Command = { kind: 'lose_worker', actor: 'kernel', workerId: 'bee-1' };
  const answers = await Promise.allSettled([submit('a'), broken, submit('b')].map((one) => pipeline.run(one)));
  expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((await pipeline.store.survey()).tasks.queued).toBe(2);
});

test('it is settled when all that was handed in is answered, and what followed from it', async () => {
  const pipeline = await begin();
  await pipeline.batcher.settled();
  const scribe = new Scribe(pipeline.store);
  const task = await scribe.add();
  meddle(pipeline, () => scribe.change(task, after(task, { losses: 1 })));
  let answered = false;
  void pipeline.run(cancel(task.id)).then(() => {
    answered = true;
  });
  await pipeline.batcher.settled();
  expect(answered).toBe(true);
});

test('what is decided before a checkpoint and committed after it is kept for it', async () => {
  const pipeline = await begin();
  const { store } = pipeline;
  const scribe = new Scribe(store);
  await pipeline.run(submit('a'));
  before(store, 'commit', () => scribe.save({ number: 1, rolling: false }));
  for (const command of [cancel('a'), submit('b')]) expect(await pipeline.run(command)).not.toBeInstanceOf(Refusal);
  const kept = (await savedSince(store, 1)).map(({ id, saved }) => [id, saved && (saved as { status: string }).status]);
  expect(kept).toEqual([
    ['a', 'queued'],
    ['b', null],
  ]);
});
