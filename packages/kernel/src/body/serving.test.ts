/** Waiting links and the batches that serve them: the dispatcher proposes, the batcher decides. */
import { expect, test, vi } from 'vitest';
import { StorageUnavailable } from '../core/errors.ts';
import { bee, begin, complete, submit } from '../testing/waiting-bee.ts';
import type { WorkerLink } from './links.ts';

test('a task that is submitted while a worker waits is assigned in the commit that stores it', async () => {
  const pipeline = await begin();
  const maya = await bee(pipeline, 'maya', 1);
  await pipeline.batcher.settled();
  pipeline.happened.length = 0;
  await pipeline.run(submit('a'));
  expect(maya.given()).toEqual(['a']);
  expect(pipeline.happened).toHaveLength(1);
  expect(pipeline.happened[0]!.entries.map(({ type }) => type)).toEqual([
    'task_validated',
    'task_submitted',
    'task_assigned',
  ]);
});

test('a link is given no more than its credit, until it has credit again', async () => {
  const pipeline = await begin();
  const maya = await bee(pipeline, 'maya', 2);
  await pipeline.run(submit('a', 'b', 'c', 'd'));
  expect(maya.given()).toEqual(['a', 'b']);
  pipeline.dispatcher.credit(maya.link, 1);
  pipeline.batcher.kick();
  await pipeline.batcher.settled();
  expect(maya.given()).toEqual(['a', 'b', 'c']);
});

test('new credit replaces what was left', async () => {
  const pipeline = await begin();
  const maya = await bee(pipeline, 'maya', 5);
  pipeline.dispatcher.credit(maya.link, 1);
  await pipeline.run(submit('a', 'b'));
  expect(maya.given()).toEqual(['a']);
});

test('what is queued already is found when credit comes', async () => {
  const pipeline = await begin();
  await pipeline.run(submit('a'));
  const maya = await bee(pipeline, 'maya', 1);
  pipeline.batcher.kick();
  await pipeline.batcher.settled();
  expect(maya.given()).toEqual(['a']);
});

test('who was served goes to the end of the line', async () => {
  const pipeline = await begin();
  const [maya, willi] = [await bee(pipeline, 'maya', 9), await bee(pipeline, 'willi', 9)];
  await pipeline.run(submit('a'));
  await pipeline.run(submit('b'));
  await pipeline.run(submit('c'));
  expect([maya.given(), willi.given()]).toEqual([['a', 'c'], ['b']]);
});

test('nobody is asked in vain: what a worker cannot do, it is not offered', async () => {
  const pipeline = await begin();
  const flyer = await bee(pipeline, 'flyer', 9, 'fly');
  await pipeline.batcher.settled();
  await pipeline.run(submit('a'));
  pipeline.happened.length = 0;
  await pipeline.run(submit('b'));
  expect(pipeline.happened.flatMap(({ served }) => served)).toEqual([]);
  expect(flyer.given()).toEqual([]);
});

test('a slot that comes free is filled at once', async () => {
  const pipeline = await begin();
  const maya = await bee(pipeline, 'maya', 9, 'dig', 1);
  await pipeline.run(submit('a', 'b'));
  expect(maya.given()).toEqual(['a']);
  await pipeline.run(complete(maya.assignments()[0]!));
  expect(maya.given()).toEqual(['a', 'b']);
});

test("the colony's limit holds back, says so, and lets go when there is room, whoever made it", async () => {
  const pipeline = await begin(1);
  const [maya, willi] = [await bee(pipeline, 'maya', 9), await bee(pipeline, 'willi', 9)];
  await pipeline.run(submit('a', 'b', 'c'));
  expect([maya.given(), willi.given()]).toEqual([['a'], []]);
  expect(pipeline.happened.some(({ heldBack }) => heldBack)).toBe(true);
  await pipeline.run(complete(maya.assignments()[0]!));
  await pipeline.batcher.settled();
  expect([...maya.given(), ...willi.given()].sort()).toEqual(['a', 'b']);
});

test('a link that was closed is given nothing', async () => {
  const pipeline = await begin();
  const maya = await bee(pipeline, 'maya', 9);
  const drain = vi.spyOn(maya.link, 'drain');
  expect([...pipeline.dispatcher.present()]).toEqual(['maya']);
  pipeline.dispatcher.detach(maya.link);
  await pipeline.run(submit('a'));
  expect(maya.given()).toEqual([]);
  expect(pipeline.dispatcher.isAttached(maya.link)).toBe(false);
  expect([...pipeline.dispatcher.present()]).toEqual([]);
  pipeline.dispatcher.tell({ kind: 'draining', workerId: 'maya' });
  expect(drain).not.toHaveBeenCalled();
});

test('two links of one worker are two places in the line', async () => {
  const pipeline = await begin();
  const maya = await bee(pipeline, 'maya', 1);
  const drain = vi.fn();
  const second: WorkerLink = { ...maya.link, drain };
  pipeline.dispatcher.attach(second, (await pipeline.store.worker('maya'))!);
  pipeline.dispatcher.credit(second, 1);
  await pipeline.run(submit('a', 'b', 'c'));
  const served = pipeline.happened.flatMap((one) => one.served).filter(({ answer }) => 'assignments' in answer);
  expect(served.filter(({ answer }) => 'assignments' in answer && answer.assignments.length > 0)).toHaveLength(2);
  pipeline.dispatcher.tell({ kind: 'draining', workerId: 'maya' });
  expect(drain).toHaveBeenCalledOnce();
});

test('who is gone once it was given something is given something once', async () => {
  const pipeline = await begin();
  const maya = await bee(pipeline, 'maya', 5);
  Object.assign(maya.link, { takesOnce: true });
  vi.spyOn(pipeline.store, 'commit').mockRejectedValueOnce(new StorageUnavailable('gone'));
  await expect(pipeline.run(submit('a'))).rejects.toThrow('gone');
  await pipeline.run(submit('b', 'c'));
  await pipeline.run(submit('d'));
  expect(maya.given()).toEqual(['b', 'c']);
});
