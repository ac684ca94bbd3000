/** Whatever goes wrong with a commit, nobody who waits for work is forgotten. */
import { expect, test, vi } from 'vitest';
import { StorageUnavailable } from '../core/errors.ts';
import { atRest } from '../testing/sim-clock.ts';
import { bee, begin, complete, submit } from '../testing/waiting-bee.ts';

test('invariant 18: a commit that fails costs a waiting link nothing', async () => {
  const pipeline = await begin();
  const maya = await bee(pipeline, 'maya', 1);
  await pipeline.batcher.settled();
  vi.spyOn(pipeline.store, 'commit').mockRejectedValueOnce(new StorageUnavailable('the disk is full'));
  await expect(pipeline.run(submit('a'))).rejects.toThrow();
  await pipeline.run(submit('a'));
  expect(maya.given()).toEqual(['a']);
});

test('invariant 18: queued work is found by who waits once the store works again', async () => {
  const pipeline = await begin();
  await pipeline.run(submit('a'));
  const maya = await bee(pipeline, 'maya', 1);
  vi.spyOn(pipeline.store, 'commit').mockRejectedValueOnce(new StorageUnavailable('the disk is full'));
  pipeline.batcher.kick();
  await atRest();
  expect(maya.given()).toEqual([]);
  pipeline.batcher.kick();
  await pipeline.batcher.settled();
  expect(maya.given()).toEqual(['a']);
});

test('invariant 18: a claim that met a conflict is tried again', async () => {
  const pipeline = await begin();
  const maya = await bee(pipeline, 'maya', 1);
  await pipeline.run({ kind: 'announce', actor: 'kernel', event: 'kernel_started', data: {} });
  await pipeline.run(submit('a')).then(() => pipeline.run(complete(maya.assignments()[0]!)));
  const commit = pipeline.store.commit.bind(pipeline.store);
  vi.spyOn(pipeline.store, 'commit').mockImplementationOnce(async (units, at) => {
    const rest = await commit(units.slice(0, -1), at);
    return { outcomes: [...rest.outcomes, 'conflict'], entries: rest.entries };
  });
  pipeline.dispatcher.credit(maya.link, 1);
  await pipeline.run(submit('b'));
  await pipeline.batcher.settled();
  expect(maya.given()).toEqual(['a', 'b']);
});
