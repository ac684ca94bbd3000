import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TaskContext, TaskHandler } from '../src/index.ts';
import { until } from './fake-colony.ts';
import { Hive, holding } from './hive.ts';

const hive = new Hive();
beforeEach(() => hive.open());
afterEach(() => hive.close());

const start: Hive['start'] = (...options) => hive.start(...options);
const status = (id: string) => hive.kernel.tasks.get(id)?.status;
const sent = (type: string) => hive.kernel.messages.filter((message) => message.type === type);

describe.each(['socket', 'poll'] as const)('a worker by %s', (transport) => {
  test('registers as it was described', async () => {
    await start(() => null, { transport, concurrency: 3, attributes: { region: 'eu' } });
    const [worker] = hive.kernel.workers.values();
    expect(worker).toMatchObject({
      name: 'ant',
      capabilities: [{ name: 'dig' }],
      max_concurrent_tasks: 3,
      attributes: { region: 'eu' },
    });
  });

  test('runs tasks and reports results', async () => {
    await start((task) => ({ twice: Number(task.payload) * 2 }), { transport, concurrency: 4 });
    const tasks = Array.from({ length: 50 }, (_, n) => hive.kernel.add({ description: 'double', payload: n }));
    await until(() => tasks.every(({ id }) => status(id) === 'completed'));
    expect(tasks.map(({ id }) => hive.kernel.tasks.get(id)?.result)).toEqual(tasks.map((_, n) => ({ twice: n * 2 })));
  });

  test('never runs more at once than its concurrency', async () => {
    let now = 0;
    let most = 0;
    const handler = async () => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
    };
    await start(handler, { transport, concurrency: 3 });
    const tasks = Array.from({ length: 30 }, () => hive.kernel.add({ description: 'a' }));
    await until(() => tasks.every(({ id }) => status(id) === 'completed'));
    expect(most).toBe(3);
  });

  test('a thrown error fails the task with message and trace', async () => {
    await start(() => Promise.reject(new Error('no shovel')), { transport });
    const { id } = hive.kernel.add({ description: 'a' });
    await until(() => status(id) === 'failed');
    expect(hive.kernel.tasks.get(id)?.error).toBe('no shovel');
    const report =
      transport === 'socket' ? sent('fail')[0] : JSON.parse(hive.kernel.received('POST', /fail$/)[0]?.body ?? '');
    expect(report).toMatchObject({
      error: 'no shovel',
      retryable: true,
      error_trace: expect.stringContaining('worker.test'),
    });
  });

  test('an error too long to send is cut, and reported', async () => {
    await start(() => Promise.reject(new Error('\u0001'.repeat(2_000_000))), { transport });
    const { id } = hive.kernel.add({ description: 'a' });
    await until(() => status(id) === 'failed');
    expect(hive.kernel.tasks.get(id)?.error).toMatch(/characters cut\)$/);
    const report = transport === 'socket' ? sent('fail')[0] : hive.kernel.received('POST', /fail$/)[0]?.body;
    expect(JSON.stringify(report).length).toBeLessThan(1_000_000);
  });

  test('an error that says so is not retried, nor is a result that is not JSON', async () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const handler: TaskHandler = (task) => {
      if (task.payload === 'circular') return circular;
      throw Object.assign(new Error('never'), { retryable: false });
    };
    await start(handler, { transport });
    const ids = ['circular', 'thrown'].map((payload) => hive.kernel.add({ description: 'a', payload }).id);
    await until(() => ids.every((id) => status(id) === 'failed'));
    const reports =
      transport === 'socket' ? sent('fail') : hive.kernel.received('POST', /fail$/).map(({ body }) => JSON.parse(body));
    expect(reports.map(({ retryable }) => retryable)).toEqual([false, false]);
  });

  test('reports progress, and learns from a refusal that the task is not its any more', async () => {
    const { held, handler } = holding();
    await start(handler, { transport });
    const { id } = hive.kernel.add({ description: 'a' });
    await until(() => held.has(id));
    const context = held.get(id)?.context as TaskContext;
    context.progress(0.5, 'half');
    await until(() => hive.kernel.tasks.get(id)?.progress?.fraction === 0.5);
    hive.kernel.revoke(id, 'cancelled');
    expect(context.signal.aborted).toBe(false);
    context.progress(0.6);
    await until(() => context.signal.aborted);
    held.get(id)?.finish('too late');
    const next = hive.kernel.add({ description: 'b' });
    await until(() => held.has(next.id));
    expect(status(id)).toBe('cancelled');
  });

  test('registers anew when the kernel has forgotten it', async () => {
    const { held, handler } = holding();
    const worker = await start(handler, { transport, concurrency: 2 });
    const first = worker.id;
    const { id } = hive.kernel.add({ description: 'a' });
    await until(() => held.has(id));
    hive.kernel.workers.clear();
    hive.kernel.revoke(id, 'cancelled');
    hive.kernel.hangUp();
    await until(() => worker.id !== first);
    expect(held.get(id)?.context.signal.aborted).toBe(true);
    hive.kernel.revoke(id, 'queued');
    hive.kernel.assign();
    await until(() => hive.kernel.held(worker.id).length === 1);
  });

  test('stops once its handlers have finished and their results have arrived, and unregisters', async () => {
    const { held, handler } = holding();
    const worker = await start(handler, { transport, shutdownTimeoutMs: 5_000 });
    const { id } = hive.kernel.add({ description: 'a' });
    await until(() => held.has(id));
    const stopped = worker.stop();
    expect(worker.stop()).toBe(stopped);
    const waiting = hive.kernel.add({ description: 'b' });
    held.get(id)?.finish('done');
    await stopped;
    expect(hive.kernel.tasks.get(id)).toMatchObject({ status: 'completed', result: 'done' });
    expect(status(waiting.id)).toBe('queued');
    expect(hive.kernel.workers.size).toBe(0);
    await worker.stopped;
  });

  test('releases what does not finish in time', async () => {
    const { held, handler } = holding();
    const worker = await start(handler, { transport, shutdownTimeoutMs: 20 });
    const { id } = hive.kernel.add({ description: 'a' });
    await until(() => held.has(id));
    await worker.stop();
    expect(held.get(id)?.context.signal.aborted).toBe(true);
    expect(status(id)).toBe('queued');
    expect(hive.kernel.received('DELETE', /workers/)).toHaveLength(1);
  });
});
