/** Who of those that wait is given what: the best of them, task by task, and nobody is forgotten. */
import { expect, test } from 'vitest';
import { newTask } from '../testing/pipeline.ts';
import { type Bee, bee, begin, complete, submit } from '../testing/waiting-bee.ts';

test('the one that has done well so far is given the next', async () => {
  const pipeline = await begin();
  const [maya, willi] = [await bee(pipeline, 'maya', 0), await bee(pipeline, 'willi', 0)];
  pipeline.dispatcher.credit(maya.link, 1);
  await pipeline.run(submit('a'));
  const [assignment] = maya.assignments();
  await pipeline.run({
    ...{ kind: 'fail', actor: 'worker:maya', taskId: 'a', leaseToken: assignment!.token },
    ...{ error: 'no', errorTrace: null, retryable: false, random: 0 },
  });
  pipeline.dispatcher.credit(maya.link, 1);
  pipeline.dispatcher.credit(willi.link, 1);
  await pipeline.run(submit('b'));
  expect([maya.given(), willi.given()]).toEqual([['a'], ['b']]);
});

test('tasks that come together are spread over those that wait', async () => {
  const pipeline = await begin();
  const bees: Bee[] = [];
  for (const name of ['maya', 'willi', 'flip']) bees.push(await bee(pipeline, name, 2, 'dig', 2));
  await pipeline.run(submit('a', 'b', 'c', 'd', 'e', 'f'));
  expect(bees.map((one) => one.given())).toEqual([
    ['a', 'd'],
    ['b', 'e'],
    ['c', 'f'],
  ]);
});

test('a worker with two links is given no more than it has slots', async () => {
  const pipeline = await begin();
  const maya = await bee(pipeline, 'maya', 3, 'dig', 2);
  const other = { ...maya.link };
  pipeline.dispatcher.attach(other, (await pipeline.store.worker('maya'))!);
  pipeline.dispatcher.credit(other, 3);
  await pipeline.run(submit('a', 'b', 'c'));
  expect((await pipeline.store.worker('maya'))!.holds).toEqual(['a', 'b']);
  await pipeline.run(complete(maya.assignments()[0]!));
  await pipeline.batcher.settled();
  expect((await pipeline.store.worker('maya'))!.holds).toEqual(['b', 'c']);
});

test('a worker that is worse in everything is given something once it has waited for a minute', async () => {
  const pipeline = await begin();
  const maya = await bee(pipeline, 'maya', 0, 'dig', 100);
  const willi = await bee(pipeline, 'willi', 0, 'dig', 100);
  pipeline.dispatcher.credit(willi.link, 3);
  await pipeline.run(submit('x', 'y', 'z'));
  for (const { task, token } of willi.assignments()) {
    await pipeline.run({
      ...{ kind: 'fail', actor: 'worker:willi', taskId: task.id, leaseToken: token },
      ...{ error: 'no', errorTrace: null, retryable: false, random: 0 },
    });
  }
  pipeline.dispatcher.credit(willi.link, 1);
  pipeline.batcher.kick();
  await pipeline.batcher.settled();
  for (let seconds = 0; willi.given().length === 3 && seconds < 120; seconds++) {
    pipeline.dispatcher.credit(maya.link, 1);
    await pipeline.run(submit(`task-${seconds}`));
    await pipeline.clock.advance(1000);
  }
  expect(maya.given().length).toBeGreaterThan(5);
  expect(maya.given().length).toBeLessThanOrEqual(60);
  expect(willi.given()).toHaveLength(4);
});

test('with hundreds that wait all of a large batch is given away, and the rest waits on', async () => {
  const pipeline = await begin();
  const bees: Bee[] = [];
  for (let n = 0; n < 200; n++) bees.push(await bee(pipeline, `bee-${n}`, 5, 'dig', 1));
  const tasks = Array.from({ length: 150 }, (_, n) => `task-${n}`);
  await pipeline.run(submit(...tasks));
  await pipeline.batcher.settled();
  expect(bees.flatMap((one) => one.given()).sort()).toEqual([...tasks].sort());
  expect(bees.filter((one) => one.given().length > 1)).toEqual([]);
});

test('a task held back by the limit goes to one that waits as soon as there is room', async () => {
  const pipeline = await begin(1);
  const [maya, willi] = [await bee(pipeline, 'maya', 1), await bee(pipeline, 'willi', 1)];
  await pipeline.run(submit('a', 'b'));
  expect(pipeline.happened.at(-1)!.heldBack).toBe(true);
  await pipeline.run(complete(maya.assignments()[0]!));
  await pipeline.batcher.settled();
  expect([maya.given(), willi.given()]).toEqual([['a'], ['b']]);
});

test('nobody is said to be held back when nothing is there for those who wait', async () => {
  const pipeline = await begin(1);
  await bee(pipeline, 'maya', 1);
  await bee(pipeline, 'willi', 1, 'fly');
  await pipeline.run(submit('a', 'b'));
  expect(pipeline.happened.map(({ heldBack }) => heldBack)).not.toContain(true);
});

const ROOMS = Array.from({ length: 40 }, (_, n) => `room-${n}`);

function dig(id: string, room: number, priority: number) {
  return newTask(id, { requirements: { capability: 'dig', room: ROOMS[room]! }, priority }, 0);
}

test('of one kind of task among many kinds as many are given as come before the others', async () => {
  const pipeline = await begin();
  const maya = await bee(pipeline, 'maya', 0, 'dig', 100, { room: ROOMS });
  const urgent = Array.from({ length: 30 }, (_, n) => dig(`urgent-${n}`, 7, 3));
  const others = ROOMS.map((_, room) => dig(`other-${room}`, room, 0));
  await pipeline.run({ kind: 'submit', actor: 'ann', tasks: [...others, ...urgent] });
  pipeline.dispatcher.credit(maya.link, 32);
  pipeline.batcher.kick();
  await pipeline.batcher.settled();
  expect(maya.given()).toEqual([...urgent.map(({ id }) => id), 'other-0', 'other-1']);
});
