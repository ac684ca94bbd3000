/** What users of a kernel see while its Redis is away, and that it needs nobody's help afterwards. */
import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { RedisServer } from '../src/testing/redis-server.ts';
import { TcpProxy } from '../src/testing/tcp-proxy.ts';
import { type Harness, type JsonValue, onRedis, startColony, TestSocket } from './api/harness.ts';

const NO_LONGER_THAN_MS = 5000;
const SOON = { timeout: NO_LONGER_THAN_MS };

interface Scene {
  readonly server: RedisServer;
  readonly line: TcpProxy;
  readonly kernel: Harness;
}

async function scene(env: Record<string, string> = {}): Promise<Scene> {
  const server = await RedisServer.start();
  onTestFinished(() => server.stop());
  const line = await TcpProxy.start(() => server.port);
  onTestFinished(() => line.stop());
  const kernel = await startColony({
    ...onRedis({ url: `redis://127.0.0.1:${line.port}` }, randomUUID()),
    ...env,
  });
  return { server, line, kernel };
}

/** How long something takes, in milliseconds, and what it came to. */
async function timed<T>(act: () => Promise<T>): Promise<[T, number]> {
  const before = performance.now();
  return [await act(), performance.now() - before];
}

const OUTAGES: [string, (scene: Scene) => Promise<void> | void, (scene: Scene) => Promise<void> | void][] = [
  ['killed', ({ server }) => server.kill(), ({ server }) => server.start()],
  ['frozen', ({ server }) => server.freeze(), ({ server }) => server.thaw()],
  ['cut off', ({ line }) => line.swallow(), ({ line }) => line.restore()],
];

test.each(OUTAGES)(
  'while Redis is %s, requests are answered 503 in time; afterwards all goes on',
  async (_, begin, end) => {
    const it = await scene();
    const { call } = it.kernel;
    const { id } = (await call('POST /tasks', { description: 'before' })).json;
    const worker = (await call('POST /workers', { name: 'w', capabilities: [] })).json.id;

    await begin(it);
    for (const route of ['POST /tasks', `GET /tasks/${id}`, `POST /workers/${worker}/claim`]) {
      const body = route === 'POST /tasks' ? { description: 'during' } : route.startsWith('POST') ? {} : undefined;
      const [answer, ms] = await timed(() => call(route, body));
      expect([route, answer.status, answer.json.code]).toEqual([route, 503, 'storage_unavailable']);
      expect(answer.headers['retry-after']).toBeDefined();
      expect(ms).toBeLessThan(NO_LONGER_THAN_MS);
    }
    const health = await call('GET /health');
    expect(health).toMatchObject({ status: 503, json: { status: 'unhealthy' } });
    expect(health.json.checks.store).toMatch(/Redis/);
    expect((await call('GET /health/live')).status).toBe(200);

    await end(it);
    const [, ms] = await timed(async () => {
      while ((await call('POST /tasks', { description: 'after' })).status !== 201) await new Promise(setImmediate);
    });
    expect(ms).toBeLessThan(NO_LONGER_THAN_MS);
    expect((await call(`GET /tasks/${id}`)).json.description).toBe('before');
    await expect.poll(async () => (await call('GET /health')).status, SOON).toBe(200);
    expect((await call('GET /system/audit/verify')).json.valid).toBe(true);
  },
);

test('a Redis that starts again at once is not noticed', async () => {
  const { server, kernel } = await scene();
  await server.kill();
  const created = kernel.call('POST /tasks', { description: 'x' });
  await server.start();
  expect((await created).status).toBe(201);
});

test('that Redis is gone is noticed within a second, although nobody asks for anything', async () => {
  const { server, kernel } = await scene();
  const health = async () => (await kernel.call('GET /health')).json.checks?.store ?? 'ok';
  expect(await health()).toBe('ok');
  await server.kill();
  const [, ms] = await timed(async () => {
    while ((await health()) === 'ok') await new Promise(setImmediate);
  });
  expect(ms).toBeLessThan(1000);
  await expect.poll(health, SOON).toMatch(/Redis cannot be used/);
});

test('watchers and waiting claims outlive an outage', async () => {
  const { server, kernel } = await scene();
  const url = await kernel.listen();
  const watcher = await new TestSocket(`${url}/ws/events?since=0`).open();
  const worker = (await kernel.call('POST /workers', { name: 'w', capabilities: [] })).json.id;
  const socket = await new TestSocket(`${url}/ws/worker?worker_id=${worker}`).open();
  socket.send({ type: 'ready', slots: 1 });
  await server.kill();
  await expect.poll(async () => (await kernel.call('GET /health')).status, SOON).toBe(503);
  await server.start();
  await expect.poll(async () => (await kernel.call('POST /tasks', { description: 'x' })).status, SOON).toBe(201);
  await socket.message(({ type }) => type === 'assign');
  await watcher.message(({ type }) => type === 'task_assigned');
  const ids = watcher.messages.flatMap(({ id }) => id ?? []);
  expect(ids).toEqual(ids.map((_, n) => n + 1));
});

test('invariant 14: an outage is not held against workers, nor are they lost by it', async () => {
  const { server, kernel } = await scene({ WORKER_HEARTBEAT_INTERVAL: '2' });
  const { call } = kernel;
  const worker = (await call('POST /workers', { name: 'w', capabilities: [] })).json.id;
  const { id } = (await call('POST /tasks', { description: 'x' })).json;
  const [task] = (await call(`POST /workers/${worker}/claim`)).json.tasks;
  await server.kill();
  // Longer than a lease: of time that only passes there is nothing to see.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await server.start();
  await expect.poll(async () => (await call('GET /health')).status, SOON).toBe(200);
  expect((await call(`GET /tasks/${id}`)).json.status).toBe('executing');
  expect((await call(`POST /tasks/${id}/complete`, { lease_token: task.lease.token })).status).toBe(200);
});

/** A master, what follows it, and a way that leads to the one of them that it was last turned to. */
async function masterAndReplica() {
  const master = await RedisServer.start({ 'repl-diskless-sync-delay': '0' });
  onTestFinished(() => master.stop());
  const replica = await RedisServer.start({ replicaof: `127.0.0.1 ${master.port}` });
  onTestFinished(() => replica.stop());
  let serving = master;
  const line = await TcpProxy.start(() => serving.port);
  onTestFinished(() => line.stop());
  const turnTo = (server: RedisServer) => {
    serving = server;
  };
  return { master, replica, line, turnTo };
}

test('what a failover lost is noticed: leases are void, tokens grow on, and every watcher is told', async () => {
  const { master, replica, line, turnTo } = await masterAndReplica();
  const kernel = await startColony({
    ...onRedis({ url: `redis://127.0.0.1:${line.port}` }, randomUUID()),
  });
  const { call } = kernel;
  const url = await kernel.listen();
  const watcher = await new TestSocket(`${url}/ws/events?since=0`).open();
  const worker = (await call('POST /workers', { name: 'w', capabilities: [], max_concurrent_tasks: 9 })).json.id;
  const kept = (await call('POST /tasks', { description: 'kept' })).json.id;
  const claim = async () => (await call(`POST /workers/${worker}/claim`, { max_tasks: 9 })).json.tasks;
  const [first] = await claim();

  // From here on the replica hears nothing; then it takes the master's place.
  const head = async () => (await call('GET /system/stats')).json.kernel.ledger_entries;
  await replica.follows(master);
  await replica.promote();
  const lost = (await call('POST /tasks', { description: 'lost' })).json.id;
  await call(`POST /tasks/${kept}/release`, { lease_token: first.lease.token });
  const held = await claim();
  expect(held.map(({ id }: { id: string }) => id).toSorted()).toEqual([kept, lost].toSorted());
  const before = await head();
  turnTo(replica);
  await master.kill();
  line.cut();

  await watcher.message(({ type }) => type === 'rollback_completed');
  await expect.poll(async () => (await call(`GET /tasks/${kept}`)).json.status, SOON).toBe('queued');
  expect((await call(`GET /tasks/${lost}`)).status).toBe(404);
  // Whatever position a watcher was at: what follows it tells of the loss.
  const told = await new TestSocket(`${url}/ws/events?since=${before}`).open();
  expect(await told.until(({ messages }) => messages[0])).toMatchObject({
    id: before + 1,
    type: 'rollback_completed',
    data: { lost_up_to: before, reason: 'failover' },
  });
  const [again] = await claim();
  expect(again.lease.token).toBeGreaterThan(Math.max(...held.map(({ lease }: JsonValue) => lease.token)));
  for (const { lease } of held) {
    const late = await call(`POST /tasks/${kept}/complete`, { lease_token: lease.token, result: 1 });
    expect(late.json.code).toBe('stale_lease');
  }
  expect((await call('GET /system/audit/verify')).json.valid).toBe(true);
});

test('who waits learns of what happened under numbers that a failover made free again', async () => {
  const { master, replica, line, turnTo } = await masterAndReplica();
  const colony = randomUUID();
  const at = (port: number) => startColony(onRedis({ url: `redis://127.0.0.1:${port}` }, colony));
  const [a, b] = [await at(line.port), await at(line.port)];
  const hire = async () => (await a.call('POST /workers', { name: 'w', capabilities: [] })).json.id;
  const [busy, idle] = [await hire(), await hire()];
  const { id } = (await a.call('POST /tasks', { description: 'x' })).json;
  const [task] = (await a.call(`POST /workers/${busy}/claim`)).json.tasks;
  const awaited = a.call(`GET /tasks/${id}?wait=15`);
  const claimed = b.call(`POST /workers/${idle}/claim`, { wait_seconds: 15 });

  await replica.follows(master);
  await replica.promote();
  const later = Array.from({ length: 20 }, () => ({ description: 'lost', delay_seconds: 3600 }));
  await a.call('POST /tasks/batch', { tasks: later });
  const c = await at(replica.port);
  const lease_token = task.lease.token;
  expect((await c.call(`POST /tasks/${id}/complete`, { lease_token, result: 1 })).status).toBe(200);
  const added = (await c.call('POST /tasks', { description: 'y' })).json.id;
  turnTo(replica);
  await master.kill();
  line.cut();

  const [{ json }, ms] = await timed(() => awaited);
  expect(json).toMatchObject({ id, status: 'completed' });
  expect(ms).toBeLessThan(NO_LONGER_THAN_MS);
  expect((await claimed).json.tasks.map((one: JsonValue) => one.id)).toEqual([added]);
  await expect.poll(async () => (await b.call('GET /system/audit/verify')).json.valid, SOON).toBe(true);
});

const EMPTYINGS: [string, (server: RedisServer) => Promise<unknown>][] = [
  ['comes back empty', (server) => server.kill().then(() => server.start())],
  ['is emptied', (server) => server.ask('FLUSHALL')],
];

test.each(EMPTYINGS)('of a Redis that %s all kernels say so, and nobody waits for what is gone', async (_, empty) => {
  const server = await RedisServer.start({ appendonly: 'no' });
  onTestFinished(() => server.stop());
  const shared = onRedis(server, randomUUID());
  const [a, b] = [await startColony(shared), await startColony(shared)];
  const tasks = Array.from({ length: 400 }, () => ({ description: 'x' }));
  const { id } = (await a.call('POST /tasks/batch', { tasks })).json.tasks[0];
  const before = (await a.call('GET /system/stats')).json.kernel.ledger_entries;
  const watcher = await new TestSocket(`${await b.listen()}/ws/events`).open();
  const awaited = b.call(`GET /tasks/${id}?wait=15`);
  // An answer to what was asked later: the one that waits has looked, too.
  expect((await b.call(`GET /tasks/${id}`)).status).toBe(200);
  await empty(server);
  const [{ status }, ms] = await timed(() => awaited);
  expect(status).toBe(404);
  expect(ms).toBeLessThan(NO_LONGER_THAN_MS);
  expect(await watcher.message(({ id }) => id !== null)).toMatchObject({ id: before + 1, type: 'rollback_completed' });
  for (const { call } of [a, b]) {
    await expect.poll(async () => (await call('POST /tasks', { description: 'x' })).status, SOON).toBe(201);
  }
  const { entries } = (await a.call('GET /system/audit?since=0&limit=1000')).json;
  expect(entries.map((one: JsonValue) => one.id)).toEqual(entries.map((_: JsonValue, n: number) => n + 1));
  expect((await b.call('GET /system/audit/verify')).json.valid).toBe(true);
});

test('a Redis that evicts is refused, and what would be lost is said', async () => {
  const server = await RedisServer.start({ 'maxmemory-policy': 'allkeys-lru', appendfsync: 'everysec' });
  onTestFinished(() => server.stop());
  const on = onRedis(server, randomUUID());
  await expect(startColony(on)).rejects.toThrow(/maxmemory-policy is allkeys-lru.*set maxmemory-policy noeviction/);
  const other = await RedisServer.start({ appendfsync: 'everysec' });
  onTestFinished(() => other.stop());
  const { call } = await startColony({ ...on, COLONY_MEMORY_CONNECTION_STRING: other.url });
  expect((await call('GET /health')).json.durability).toMatch(/loses up to a second/);
});
