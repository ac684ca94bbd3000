import { afterEach, beforeEach, expect, test } from 'vitest';
import { problem, until } from './fake-colony.ts';
import { Hive, holding } from './hive.ts';

const hive = new Hive();
beforeEach(() => hive.open());
afterEach(() => hive.close());

const start: Hive['start'] = (...options) => hive.start(...options);
const status = (id: string) => hive.kernel.tasks.get(id)?.status;
const sent = (type: string) => hive.kernel.messages.filter((message) => message.type === type);

test('a cancel frame aborts the handler, whose slot is free again only when it returns', async () => {
  const { held, handler } = holding();
  await start(handler, { transport: 'socket' });
  const { id } = hive.kernel.add({ description: 'a' });
  await until(() => held.has(id));
  hive.kernel.revoke(id, 'cancelled');
  hive.kernel.push({ type: 'cancel', task_id: id, reason: 'cancelled by ann' });
  await until(() => held.get(id)?.context.signal.aborted === true);
  expect(held.get(id)?.context.signal.reason).toMatchObject({ name: 'AbortError', message: 'cancelled by ann' });
  const next = hive.kernel.add({ description: 'b' });
  held.get(id)?.finish();
  await until(() => held.has(next.id));
  expect(sent('complete')).toEqual([]);
});

test('a broken socket loses nothing: work goes on, results are sent again until acknowledged', async () => {
  const { held, handler } = holding();
  const worker = await start(handler, { transport: 'socket', concurrency: 2 });
  const [a, b] = [hive.kernel.add({ description: 'a' }), hive.kernel.add({ description: 'b' })];
  await until(() => held.size === 2);
  hive.kernel.acknowledging = false;
  held.get(a.id)?.finish('a');
  await until(() => sent('complete').length === 1);
  hive.kernel.hangUp();
  hive.kernel.acknowledging = true;
  held.get(b.id)?.finish('b');
  await until(() => status(a.id) === 'completed' && status(b.id) === 'completed');
  const [heartbeat] = hive.kernel.received('POST', `/workers/${worker.id}/heartbeat`).slice(-1);
  // What is finished but not acknowledged counts as held, or the kernel would have put it back into the queue.
  expect(JSON.parse(heartbeat?.body ?? '').tasks).toEqual(expect.arrayContaining([a.id]));
  expect(sent('complete').filter((message) => message.task_id === a.id)).toHaveLength(2);
});

test('an assignment that got lost with its socket goes back to the queue at the reconnect', async () => {
  const { held, handler } = holding();
  const worker = await start(handler, { transport: 'socket' });
  await until(() => sent('ready').length === 1);
  hive.kernel.hangUp();
  hive.kernel.add({ description: 'a' });
  const [lost] = hive.kernel.claim(worker.id, 1);
  await until(() => held.has(lost?.id ?? ''));
  expect(held.get(lost?.id ?? '')?.context.leaseToken).toBeGreaterThan(lost?.lease.token ?? 0);
});

test('a lease lost while it was away aborts the handler at the reconnect', async () => {
  const { held, handler } = holding();
  await start(handler, { transport: 'socket' });
  const { id } = hive.kernel.add({ description: 'a' });
  await until(() => held.has(id));
  hive.kernel.revoke(id, 'timeout');
  hive.kernel.hangUp();
  await until(() => held.get(id)?.context.signal.aborted === true);
});

test('without sockets it claims by long poll, and goes back to a socket when there is one', async () => {
  hive.kernel.socketsRefused = true;
  await start(() => null);
  const first = hive.kernel.add({ description: 'a' });
  await until(() => status(first.id) === 'completed');
  expect(hive.kernel.received('POST', /claim$/).length).toBeGreaterThan(0);
  hive.kernel.socketsRefused = false;
  await until(() => sent('ready').length > 0);
  const second = hive.kernel.add({ description: 'b' });
  await until(() => status(second.id) === 'completed');
  expect(sent('complete')).toHaveLength(1);
});

test('what happens at the same moment travels in one frame, credit included', async () => {
  await start(() => null, { transport: 'socket', concurrency: 50 });
  await until(() => sent('ready').length === 1);
  hive.kernel.frames = 0;
  const tasks = Array.from({ length: 50 }, () => ({ description: 'a' }));
  const assign = hive.kernel.assign;
  hive.kernel.assign = () => {};
  const added = tasks.map((task) => hive.kernel.add(task));
  hive.kernel.assign = assign;
  hive.kernel.assign();
  await until(() => added.every(({ id }) => status(id) === 'completed'));
  expect(hive.kernel.frames).toBe(1);
  expect(hive.kernel.messages.slice(-1)).toEqual([{ type: 'ready', slots: 50 }]);
});

test('a result too large for a frame goes by HTTP, and one the kernel refuses fails the task', async () => {
  const errors: Error[] = [];
  hive.kernel.intercept = ({ path }) => (path.endsWith('complete') ? problem(413, 'payload_too_large') : undefined);
  await start(() => 'x'.repeat(1_000_000), { transport: 'socket', onError: (error) => errors.push(error) });
  const { id } = hive.kernel.add({ description: 'a' });
  await until(() => status(id) === 'failed');
  expect(hive.kernel.tasks.get(id)?.error).toContain('the result was refused');
  expect(errors).toMatchObject([{ code: 'payload_too_large' }]);
});

test('a drain frame stops it', async () => {
  const worker = await start(() => null, { transport: 'socket' });
  await until(() => sent('ready').length === 1);
  hive.kernel.push({ type: 'drain' });
  await worker.stopped;
  expect(hive.kernel.workers.size).toBe(0);
});

test('it stops also when the kernel is gone', async () => {
  const { held, handler } = holding();
  const worker = await start(handler, { shutdownTimeoutMs: 10 });
  const { id } = hive.kernel.add({ description: 'a' });
  await until(() => held.has(id));
  await hive.kernel.stop();
  await worker.stop();
  await hive.open();
}, 30_000);

test('start fails when the kernel refuses to register it', async () => {
  hive.kernel.token = 'secret';
  await expect(start(() => null)).rejects.toMatchObject({ status: 401 });
});
