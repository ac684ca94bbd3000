/** What is given to whom when a batch ends, where the queue is only known in part. */
import { expect, onTestFinished, test } from 'vitest';
import type { Command } from '../core/command.ts';
import { DEFAULT_WEIGHTS } from '../core/mind-rules.ts';
import { eligibility, passingFacts } from '../mind/eligibility.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';
import { type Bee, bee, begin, complete } from '../testing/waiting-bee.ts';

const ROOMS = Array.from({ length: 40 }, (_, n) => `room-${n}`);

/** A task for each of so many kinds of requirements: from here on the queue is gone along as a whole. */
function inRooms(prefix: string, can: string, priority = 5): Command {
  const tasks = ROOMS.map((room) =>
    newTask(`${prefix}${room}`, { requirements: { capability: can, room }, priority }, 0),
  );
  return { kind: 'submit', actor: 'ann', tasks };
}

function submit(can: string, ...ids: string[]): Command {
  const tasks = ids.map((id) => newTask(id, { requirements: { capability: can } }, 0));
  return { kind: 'submit', actor: 'ann', tasks };
}

async function look(pipeline: Pipeline): Promise<void> {
  pipeline.batcher.kick();
  await pipeline.batcher.settled();
}

async function quiet(pipeline: Pipeline): Promise<void> {
  for (let n = 0; n < 10; n++)
    await pipeline.run({ kind: 'announce', actor: 'kernel', event: 'kernel_started', data: {} });
}

test('limits hold for whoever comes to wait where there are many kinds of requirements', async () => {
  const pipeline = await begin();
  const limit = { id: 'gpus', capability: 'dig', max_concurrent: 1 };
  await pipeline.run({ kind: 'set_policy', actor: 'ann', policy: { rules: [], limits: [limit] }, expected: null });
  await pipeline.run(inRooms('', 'dig'));
  const maya = await bee(pipeline, 'maya', 0, 'dig', 100, { room: ROOMS });
  pipeline.dispatcher.credit(maya.link, 10);
  await look(pipeline);
  expect(maya.given()).toEqual(['room-0']);
});

test('rates hold for whoever comes to wait where there are many kinds of requirements', async () => {
  const pipeline = await begin();
  const limit = { id: 'calls', capability: 'dig', per_second: 1, burst: 2 };
  await pipeline.run({ kind: 'set_policy', actor: 'ann', policy: { rules: [], limits: [limit] }, expected: null });
  await pipeline.run(inRooms('', 'dig'));
  const maya = await bee(pipeline, 'maya', 0, 'dig', 100, { room: ROOMS });
  pipeline.dispatcher.credit(maya.link, 10);
  await look(pipeline);
  expect(maya.given()).toEqual(['room-0', 'room-1']);
});

test('a task that is behind one that takes the last room goes to one that waits once there is room again', async () => {
  const pipeline = await begin(1);
  await pipeline.run(submit('dig', 'a', 'b'));
  const [maya, willi] = [await bee(pipeline, 'maya', 0), await bee(pipeline, 'willi', 0)];
  pipeline.dispatcher.credit(maya.link, 1);
  pipeline.dispatcher.credit(willi.link, 1);
  await look(pipeline);
  expect([maya.given(), willi.given()]).toEqual([['a'], []]);
  await pipeline.run(complete(maya.assignments()[0]!));
  await pipeline.batcher.settled();
  expect(willi.given()).toEqual(['b']);
});

test('whoever takes from a lane of which little is known is given all that it takes, in order', async () => {
  const pipeline = await begin();
  await pipeline.run(submit('fly', ...Array.from({ length: 200 }, (_, n) => `fly-${n}`)));
  await quiet(pipeline);
  const maya = await bee(pipeline, 'maya', 0, 'dig', 100, { room: ROOMS });
  const willi = await bee(pipeline, 'willi', 0, 'fly', 1000);
  await pipeline.run(inRooms('', 'dig', 9));
  // The slice has seen a part of the lane by now, and has one task left of that.
  pipeline.dispatcher.credit(willi.link, 1);
  await look(pipeline);
  const seen = 127;
  pipeline.dispatcher.credit(willi.link, seen - 1);
  await look(pipeline);
  const before = willi.given().length;
  pipeline.dispatcher.credit(maya.link, 1);
  pipeline.dispatcher.credit(willi.link, 3);
  await look(pipeline);
  expect([maya.given(), willi.given().slice(before)]).toEqual([['room-0'], ['fly-127', 'fly-128', 'fly-129']]);
});

test('of more than can be weighed against each other the one that has waited longest is weighed', async () => {
  const pipeline = await begin();
  const many: Bee[] = [];
  for (let n = 0; n < 64; n++) many.push(await bee(pipeline, `bee-${n}`, 0, 'dig', 1));
  const maya = await bee(pipeline, 'maya', 1);
  await look(pipeline);
  await pipeline.clock.advance(3_600_000);
  for (const one of many) pipeline.dispatcher.credit(one.link, 1);
  await look(pipeline);
  await pipeline.run(submit('dig', 'a'));
  expect(maya.given()).toEqual(['a']);
});

test('one that can take something is found behind many that ask and cannot, though more comes in all the time', async () => {
  const pipeline = await begin();
  const many: Bee[] = [];
  for (let n = 0; n < 64; n++) many.push(await bee(pipeline, `bee-${n}`, 1, 'dig', 1));
  await pipeline.run(submit('dig', ...many.map((_, n) => `first-${n}`)));
  for (const one of many) pipeline.dispatcher.credit(one.link, 1);
  const maya = await bee(pipeline, 'maya', 1, 'dig', 1);
  let last = pipeline.run(submit('dig', 'next'));
  for (let n = 0; n < 10; n++) {
    const next = pipeline.run(submit('dig', `next-${n}`));
    await last;
    last = next;
  }
  expect(maya.given()).toEqual(['next']);
  await last;
});

test('a fault in choosing is not met again and again, and passes with its cause', async () => {
  let isBroken = true;
  const nearness = () => {
    if (isBroken) throw new Error('the index is closed');
    return null;
  };
  const pipeline = await Pipeline.open({ mind: { weights: DEFAULT_WEIGHTS, nearness } });
  onTestFinished(() => pipeline.store.close());
  const maya = await bee(pipeline, 'maya', 1);
  // Of one alone nobody asks how near it is.
  await bee(pipeline, 'willi', 1);
  await pipeline.run(submit('dig', 'a'));
  await pipeline.batcher.settled();
  expect(pipeline.happened.length).toBeLessThan(30);
  expect(maya.given()).toEqual([]);
  isBroken = false;
  await pipeline.run(submit('fly', 'b'));
  expect(maya.given()).toEqual(['a']);
});

test('what is remembered of workers and requirements may be put aside at any time', async () => {
  const pipeline = await begin();
  await pipeline.run(inRooms('', 'dig'));
  await pipeline.run(submit('fly', 'x'));
  await quiet(pipeline);
  const maya = await bee(pipeline, 'maya', 1, 'dig', 100, { room: ROOMS });
  await look(pipeline);
  await pipeline.run({ kind: 'cancel', actor: 'ann', taskId: 'x', cascade: false });
  forgetAll();
  pipeline.dispatcher.credit(maya.link, 1);
  await look(pipeline);
  expect(maya.given()).toEqual(['room-0', 'room-1']);
});

/** So many kinds of workers are not remembered. */
function forgetAll(): void {
  const lane = passingFacts('nothing', {});
  for (let n = 0; n < 100_001; n++) {
    const profile = { name: 'x', capabilities: [], attributes: { serial: n }, maxConcurrentTasks: 1 };
    eligibility({ id: 'x', profile }, lane);
  }
}
