import { expect, test } from 'vitest';
import { type Harness, type JsonValue, startColony, TestSocket } from './harness.ts';

const submit = async ({ call }: Harness, task: object = {}): Promise<string> =>
  (await call('POST /tasks', { description: 'x', ...task })).json.id;

async function connect(env: Record<string, string> = {}, worker: object = {}) {
  const colony = await startColony(env);
  const url = await colony.listen();
  const { id } = (await colony.call('POST /workers', { name: 'bee', max_concurrent_tasks: 10, ...worker })).json;
  const socket = await new TestSocket(`${url}/ws/worker?worker_id=${id}`).open();
  return {
    colony,
    url,
    id,
    socket,
    status: async (task: string) => (await colony.call(`GET /tasks/${task}`)).json.status,
  };
}

const assigned = (socket: TestSocket, taskId: string): Promise<JsonValue> =>
  socket.message((message) => message.type === 'assign' && message.task.id === taskId);

test('tasks come while there is credit', async () => {
  const { colony, socket, id } = await connect();
  const first = await submit(colony);
  socket.send({ type: 'ready', slots: 2 });
  const { task } = await assigned(socket, first);
  expect(task).toMatchObject({ status: 'executing', assigned_worker: id, lease: { token: 1 } });
  const second = await submit(colony);
  await assigned(socket, second);
  const third = await submit(colony);
  socket.send({ type: 'ready', slots: 0, ref: 'r' });
  await socket.message(({ type, ref }) => type === 'ack' && ref === 'r');
  expect((await colony.call(`GET /tasks/${third}`)).json.status).toBe('queued');
});

test('outcomes are acknowledged when they are durable', async () => {
  const { colony, socket, status } = await connect();
  const [done, failed, back] = [await submit(colony), await submit(colony), await submit(colony)];
  socket.send({ type: 'ready', slots: 3 });
  await assigned(socket, back);
  socket.send(
    { type: 'progress', task_id: done, lease_token: 1, fraction: 0.5, ref: 'p' },
    { type: 'complete', task_id: done, lease_token: 1, result: { ok: true }, ref: 1 },
    { type: 'fail', task_id: failed, lease_token: 1, error: 'no' },
    { type: 'release', task_id: back, lease_token: 1, ref: 'b' },
  );
  expect(await socket.message(({ type, ref }) => type === 'ack' && ref === 'p')).toMatchObject({ task_id: done });
  expect(await socket.message(({ type, ref }) => type === 'ack' && ref === 1)).toMatchObject({ task_id: done });
  expect(await socket.message(({ type, task_id }) => type === 'ack' && task_id === failed)).toMatchObject({
    ref: null,
  });
  await socket.message(({ type, ref }) => type === 'ack' && ref === 'b');
  expect([await status(done), await status(failed), await status(back)]).toEqual(['completed', 'failed', 'queued']);
});

test('what is wrong is told, and the socket goes on', async () => {
  const { colony, socket } = await connect();
  const id = await submit(colony);
  const refused = async (message: object, code: string) => {
    socket.messages.length = 0;
    socket.send(message);
    expect(await socket.message(({ type }) => type === 'error')).toMatchObject({ code, detail: expect.any(String) });
  };
  await refused({ type: 'complete', task_id: id, lease_token: 1, ref: 'x' }, 'stale_lease');
  expect(socket.messages[0].ref).toBe('x');
  await refused({ type: 'complete', task_id: 'nobody', lease_token: 1 }, 'task_not_found');
  await refused({ type: 'complete', task_id: id }, 'validation_failed');
  await refused({ type: 'complete', lease_token: 1 }, 'validation_failed');
  await refused({ type: 'ready' }, 'validation_failed');
  await refused({ type: 'ready', slots: -1 }, 'validation_failed');
  await refused({ type: 'dance' }, 'validation_failed');
  await refused([null] as object, 'validation_failed');
  socket.socket.send('{"broken');
  await socket.message(({ code }) => code === 'malformed_json');
  socket.send({ type: 'ready', slots: 1 });
  await assigned(socket, id);
});

test('a cancelled task is taken away', async () => {
  const { colony, socket } = await connect();
  const id = await submit(colony);
  socket.send({ type: 'ready', slots: 1 });
  await assigned(socket, id);
  await colony.call(`DELETE /tasks/${id}`);
  expect(await socket.message(({ type }) => type === 'cancel')).toMatchObject({
    task_id: id,
    reason: expect.any(String),
  });
});

test('a heartbeat that names its tasks gives the rest back', async () => {
  const { colony, socket, status } = await connect();
  const id = await submit(colony);
  socket.send({ type: 'ready', slots: 1 });
  await assigned(socket, id);
  socket.send({ type: 'heartbeat', tasks: [], ref: 'h' });
  await socket.message(({ type, ref }) => type === 'ack' && ref === 'h');
  expect(await status(id)).toBe('queued');
});

test('draining is told', async () => {
  const { colony, socket, id } = await connect();
  const task = await submit(colony);
  socket.send({ type: 'ready', slots: 1 });
  await assigned(socket, task);
  await colony.call(`DELETE /workers/${id}?drain=true`);
  await socket.message(({ type }) => type === 'drain');
});

test('who is unregistered is not told to drain: the socket is closed, after what is left to say', async () => {
  const { colony, socket, id, status } = await connect();
  const task = await submit(colony);
  socket.send({ type: 'ready', slots: 1 });
  await assigned(socket, task);
  const closed = new Promise((resolve) =>
    socket.socket.once('close', (code, reason) => resolve([code, String(reason)])),
  );
  await colony.call(`DELETE /workers/${id}`);
  expect(await closed).toEqual([1008, 'worker_not_found']);
  await socket.message(({ type, task_id }) => type === 'cancel' && task_id === task);
  expect(socket.messages.some(({ type }) => type === 'drain')).toBe(false);
  expect(await status(task)).toBe('queued');
});

test('a draining worker that gives back its last task hears that it arrived', async () => {
  const { colony, socket, id } = await connect();
  const task = await submit(colony);
  socket.send({ type: 'ready', slots: 1 });
  const { lease } = (await assigned(socket, task)).task;
  await colony.call(`DELETE /workers/${id}?drain=true`);
  await socket.message(({ type }) => type === 'drain');
  socket.send({ type: 'complete', task_id: task, lease_token: lease.token, result: 1, ref: 'last' });
  await socket.message(({ type, ref }) => type === 'ack' && ref === 'last');
});

test('draining is told once, however often it is asked for and until the worker is gone', async () => {
  const { colony, socket, id } = await connect();
  const [first, second] = [await submit(colony), await submit(colony)];
  socket.send({ type: 'ready', slots: 2 });
  await assigned(socket, first);
  await assigned(socket, second);
  for (let n = 0; n < 2; n++) await colony.call(`DELETE /workers/${id}?drain=true`);
  for (const task_id of [first, second]) socket.send({ type: 'complete', task_id, lease_token: 1, result: 1 });
  await socket.until(({ closed }) => closed);
  expect(socket.messages.filter(({ type }) => type === 'drain')).toHaveLength(1);
  expect(socket.closed).toEqual({ code: 1008, reason: 'worker_not_found' });
});

test('an open socket keeps its leases alive, a closed one loses nothing at once', async () => {
  const { colony, socket, status, id: worker } = await connect({ WORKER_HEARTBEAT_INTERVAL: '0.3' });
  const id = await submit(colony);
  socket.send({ type: 'ready', slots: 1 });
  await assigned(socket, id);
  // Four leases long it says nothing, and is only heard of by answering pings.
  const heardOf = async () => Date.parse((await colony.call(`GET /workers/${worker}`)).json.last_heartbeat);
  const before = await heardOf();
  await expect.poll(async () => (await heardOf()) - before, { timeout: 5000 }).toBeGreaterThan(1200);
  expect(await status(id)).toBe('executing');
  socket.socket.terminate();
  expect(await status(id)).toBe('executing');
  await expect.poll(() => status(id), { timeout: 3000 }).toBe('queued');
});

test('invariant 7: an open socket that answers no pings loses its lease like any silent worker', async () => {
  const { colony, socket, status } = await connect({ WORKER_HEARTBEAT_INTERVAL: '0.3' });
  const id = await submit(colony);
  socket.send({ type: 'ready', slots: 1 });
  await assigned(socket, id);
  socket.socket.pong = () => undefined;
  await expect.poll(() => status(id), { timeout: 2300 }).toBe('queued');
  expect(socket.socket.readyState).toBe(socket.socket.OPEN);
});

test('another socket of the same worker takes over', async () => {
  const { colony, socket, url, id } = await connect();
  socket.send({ type: 'ready', slots: 5, ref: 'r' });
  await socket.message(({ ref }) => ref === 'r');
  const other = await new TestSocket(`${url}/ws/worker?worker_id=${id}`).open();
  other.send({ type: 'ready', slots: 5, ref: 'r' });
  await other.message(({ ref }) => ref === 'r');
  const task = await submit(colony);
  await assigned(other, task);
  expect(socket.messages.some(({ type }) => type === 'assign')).toBe(false);
});

test('many tasks travel together', async () => {
  const { colony, socket } = await connect({ MAX_CONCURRENT_TASKS: '0' }, { max_concurrent_tasks: 200 });
  const frames: number[] = [];
  socket.socket.on('message', (data) => {
    const message = JSON.parse(data.toString());
    frames.push(Array.isArray(message) ? message.length : 1);
  });
  const tasks = Array.from({ length: 200 }, () => ({ description: 'x' }));
  await colony.call('POST /tasks/batch', { tasks });
  socket.send({ type: 'ready', slots: 200 });
  await socket.until(({ messages }) => messages.length === 200);
  socket.send(
    ...socket.messages.map(({ task }) => ({ type: 'complete', task_id: task.id, lease_token: 1, ref: task.id })),
  );
  await socket.until(({ messages }) => messages.length === 400);
  expect(frames.length).toBeLessThan(20);
});

test.each([
  ['', 422, 'validation_failed'],
  ['?worker_id=', 422, 'validation_failed'],
  ['?worker_id=nobody', 404, 'worker_not_found'],
])('/ws/worker%s is answered %i before the upgrade', async (query, status, code) => {
  const colony = await startColony();
  const { refused } = await new TestSocket(`${await colony.listen()}/ws/worker${query}`).open();
  expect(refused).toMatchObject({ status, json: { code } });
});
