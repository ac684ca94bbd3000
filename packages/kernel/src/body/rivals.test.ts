/** Two kernels decide at the same time on what belongs together: whoever is first, nothing is stranded or taken away. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Assignment, Rules } from '../core/command.ts';
import type { JsonObject } from '../core/json.ts';
import { Keys } from '../store/redis/keys.ts';
import type { Hive } from '../testing/hive.ts';
import { after, before } from '../testing/meddling.ts';
import { newTask, type Pipeline } from '../testing/pipeline.ts';
import { planCommand } from '../testing/plan-command.ts';
import { RedisServer } from '../testing/redis-server.ts';
import { TcpProxy } from '../testing/tcp-proxy.ts';
import { bodyAt } from '../testing/two-bodies.ts';
import { bee, submit as dig } from '../testing/waiting-bee.ts';

let server: RedisServer;
let line: TcpProxy;
beforeAll(async () => {
  server = await RedisServer.start();
  line = await TcpProxy.start(() => server.port);
});
afterAll(async () => {
  await line.stop();
  await server.stop();
});

async function two() {
  const colony = randomUUID();
  return { one: await bodyAt(server.url, colony), other: await bodyAt(server.url, colony) };
}

describe('a task that is retried by hand while what it depends on ends at another kernel', () => {
  /** `later` was called off, and what it waits for is under way. */
  async function scene() {
    const { one, other } = await two();
    await one.hive.hire('maya');
    await one.hive.submit('sooner');
    await one.hive.submit('later', { depends_on: ['sooner'] });
    await one.hive.cancel('later');
    return { one, other, attempt: await one.hive.take('maya') };
  }

  test('is queued when that completes, though it was called off when the other one looked', async () => {
    const { one, other, attempt } = await scene();
    before(one.store, 'commit', () => other.hive.retry('later'));
    await one.hive.complete(attempt);
    expect(await one.hive.task('later')).toMatchObject({ status: 'queued', unmet: 0 });
  });

  test('is queued when that completes, though it was under way when this one looked', async () => {
    const { one, other, attempt } = await scene();
    before(other.store, 'commit', () => one.hive.complete(attempt));
    await other.hive.retry('later');
    expect(await one.hive.task('later')).toMatchObject({ status: 'queued', unmet: 0 });
  });

  test('falls with it when that fails, though it had fallen already when the other one looked', async () => {
    const { one, other, attempt } = await scene();
    before(one.store, 'commit', () => other.hive.retry('later'));
    await one.hive.fail(attempt, false);
    expect(await one.hive.task('later')).toMatchObject({ status: 'cancelled', error: 'dependency_failed' });
  });
});

test('a child that is handed in while retention removes its parent is refused', async () => {
  const { one, other } = await two();
  await one.hive.submit('parent');
  await one.hive.cancel('parent');
  const everything = { endedBefore: Number.MAX_SAFE_INTEGER, ledgerBefore: null, idempotencyBefore: 0 };
  before(one.store, 'commit', () => other.store.prune(everything, 100));
  await expect(one.hive.submit('child', { parent_id: 'parent' })).rejects.toMatchObject({ code: 'validation_failed' });
  expect(await one.store.task('child')).toBeNull();
});

test('a heartbeat takes no lease away that another worker has by now', async () => {
  const { one, other } = await two();
  await one.hive.hire('maya');
  await one.hive.hire('willi', 2);
  await one.hive.submit('contended');
  await one.hive.take('maya');
  await one.hive.submit('to be called off');
  await one.hive.take('willi');
  const move = async () => {
    await other.hive.do({ kind: 'revoke_leases', actor: 'kernel', workerId: 'maya' });
    await other.hive.take('willi');
  };
  // Between the two looks: at maya, who holds the task, and at the task, which willi holds.
  after(one.store, 'load', move, ({ workers }) => workers?.includes('maya') === true);
  const [{ worker }] = await Promise.all([
    one.hive.do({ kind: 'heartbeat', actor: 'worker:maya', workerId: 'maya', tasks: [] }),
    one.hive.cancel('to be called off'),
  ]);
  expect(worker.holds).toEqual([]);
  expect(await one.hive.task('contended')).toMatchObject({ status: 'executing', worker: 'willi' });
  expect(await one.hive.worker('willi')).toMatchObject({ holds: ['contended'] });
});

test('a kernel that has to ask again how things stand does not take what it saw before for what is so now', async () => {
  const colony = randomUUID();
  const one = await bodyAt(`redis://127.0.0.1:${line.port}`, colony);
  const other = await bodyAt(server.url, colony);
  await other.hive.hire('maya');
  await other.hive.submit('contended');
  const notForMaya = { requirements: { capability: 'fly' } };
  // After one commit more it expects nobody else to commit, and keeps what it knows.
  for (let n = 1; n < 8; n++) await one.hive.submit(`quiet ${n}`, notForMaya);

  let attempt!: Assignment;
  line.refuse(['GET', new Keys(colony).mark]);
  const take = async () => {
    attempt = await other.hive.take('maya');
    line.refuse(null);
  };
  after(one.store, 'load', take, ({ tasks }) => tasks?.includes('contended') === true);
  await one.hive.pipeline.together([
    { kind: 'retry', actor: 'ann', taskId: 'contended' },
    { kind: 'submit', actor: 'ann', tasks: [newTask('quiet 8', notForMaya, 0)] },
  ]);
  await one.hive.complete(attempt);
  expect(await one.hive.task('contended')).toMatchObject({ status: 'completed' });
});

test('whoever is decided anew because a kernel was not alone any more keeps its place before others', async () => {
  const { one, other } = await two();
  await one.hive.hire('maya');
  await one.hive.hire('willy');
  await one.hive.submit('contended');
  const attempt = await other.hive.take('maya');
  // Long enough alone to go on with what it knows: that maya holds a task, not what becomes of it.
  for (let n = 0; n < 10; n++) await one.hive.submit(`n${n}`, { requirements: { region: 'nowhere' } });
  await one.hive.claim('maya');
  await other.hive.complete(attempt);
  const { last } = await one.store.ledger.span();
  await one.hive.pipeline.together([
    { kind: 'unregister', actor: 'ann', workerId: 'maya', reason: 'unregistered' },
    { kind: 'drain', actor: 'ann', workerId: 'willy' },
  ]);
  expect((await one.hive.ledger(last)).map(({ workerId }) => workerId)).toEqual(['maya', 'willy']);
});

test('a kernel that goes on with what it knows does not know longer than the store how a removed task ended', async () => {
  const { one } = await two();
  const { hive, store } = one;
  await hive.hire('maya');
  const run = async (id: string, dependsOn: string[] = []) => {
    await hive.submit(id, { depends_on: dependsOn });
    await hive.complete(await hive.take('maya'));
  };
  const prune = (ledgerBefore: number | null) =>
    store.prune({ endedBefore: Number.MAX_SAFE_INTEGER, ledgerBefore, idempotencyBefore: 0 }, 1000);
  for (let n = 0; n < 10; n++) await run(`n${n}`);
  await prune(null);
  await run('sooner', ['n0']);
  await store.ledger.seal();
  await prune(Number.MAX_SAFE_INTEGER);
  await prune(Number.MAX_SAFE_INTEGER);
  expect((await store.load({ tasks: ['n0'] })).tasks.get('n0')).toBeNull();
  await expect(hive.submit('later', { depends_on: ['n0'] })).rejects.toMatchObject({ code: 'validation_failed' });
});

describe('a cap that two kernels share', () => {
  const OCR = { requirements: { capability: 'ocr' }, group: 'a' };

  async function scene(rules: Partial<Rules>, limits: JsonObject[]) {
    const colony = randomUUID();
    const [one, other] = [await bodyAt(server.url, colony, rules), await bodyAt(server.url, colony, rules)];
    const policy = { rules: [], limits };
    await one.hive.do({ kind: 'set_policy', actor: 'ann', policy, expected: null });
    const about = { capabilities: [{ name: 'ocr' }], attributes: {}, maxConcurrentTasks: 100 };
    for (const id of ['maya', 'willy']) await one.hive.do({ kind: 'register', actor: 'ann', id, name: id, ...about });
    const tasks = Array.from({ length: 30 }, (_, n) => newTask(`t${n}`, OCR, 0));
    await one.hive.do({ kind: 'submit', actor: 'ann', tasks });
    return { one, other };
  }

  test.each([
    ['of a limit', {}, [{ id: 'gpus', capability: 'ocr', max_concurrent: 3 }]],
    ['of a group', { maxConcurrentPerGroup: 3 }, []],
  ])('is never exceeded, and is used up, when it is that %s', async (_, rules, limits) => {
    const { one, other } = await scene(rules, limits);
    let executing = 0;
    for (let round = 0; round < 10; round++) {
      const given = await Promise.all([one.hive.claim('maya', 2), other.hive.claim('willy', 2)]);
      executing = (await one.store.survey()).tasks.executing;
      expect(executing).toBe(3);
      for (const assignment of given.flat()) await (round % 2 ? one : other).hive.complete(assignment);
      for (const id of ['maya', 'willy']) {
        const { holds } = (await one.store.worker(id))!;
        for (const taskId of holds) await one.hive.do({ kind: 'cancel', actor: 'ann', taskId, cascade: false });
      }
    }
  });

  test('is so though the other one was faster with another task between looking and writing', async () => {
    const { one, other } = await scene({ maxConcurrentPerGroup: 1 }, []);
    const about = { capabilities: [{ name: 'fly' }], attributes: {}, maxConcurrentTasks: 100 };
    await one.hive.do({ kind: 'register', actor: 'ann', id: 'cassandra', name: 'cassandra', ...about });
    await one.hive.submit('to fly', { group: 'a', requirements: { capability: 'fly' } });
    before(one.store, 'commit', async () => expect(await other.hive.claim('cassandra')).toHaveLength(1));
    expect(await one.hive.claim('maya')).toEqual([]);
    expect((await one.store.survey()).tasks.executing).toBe(1);
  });

  test('holds from the moment on in which another kernel has set it', async () => {
    const { one, other } = await scene({}, []);
    const policy = { rules: [], limits: [{ id: 'closed', capability: 'ocr', max_concurrent: 0 }] };
    const close = () => other.hive.do({ kind: 'set_policy', actor: 'ann', policy, expected: null });
    before(one.store, 'commit', close);
    expect(await one.hive.claim('maya')).toEqual([]);
  });

  test('so are a rate and its tokens', async () => {
    const { one, other } = await scene({}, [{ id: 'api', capability: 'ocr', per_second: 1, burst: 3 }]);
    const given = await Promise.all([one.hive.claim('maya', 2), other.hive.claim('willy', 2)]);
    expect(given.flat()).toHaveLength(3);
  });
});

describe('a task that comes while several wait here, and the one that is given it', () => {
  async function scene() {
    const { one, other } = await two();
    const { pipeline } = one.hive;
    const [maya, willi] = [await bee(pipeline, 'maya', 0), await bee(pipeline, 'willi', 0)];
    pipeline.dispatcher.credit(maya.link, 1);
    await look(pipeline);
    pipeline.dispatcher.credit(willi.link, 1);
    await look(pipeline);
    return { one, other, maya, willi };
  }

  async function look(pipeline: Pipeline): Promise<void> {
    pipeline.batcher.kick();
    await pipeline.batcher.settled();
  }

  test('leaves at another kernel in the same moment: it goes to the other that waits', async () => {
    const { one, other, willi } = await scene();
    const leave = { kind: 'unregister', actor: 'ann', workerId: 'maya', reason: 'unregistered' } as const;
    before(one.store, 'commit', () => other.hive.do(leave));
    await one.hive.pipeline.run(dig('a'));
    await one.hive.pipeline.batcher.settled();
    expect(willi.given()).toEqual(['a']);
  });

  test('asked by itself, and leaves: it goes to one that came to wait in the same moment', async () => {
    const { one, other, maya, willi } = await scene();
    const { pipeline } = one.hive;
    for (const { link } of [maya, willi]) pipeline.dispatcher.credit(link, 0);
    await pipeline.run(dig('a'));
    pipeline.dispatcher.credit(willi.link, 1);
    const leave = { kind: 'unregister', actor: 'ann', workerId: 'maya', reason: 'unregistered' } as const;
    before(one.store, 'commit', () => other.hive.do(leave));
    await pipeline.run({ kind: 'claim', actor: 'worker:maya', workerId: 'maya', max: 1 });
    await pipeline.batcher.settled();
    expect(willi.given()).toEqual(['a']);
  });
});

describe('a task that comes to wait for one of a plan, while the plan is called off at another kernel', () => {
  async function scene() {
    const { one, other } = await two();
    await one.hive.do(planCommand('p', { a: {}, b: { depends_on: ['a'] } }, one.hive.pipeline.clock.now().wall));
    const callOff = (hive: Hive) => hive.do({ kind: 'cancel_plan', actor: 'ann', planId: 'p' });
    const later = (hive: Hive) => hive.submit('later', { depends_on: ['p.a'] });
    return { one, other, callOff, later };
  }

  test('falls with it, when it was there first', async () => {
    const { one, other, callOff, later } = await scene();
    before(one.store, 'commit', () => later(other.hive));
    await callOff(one.hive);
    expect(await one.hive.task('later')).toMatchObject({ status: 'cancelled', error: 'dependency_failed' });
  });

  test('never waits, when it comes too late', async () => {
    const { one, other, callOff, later } = await scene();
    before(one.store, 'commit', () => callOff(other.hive));
    await later(one.hive);
    expect(await one.hive.task('later')).toMatchObject({ status: 'cancelled', error: 'dependency_failed' });
  });
});
