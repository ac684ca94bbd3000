/** Two kernels on one Redis are one colony, whichever of them is asked. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RedisServer } from '../src/testing/redis-server.ts';
import { type Harness, type JsonValue, onRedis, startColony, TestSocket } from './api/harness.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

async function two(env: Record<string, string> = {}): Promise<[Harness, Harness]> {
  const shared = { ...onRedis(server, randomUUID()), MAX_CONCURRENT_TASKS: '0', ...env };
  return [await startColony(shared), await startColony(shared)];
}

async function hire(kernel: Harness, slots = 1): Promise<string> {
  const about = { name: 'w', capabilities: [], max_concurrent_tasks: slots };
  return (await kernel.call('POST /workers', about)).json.id;
}

async function submit(kernel: Harness, task: Record<string, unknown> = {}): Promise<string> {
  const { status, json } = await kernel.call('POST /tasks', { description: 'x', ...task });
  expect(status).toBe(201);
  return json.id;
}

async function claim(kernel: Harness, worker: string, max = 1, wait = 0): Promise<JsonValue[]> {
  const answer = await kernel.call(`POST /workers/${worker}/claim`, { max_tasks: max, wait_seconds: wait });
  return answer.json.tasks;
}

async function statusOf(kernel: Harness, id: string): Promise<string> {
  return (await kernel.call(`GET /tasks/${id}`)).json.status;
}

function complete(kernel: Harness, { id, lease }: JsonValue) {
  return kernel.call(`POST /tasks/${id}/complete`, { lease_token: lease.token, result: 1 });
}

test('a task handed in at one is claimed at the other and completed at either', async () => {
  const [a, b] = await two();
  const worker = await hire(a, 2);
  for (const [first, second] of [
    [a, b],
    [b, a],
  ] as const) {
    const id = await submit(first);
    const [task] = await claim(second, worker);
    expect(task.id).toBe(id);
    expect((await complete(first, task)).status).toBe(200);
    expect(await statusOf(second, id)).toBe('completed');
  }
});

test('a claim that waits at one is woken by a submit at the other', async () => {
  const [a, b] = await two();
  const waiting = claim(b, await hire(b), 1, 15);
  const id = await submit(a);
  expect((await waiting).map((task) => task.id)).toEqual([id]);
});

test('a claim that waits at one gets the slot that is freed at the other', async () => {
  const [a, b] = await two();
  const worker = await hire(b);
  await submit(a);
  const second = await submit(a);
  const [task] = await claim(b, worker);
  const waiting = claim(b, worker, 1, 15);
  await complete(a, task);
  expect((await waiting).map(({ id }) => id)).toEqual([second]);
});

test('invariant 2: one key used at both at once is one task', async () => {
  const [a, b] = await two();
  for (let round = 0; round < 10; round++) {
    const headers = { 'idempotency-key': `k${round}` };
    const answers = await Promise.all(
      [a, b, a, b].map((kernel) => kernel.call('POST /tasks', { description: 'x' }, headers)),
    );
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1);
  }
  expect((await a.call('GET /system/stats')).json.tasks.queued).toBe(10);
});

test('invariant 12: watchers of both see one ledger, and go on at the other where the first one stopped', async () => {
  const [a, b] = await two();
  const [atA, atB] = [await a.listen(), await b.listen()];
  const sockets = [
    await new TestSocket(`${atA}/ws/events?since=0`).open(),
    await new TestSocket(`${atB}/ws/events?since=0`).open(),
  ];
  for (let n = 0; n < 20; n++) await Promise.all([submit(a), submit(b)]);
  const last = (await a.call('GET /system/stats')).json.kernel.ledger_entries;
  const [first, second] = await Promise.all(
    sockets.map((socket) => socket.until(({ messages }) => messages.length >= last && messages)),
  );
  expect(first!.map(({ id }) => id)).toEqual(Array.from({ length: last }, (_, n) => n + 1));
  expect(second).toEqual(first);

  await a.stop();
  await submit(b);
  const resumed = await new TestSocket(`${atB}/ws/events?since=${last}`).open();
  await resumed.message(({ type }) => type === 'task_submitted');
  expect(resumed.messages.map(({ type }) => type)).toEqual(['kernel_stopped', 'task_validated', 'task_submitted']);
  expect((await b.call('GET /system/audit/verify')).json).toMatchObject({ valid: true, entries: last + 3 });
});

test('a worker on a socket of one is told what the other does to its task', async () => {
  const [a, b] = await two();
  const worker = await hire(a);
  const socket = await new TestSocket(`${await b.listen()}/ws/worker?worker_id=${worker}`).open();
  socket.send({ type: 'ready', slots: 1 });
  const id = await submit(a);
  await socket.message(({ type }) => type === 'assign');
  expect((await a.call(`DELETE /tasks/${id}`)).status).toBe(204);
  expect(await socket.message(({ type }) => type === 'cancel')).toMatchObject({ task_id: id, reason: 'cancelled' });
  await a.call(`DELETE /workers/${worker}?drain=true`);
  await socket.message(({ type }) => type === 'drain');
});

test('who waits at one for a task to end learns that it did at the other', async () => {
  const [a, b] = await two();
  const id = await submit(a);
  const waiting = b.call(`GET /tasks/${id}?wait=15`);
  const [task] = await claim(a, await hire(a));
  await complete(a, task);
  expect((await waiting).json).toMatchObject({ id, status: 'completed' });
});

test('ephemeral events of one are seen at the other', async () => {
  const [a, b] = await two();
  const socket = await new TestSocket(`${await b.listen()}/ws/events?types=worker_heartbeat`).open();
  const worker = await hire(a);
  await expect
    .poll(async () => {
      await a.call(`POST /workers/${worker}/heartbeat`);
      return socket.messages.length;
    })
    .toBeGreaterThan(0);
  expect(socket.messages[0]).toMatchObject({ type: 'worker_heartbeat', data: { worker_id: worker } });
  expect((await b.call(`GET /workers/${worker}`)).json.status).toBe('idle');
});

describe('leases', () => {
  const lease = { WORKER_HEARTBEAT_INTERVAL: '1' };

  test('invariant 7: a worker nobody hears of loses its task, wherever it was', async () => {
    const [a, b] = await two(lease);
    const worker = await hire(a);
    const id = await submit(b);
    await claim(b, worker);
    await expect.poll(() => statusOf(a, id), { timeout: 5000 }).toBe('queued');
    expect((await a.call(`GET /workers/${worker}`)).json.status).toBe('offline');
    // It comes back at either, under its own name.
    expect((await b.call(`POST /workers/${worker}/heartbeat`)).status).toBe(204);
    expect((await a.call(`GET /workers/${worker}`)).json.status).toBe('idle');
  });

  test('a worker that is heard of at one kernel after the other keeps its task', async () => {
    const [a, b] = await two(lease);
    const worker = await hire(a);
    const id = await submit(a);
    await claim(b, worker);
    for (let beat = 0; beat < 12; beat++) {
      // Often enough for a lease, as a worker does it; all of them together outlast several.
      await new Promise((resolve) => setTimeout(resolve, 300));
      await (beat % 2 ? a : b).call(`POST /workers/${worker}/heartbeat`);
    }
    expect(await statusOf(a, id)).toBe('executing');
    // Each of them knows when the worker was heard of at the other.
    await a.call(`POST /workers/${worker}/heartbeat`);
    const heard = async (kernel: Harness) =>
      Date.parse((await kernel.call(`GET /workers/${worker}`)).json.last_heartbeat);
    const at = await heard(a);
    await expect.poll(async () => Math.abs((await heard(b)) - at)).toBeLessThan(500);
  });

  test('when the kernel that sweeps is gone another one does', async () => {
    const [a, b] = await two(lease);
    const worker = await hire(b);
    const id = await submit(b);
    await claim(b, worker);
    await a.stop();
    const later = await submit(b, { delay_seconds: 0.2, priority: 0 });
    await expect.poll(() => statusOf(b, id), { timeout: 5000 }).toBe('queued');
    await expect.poll(() => statusOf(b, later)).toBe('queued');
  });
});

test('time that a task waits for passes wherever it was handed in', async () => {
  const [a, b] = await two();
  const ids = [await submit(a, { delay_seconds: 0.1 }), await submit(b, { delay_seconds: 0.1 })];
  for (const id of ids) await expect.poll(() => statusOf(a, id)).toBe('queued');
});

test('MAX_CONCURRENT_TASKS holds for the whole colony, and is used up', async () => {
  const [a, b] = await two({ MAX_CONCURRENT_TASKS: '3' });
  const [atA, atB] = [await hire(a, 20), await hire(b, 20)];
  for (let n = 0; n < 12; n++) await submit(n % 2 ? a : b);
  let done = 0;
  while (done < 12) {
    const [first, second] = await Promise.all([claim(a, atA, 20), claim(b, atB, 20)]);
    const running = [...first, ...second];
    expect(running).toHaveLength(3);
    await Promise.all(running.map((task, n) => complete(n % 2 ? a : b, task)));
    done += running.length;
  }
});

test('both claim from one queue, and each task is given once', async () => {
  const [a, b] = await two();
  const [atA, atB] = [await hire(a, 100), await hire(b, 100)];
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) {
    const { json } = await a.call('POST /tasks/batch', { tasks: Array(20).fill({ description: 'x' }) });
    ids.push(...json.tasks.map(({ id }: { id: string }) => id));
  }
  const given: JsonValue[] = [];
  while (given.length < 100) {
    const claims = Array.from({ length: 6 }, (_, n) => (n % 2 ? claim(a, atA, 5) : claim(b, atB, 5)));
    given.push(...(await Promise.all(claims)).flat());
  }
  expect(given.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  expect(given.every(({ lease }) => lease.token === 1)).toBe(true);
});

test('a task that is handed in while what it depends on ends elsewhere is not stranded', async () => {
  const [a, b] = await two();
  const worker = await hire(a);
  for (let round = 0; round < 25; round++) {
    await submit(a, { priority: 10 });
    const [task] = await claim(a, worker);
    const dependent = { description: 'y', depends_on: [task.id] };
    const [ended, ...added] = await Promise.all([
      complete(a, task),
      ...Array.from({ length: 3 }, () => b.call('POST /tasks', dependent)),
    ]);
    expect(ended.status).toBe(200);
    for (const { json } of added) expect(await statusOf(a, json.id)).toBe('queued');
  }
});

test('a schedule fires once at each due time, whichever kernel looks, also when the one that does so stops', async () => {
  const [a, b] = await two();
  const task = { description: 'tick' };
  const { id } = (await b.call('POST /schedules', { name: 'tick', every_seconds: 1, overlap: 'queue', task })).json;
  const fired = async () => (await b.call(`GET /schedules/${id}`)).json.fired as number;
  await expect.poll(fired, { timeout: 10_000 }).toBeGreaterThan(1);
  await a.stop();
  const before = await fired();
  await expect.poll(fired, { timeout: 15_000 }).toBeGreaterThan(before + 1);
  const { entries } = (await b.call('GET /system/audit?event_type=schedule_fired')).json;
  const dues = entries.map(({ details }: JsonValue) => Date.parse(details.due_at));
  const steps = dues.slice(1).map((due: number, n: number) => due - dues[n]);
  expect(steps.every((step: number) => step > 0 && step % 1000 === 0)).toBe(true);
  expect(new Set(entries.map(({ details }: JsonValue) => details.task_id)).size).toBe(dues.length);
  const tasks = (await b.call('GET /tasks?limit=1000')).json as JsonValue[];
  expect(tasks.length).toBeGreaterThanOrEqual(dues.length);
});
