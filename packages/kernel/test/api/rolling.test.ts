/** What is answered while a rollback is under way: that it is so, and to come again. Nobody is told that he is unknown. */
import { expect, test, vi } from 'vitest';
import { type Harness, startColony, TestSocket } from './harness.ts';

const COME_AGAIN = { status: 503, json: { code: 'storage_unavailable' } };

/** A colony in which a rollback is under way until it is ended by hand; and a worker that was given up before that. */
async function scene() {
  const colony = await startColony();
  const { call, kernel } = colony;
  vi.spyOn(kernel.checkpoints, 'tend').mockResolvedValue(null);
  const { id } = (await call('POST /workers', { name: 'bee', max_concurrent_tasks: 5 })).json;
  const url = `${await colony.listen()}/ws/worker?worker_id=${id}`;
  const connected = await new TestSocket(url).open();
  // By way of the kernel: one that alone writes to its store does not look there for what others have done.
  const roll = (rolling: boolean) =>
    kernel.checkpoints.book.commit('kernel', async (prev) => ({
      puts: [{ kind: 'saving', prev, next: { number: 1, rolling } }],
      answer: null,
    }));
  return { ...colony, id, url, connected, begin: () => roll(true), end: () => roll(false) };
}

async function lose({ kernel, id }: Harness & { id: string }): Promise<void> {
  await kernel.execute({ kind: 'lose_worker', actor: 'kernel', workerId: id });
}

test('a worker that comes back by a heartbeat is told to come again', async () => {
  const colony = await scene();
  const { call, id, begin, end } = colony;
  await lose(colony);
  await begin();
  const answer = await call(`POST /workers/${id}/heartbeat`);
  expect(answer).toMatchObject(COME_AGAIN);
  expect(answer.headers['retry-after']).toBe('1');
  await end();
  expect((await call(`POST /workers/${id}/heartbeat`)).status).toBe(204);
});

test('a worker that comes back by a socket is told to come again', async () => {
  const colony = await scene();
  await lose(colony);
  await colony.begin();
  const refused = await new TestSocket(colony.url).until((socket) => socket.refused);
  expect(refused).toMatchObject(COME_AGAIN);
  expect(refused.headers['retry-after']).toBe('1');
  await colony.end();
  await new TestSocket(colony.url).open();
});

test('a worker that is heard of again on its socket keeps that', async () => {
  const colony = await scene();
  const { connected, begin, end, kernel, id } = colony;
  await lose(colony);
  await begin();
  const touch = vi.spyOn(kernel.workers, 'touch');
  connected.send({ type: 'complete', ref: 1, task_id: 'x', lease_token: 1 });
  const answer = await connected.until(({ messages }) => messages.find(({ ref }) => ref === 1));
  expect(answer).toMatchObject({ type: 'error', code: 'storage_unavailable' });
  expect(await touch.mock.results[0]!.value).toMatchObject({ code: 'storage_unavailable' });
  await end();
  await vi.waitFor(async () => {
    connected.send({ type: 'ready', slots: 1 });
    expect((await kernel.store.worker(id))!.offline).toBe(false);
  });
  expect(connected.closed).toBeNull();
});

test('whoever retries many tasks is told to come again, rather than that there were none', async () => {
  const { call, begin, end } = await scene();
  // In few commits: after many in a row a kernel that is alone does not ask how things stand, and this goes behind its back.
  const { tasks } = (await call('POST /tasks/batch', { tasks: Array(3).fill({ description: 'x' }) })).json;
  await Promise.all(tasks.map(({ id }: { id: string }) => call(`DELETE /tasks/${id}`)));
  await begin();
  const retry = () => call('POST /tasks/retry', { status: 'cancelled' });
  const answer = await retry();
  expect(answer).toMatchObject(COME_AGAIN);
  expect(answer.headers['retry-after']).toBe('1');
  await end();
  expect(await retry()).toMatchObject({ status: 200, json: { retried: 3 } });
});
