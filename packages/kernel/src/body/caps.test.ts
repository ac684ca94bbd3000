/** How many tasks of a group, or of those that require a capability, execute at once and are started in a second. */
import { expect, onTestFinished, test } from 'vitest';
import type { Rules } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { TaskInput } from '../core/task.ts';
import { Hive, release } from '../testing/hive.ts';
import { loneKernel } from '../testing/lone-kernel.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';
import { bee, complete } from '../testing/waiting-bee.ts';

const OCR = { requirements: { capability: 'ocr' } };

function limited(...limits: JsonObject[]): JsonObject {
  return { rules: [], limits };
}

function submission(tasks: Readonly<Record<string, Partial<TaskInput>>>) {
  const made = Object.entries(tasks).map(([id, input]) => newTask(id, input, 0));
  return { kind: 'submit', actor: 'ann', tasks: made } as const;
}

async function hire(hive: Hive, id: string, slots: number): Promise<void> {
  const capabilities = [{ name: 'ocr' }, { name: 'resize' }];
  const about = { name: id, capabilities, attributes: {}, maxConcurrentTasks: slots };
  await hive.do({ kind: 'register', actor: 'ann', id, ...about });
}

async function colony(rules: Partial<Rules>, ...limits: JsonObject[]): Promise<Hive> {
  const hive = await Hive.begin(rules);
  if (limits.length > 0) await setLimits(hive, ...limits);
  await hire(hive, 'maya', 100);
  return hive;
}

async function setLimits(hive: Hive, ...limits: JsonObject[]): Promise<void> {
  await hive.do({ kind: 'set_policy', actor: 'ann', policy: limited(...limits), expected: null });
}

async function claimed(hive: Hive, max = 100, workerId = 'maya'): Promise<string[]> {
  return (await hive.claim(workerId, max)).map(({ task }) => task.id);
}

test('no more tasks of a group execute than may, and those of others go on', async () => {
  const hive = await colony({ maxConcurrentPerGroup: 2 });
  const a = { group: 'a', priority: 9 };
  await hive.do(
    submission({ a1: a, a2: a, a3: { ...a, ...OCR }, b1: { group: 'b' }, none1: {}, none2: {}, none3: {} }),
  );
  const first = await hive.claim('maya', 100);
  expect(first.map(({ task }) => task.id)).toEqual(['a1', 'a2', 'b1', 'none1', 'none2', 'none3']);
  expect(await claimed(hive)).toEqual([]);
  await hive.complete(first[0]!);
  expect(await claimed(hive)).toEqual(['a3']);
});

test('no more tasks that require a capability execute than may, whatever else they require', async () => {
  const hive = await colony({}, { id: 'gpus', capability: 'ocr', max_concurrent: 2 });
  const both = { requirements: { capabilities: ['resize', 'ocr'] } };
  await hive.do(submission({ o1: OCR, b1: both, o2: OCR, r1: { requirements: { capability: 'resize' } } }));
  const first = await hive.claim('maya', 100);
  expect(first.map(({ task }) => task.id)).toEqual(['o1', 'b1', 'r1']);
  await hive.do(release('o1', first[0]!.token));
  expect(await claimed(hive)).toEqual(['o1']);
});

test('of several bounds the narrowest counts', async () => {
  const hive = await colony(
    { maxConcurrentPerGroup: 3, maxConcurrentTasks: 5 },
    { id: 'gpus', capability: 'ocr', max_concurrent: 2 },
    { id: 'more', capability: 'ocr', max_concurrent: 4 },
  );
  const a = { ...OCR, group: 'a' };
  await hive.do(submission({ a1: a, a2: a, a3: a, b1: { group: 'a' }, b2: { group: 'a' }, c1: {}, c2: {}, c3: {} }));
  // Groups take turns.
  expect(await claimed(hive)).toEqual(['a1', 'c1', 'a2', 'c2', 'b1']);
});

test('a limit of 0 holds all back, and a policy without it lets them go', async () => {
  const hive = await colony({}, { id: 'closed', capability: 'ocr', max_concurrent: 0 });
  await hive.do(submission({ o1: OCR, none: {} }));
  expect(await claimed(hive)).toEqual(['none']);
  await setLimits(hive);
  expect(await claimed(hive)).toEqual(['o1']);
});

test('a limit counts what is executing already, and leaves it alone', async () => {
  const hive = await colony({});
  await hive.do(submission({ o1: OCR, o2: OCR, o3: OCR }));
  const running = await hive.claim('maya', 2);
  await setLimits(hive, { id: 'gpus', capability: 'ocr', max_concurrent: 1 });
  expect(await claimed(hive)).toEqual([]);
  await hive.complete(running[0]!);
  expect(await claimed(hive)).toEqual([]);
  await hive.complete(running[1]!);
  expect(await claimed(hive)).toEqual(['o3']);
});

test('limits that are set in the same moment as tasks are claimed hold for the claims behind them', async () => {
  const hive = await colony({});
  await hive.do(submission({ o1: OCR, o2: OCR, o3: OCR }));
  const claim = { kind: 'claim', actor: 'worker:maya', workerId: 'maya', max: 1 } as const;
  const policy = limited({ id: 'gpus', capability: 'ocr', max_concurrent: 1 });
  const answers = await hive.pipeline.together([
    claim,
    { kind: 'set_policy', actor: 'ann', policy, expected: null },
    { ...claim, max: 9 },
  ]);
  expect(answers.map((answer) => ('assignments' in answer ? answer.assignments.length : null))).toEqual([1, null, 0]);
});

test('a worker that was passed over is given what a freed place lets start, in the same commit', async () => {
  const pipeline = await Pipeline.open({ maxConcurrentPerGroup: 1 });
  onTestFinished(() => pipeline.store.close());
  const [maya, willy] = [await bee(pipeline, 'maya', 1), await bee(pipeline, 'willy', 5)];
  const dig = { requirements: { capability: 'dig' }, group: 'a' };
  await pipeline.run(submission({ t1: dig, t2: dig, t3: dig }));
  expect([maya.given(), willy.given()]).toEqual([['t1'], []]);
  for (let n = 0; n < 10; n++) await pipeline.run(submission({ [`x${n}`]: { requirements: { region: 'nowhere' } } }));
  const before = pipeline.happened.length;
  await pipeline.run(complete(maya.assignments()[0]!));
  expect(willy.given()).toEqual(['t2']);
  expect(pipeline.happened.length).toBe(before + 1);
  await pipeline.run(complete(willy.assignments()[0]!));
  expect([...maya.given(), ...willy.given()].sort()).toEqual(['t1', 't2', 't3']);
});

test('what bounds do is told by their names, and a claim that found nothing is no change', async () => {
  const hive = await colony({ maxConcurrentPerGroup: 1 }, { id: 'gpus', capability: 'ocr', max_concurrent: 1 });
  await hive.do(submission({ a1: { group: 'a' }, a2: { group: 'a' }, o1: OCR, o2: OCR }));
  await claimed(hive);
  const [happened] = hive.pipeline.happened.slice(-1);
  expect(happened!.passedOver.map(({ by }) => [...by].sort())).toEqual([['COLONY_GROUP_MAX_CONCURRENT', 'gpus']]);
  const entries = (await hive.ledger()).length;
  expect(await claimed(hive)).toEqual([]);
  expect((await hive.ledger()).length).toBe(entries);
});

test('so many are started at once, and then so many in a second', async () => {
  const hive = await colony({}, { id: 'api', capability: 'ocr', per_second: 2, burst: 3 });
  await hive.do(submission(Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`o${n}`, OCR]))));
  const { clock } = hive.pipeline;
  expect(await claimed(hive)).toEqual(['o0', 'o1', 'o2']);
  expect(await claimed(hive)).toEqual([]);
  await clock.advance(499);
  expect(await claimed(hive)).toEqual([]);
  await clock.advance(1);
  expect(await claimed(hive)).toEqual(['o3']);
  await clock.advance(1000);
  expect(await claimed(hive, 1)).toEqual(['o4']);
  expect(await claimed(hive)).toEqual(['o5']);
  await clock.advance(60_000);
  expect(await claimed(hive)).toEqual(['o6', 'o7', 'o8']);
});

test('a rate holds on when the clock goes back', async () => {
  const hive = await colony({}, { id: 'api', capability: 'ocr', per_second: 1 });
  await hive.do(submission({ o1: OCR, o2: OCR, none: {} }));
  expect(await claimed(hive)).toEqual(['o1', 'none']);
  hive.pipeline.clock.jump(-3_600_000);
  expect(await claimed(hive)).toEqual([]);
  await hive.pipeline.clock.advance(1000);
  expect(await claimed(hive)).toEqual(['o2']);
});

test('a worker that waits is given the next task the moment its token is there', async () => {
  const { kernel, clock, wait, rest } = await loneKernel();
  const execute = async (command: Parameters<typeof kernel.execute>[0]) => {
    const answer = await kernel.execute(command);
    if (answer instanceof Refusal) throw answer;
    await rest();
  };
  const policy = limited({ id: 'api', capability: 'ocr', per_second: 0.5 });
  await execute({ kind: 'set_policy', actor: 'ann', policy, expected: null });
  for (const id of ['maya', 'willy']) {
    const about = { name: id, capabilities: [{ name: 'ocr' }], attributes: {}, maxConcurrentTasks: 1 };
    await execute({ kind: 'register', actor: 'ann', id, ...about });
  }
  const given = [wait('maya'), wait('willy')];
  await rest();
  await execute(submission({ o1: OCR, o2: OCR }));
  expect(given.flat()).toEqual(['o1']);
  await clock.advance(1999);
  await rest();
  expect(given.flat()).toEqual(['o1']);
  await clock.advance(1);
  await rest();
  expect(given.flat().sort()).toEqual(['o1', 'o2']);
});
