/** What was worked out before another server took over does not count there: all is read and decided anew. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Task } from '../../core/task.ts';
import { RedisConnection } from '../../redis/connection.ts';
import { before } from '../../testing/meddling.ts';
import { RedisServer } from '../../testing/redis-server.ts';
import { about, after, aWorker, DAWN, Scribe, update } from '../../testing/scribe.ts';
import { TcpProxy } from '../../testing/tcp-proxy.ts';
import { bodyAt } from '../../testing/two-bodies.ts';
import { RedisStore } from './store.ts';

let master: RedisServer;
let replica: RedisServer;
beforeAll(async () => {
  [master, replica] = await Promise.all([RedisServer.start(), RedisServer.start()]);
});
afterAll(async () => {
  await Promise.all([master.stop(), replica.stop()]);
});

/** A way to one server, that leads to the other one from `failOver` on. */
async function scene() {
  const colony = randomUUID();
  await replica.ask('REPLICAOF', '127.0.0.1', String(master.port));
  let serving = master;
  const line = await TcpProxy.start(() => serving.port);
  onTestFinished(() => line.stop());
  return {
    colony,
    url: `redis://127.0.0.1:${line.port}`,
    /** From here on the replica hears nothing of what happens at the master. */
    async part() {
      await replica.follows(master);
      await replica.promote();
    },
    async failOver() {
      serving = replica;
      line.cut();
    },
    async restart() {
      await master.kill();
      await master.start();
    },
  };
}

async function open(url: string, colony: string): Promise<Scribe> {
  const store = await RedisStore.open({ url, colony });
  onTestFinished(() => store.close());
  return new Scribe(store);
}

function start(task: Task, leaseToken: number) {
  return update(task, after(task, { status: 'executing', worker: 'bee-1', leaseToken }));
}

test('a commit whose tokens were given out above an old floor conflicts, and nothing of it happens', async () => {
  const { url, colony, part, failOver } = await scene();
  const scribe = await open(url, colony);
  const { store } = scribe;
  const task = await scribe.add();
  const { tokenFloor, epoch } = await store.survey();
  await part();
  await failOver();
  const unit = { ...start(task, tokenFloor + 1), events: [about(task, 'task_assigned')] };
  expect(await store.commit([unit], scribe.at, { epoch })).toEqual({ outcomes: ['conflict'], entries: [] });
  expect((await store.task(task.id))!.status).toBe('queued');
  const risen = await store.survey();
  expect(risen.tokenFloor).toBeGreaterThan(tokenFloor);
  expect((await store.commit([unit], scribe.at, { epoch: risen.epoch })).outcomes).toEqual(['committed']);
});

test('a token that was given out by the server that is gone is never given out again', async () => {
  const { url, colony, part, failOver } = await scene();
  const { hive, store } = await bodyAt(url, colony);
  await hive.hire('maya');
  await hive.submit('t');
  await part();
  // Another kernel still gives it out over there. Of that nothing is left.
  const other = await bodyAt(master.url, colony);
  let lost = 0;
  before(store, 'commit', async () => {
    lost = (await other.hive.take('maya')).token;
    await failOver();
  });
  const { task, token } = await hive.take('maya');
  expect(lost).toBeGreaterThan(0);
  expect(token).toBeGreaterThan(lost);
  expect(await hive.task('t')).toMatchObject({ status: 'executing', leaseToken: token, version: task.version });
});

test('a master that starts anew and the replica that is cut off meanwhile begin two epochs', async () => {
  const { url, colony, part, restart } = await scene();
  const { store } = await open(url, colony);
  const begun = await store.survey();
  await part();
  await restart();
  const there = await open(replica.url, colony);
  const [one, other] = [await store.survey(), await there.store.survey()];
  expect(one.tokenFloor).toBeGreaterThan(begun.tokenFloor);
  expect(other.tokenFloor).toBe(one.tokenFloor);
  expect(other.epoch).not.toBe(one.epoch);
  expect(other.mark).not.toBe(one.mark);
});

test('a token that a master has given out since it started anew is not given out by the one that follows it', async () => {
  const { url, colony, part, restart, failOver } = await scene();
  const { hive } = await bodyAt(url, colony);
  await hive.hire('maya');
  await hive.submit('t');
  await part();
  await restart();
  const { token: lost } = await hive.take('maya');
  // Somebody else has been over there by now.
  const there = await bodyAt(replica.url, colony);
  await failOver();
  const { token } = await hive.take('maya');
  expect(token).toBeGreaterThan(lost);
  expect((await there.store.survey()).tokenFloor).toBeGreaterThan(lost);
});

test('hashes of entries that got lost do not seal those that have their numbers now', async () => {
  const { url, colony, part, failOver } = await scene();
  const { store } = await open(url, colony);
  await store.commit([{ puts: [], events: [about({ id: 'kept' })] }], DAWN);
  await part();
  await store.commit([{ puts: [], events: [about({ id: 'lost' })] }], DAWN);
  const there = await open(replica.url, colony);
  await there.commit({ puts: [], events: [about({ id: 'new' })] });
  before(RedisConnection.prototype, 'run', failOver, ({ source }) => source.includes("'hashes'"));
  expect(await store.ledger.seal()).toBe(2);
  expect(await store.ledger.verify()).toMatchObject({ valid: true, entries: 2 });
  expect((await store.ledger.read(0, 9)).map(({ taskId }) => taskId)).toEqual(['kept', 'new']);
});

test('hashes beyond the end of what is left seal nothing', async () => {
  const { url, colony, part, failOver } = await scene();
  const { store } = await open(url, colony);
  await store.commit([{ puts: [], events: [about({ id: 'kept' })] }], DAWN);
  await part();
  await store.commit([{ puts: [], events: [about({ id: 'lost' })] }], DAWN);
  before(RedisConnection.prototype, 'run', failOver, ({ source }) => source.includes("'hashes'"));
  expect(await store.ledger.seal()).toBe(1);
  await new Scribe(store).commit({ puts: [], events: [about({ id: 'new' })] });
  expect(await store.ledger.verify()).toMatchObject({ valid: true, entries: 2 });
});

/** Has the other server take over between what is read of the chain and what is read of the rows. */
function failOverBeforeRows(failOver: () => Promise<void>): void {
  before(RedisConnection.prototype, 'pipeline', failOver, ([call]) => call?.[0] === 'XRANGE');
}

test('rows that are not there since another server took over are not taken for damage', async () => {
  const { url, colony, part, failOver } = await scene();
  const scribe = await open(url, colony);
  const { store: steward } = await open(url, colony);
  await scribe.commit({ puts: [], events: [about({ id: 'kept' })] });
  await steward.ledger.seal();
  await part();
  await scribe.commit({ puts: [], events: [about({ id: 'lost' })] });
  failOverBeforeRows(failOver);
  expect(await steward.ledger.seal()).toBe(1);
  expect(await steward.ledger.span()).toMatchObject({ last: 1 });
});

test('a ledger that ends sooner since another server took over is not called broken', async () => {
  const { url, colony, part, failOver } = await scene();
  const scribe = await open(url, colony);
  const { ledger } = scribe.store;
  await scribe.commit({ puts: [], events: [about({ id: 'kept' })] });
  await ledger.seal();
  await part();
  await scribe.commit({ puts: [], events: [about({ id: 'lost' })] });
  await ledger.seal();
  failOverBeforeRows(failOver);
  expect(await ledger.verify()).toMatchObject({ valid: true, entries: 1 });
});

test('a row that is missing without any of this is damage', async () => {
  const { url, colony } = await scene();
  const scribe = await open(url, colony);
  const { store: steward } = await open(url, colony);
  await scribe.commit({ puts: [], events: [about({ id: 'gone' })] });
  await master.ask('XDEL', `{${colony}}:ledger`, '1-1');
  await expect(steward.ledger.seal()).rejects.toThrow('entry 1 is missing: the database was damaged');
});

test('retention removes nothing on account of entries that got lost', async () => {
  const { url, colony, part, failOver } = await scene();
  const scribe = await open(url, colony);
  const say = (id: string) => scribe.commit({ puts: [], events: [about({ id })] });
  await say('kept');
  await scribe.store.ledger.seal();
  await part();
  for (const id of ['lost', 'lost', 'lost']) await say(id);
  await scribe.store.ledger.seal();
  before(RedisConnection.prototype, 'run', failOver, ({ source }) => source.includes('XTRIM'));
  await scribe.store.prune({ endedBefore: null, ledgerBefore: DAWN + 1, idempotencyBefore: 0 }, 100);
  await say('new');
  expect(await scribe.store.ledger.verify()).toMatchObject({ valid: true, entries: 2 });
});

test('lanes are those of the server that serves, though it counts as many changes of them', async () => {
  const { url, colony, part, failOver } = await scene();
  const { store } = await open(url, colony);
  await store.commit([{ puts: [], events: [about({ id: 'kept' })] }], DAWN);
  await part();
  await new Scribe(store).add({ requirements: { region: 'lost' } });
  const there = await open(replica.url, colony);
  await there.commit({ puts: [{ kind: 'worker', prev: null, next: aWorker() }], events: [] });
  const task = await there.add({ requirements: {} });
  expect([...(await store.survey()).lanes.keys()]).not.toContain(task.lane);
  await failOver();
  expect([...(await store.survey()).lanes.keys()]).toEqual([task.lane]);
});

test('a task that is queued at the server that serves is found by a kernel that came from another', async () => {
  const { url, colony, part, failOver } = await scene();
  const { hive } = await bodyAt(url, colony);
  await hive.hire('maya');
  await part();
  await hive.submit('lost', { requirements: { region: 'nowhere' } });
  expect(await hive.claim('maya')).toEqual([]);
  const there = await bodyAt(replica.url, colony);
  await there.hive.submit('new');
  await failOver();
  expect((await hive.take('maya')).task.id).toBe('new');
});

test('an epoch that a kernel of before its time has begun, which gives it no name, is another one, too', async () => {
  const { url, colony } = await scene();
  const { store } = await open(url, colony);
  const { epoch } = await store.survey();
  await master.ask('HINCRBY', `{${colony}}:meta`, 'epoch', '1');
  await master.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await expect.poll(async () => (await store.survey()).epoch).not.toBe(epoch);
});
