/** A worker's socket is closed when the worker is gone, and not before it was told what became of what it had said. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { noSuchWorker } from '../src/body/decide/missing.ts';
import { WorkerDesk } from '../src/body/worker-desk.ts';
import { RedisStore } from '../src/store/redis/store.ts';
import { after } from '../src/testing/meddling.ts';
import { RedisServer } from '../src/testing/redis-server.ts';
import { type Harness, type JsonValue, onRedis, startColony, TestSocket } from './api/harness.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

const GONE = { code: 1008, reason: 'worker_not_found' };

/** A worker at its socket, with a task that it was given. */
async function atWork(kernel: Harness): Promise<{ url: string; worker: string; socket: TestSocket; task: JsonValue }> {
  const url = await kernel.listen();
  const worker = (await kernel.call('POST /workers', { name: 'w', capabilities: [] })).json.id;
  const socket = await new TestSocket(`${url}/ws/worker?worker_id=${worker}`).open();
  socket.send({ type: 'ready', slots: 1 });
  await kernel.call('POST /tasks', { description: 'x' });
  const { task } = await socket.message(({ type }) => type === 'assign');
  return { url, worker, socket, task };
}

function completed({ id, lease }: JsonValue, ref: number) {
  return { type: 'complete', ref, task_id: id, lease_token: lease.token, result: 1 };
}

test('when the ledger tells that a worker is gone before the store has answered it, the answer goes first', async () => {
  const kernel = await startColony(onRedis(server, randomUUID()));
  const { url, worker, socket, task } = await atWork(kernel);
  await kernel.call(`DELETE /workers/${worker}?drain=true`);
  const watcher = await new TestSocket(`${url}/ws/events`).open();
  // What it completes is its last: with that it is gone, and everybody hears of it.
  const told = () => watcher.message(({ type }) => type === 'worker_unregistered');
  after(RedisStore.prototype, 'commit', told, ([unit]) => unit!.events.some(({ type }) => type === 'task_completed'));
  socket.send(completed(task, 1));
  await socket.until(({ closed }) => closed);
  expect(socket.messages.at(-1)).toEqual({ type: 'ack', ref: 1, task_id: task.id });
  expect(socket.closed).toEqual(GONE);
});

test('a worker that nobody knows is answered what it said, and then its socket is closed', async () => {
  const kernel = await startColony(onRedis(server, randomUUID()));
  const { socket, task } = await atWork(kernel);
  const touch = vi.spyOn(WorkerDesk.prototype, 'touch').mockResolvedValue(noSuchWorker('gone'));
  onTestFinished(() => touch.mockRestore());
  // Not every frame is taken for a sign of life: it says the same until one is.
  let ref = 0;
  while (touch.mock.calls.length === 0) {
    socket.send(completed(task, ++ref));
    await socket.until(({ closed, messages }) => closed ?? messages.find((message) => message.ref === ref));
  }
  expect(socket.messages.at(-1)).toEqual({ type: 'ack', ref, task_id: task.id });
  await socket.until(({ closed }) => closed);
  expect(socket.closed).toEqual(GONE);
});
