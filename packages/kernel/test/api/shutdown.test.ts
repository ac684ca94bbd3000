import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { arrived, lasting, startColony, TestSocket } from './harness.ts';

test('long polls are answered, watchers see the end, workers are told', async () => {
  const colony = await startColony();
  const url = await colony.listen();
  const { id } = (await colony.call('POST /workers', { name: 'w' })).json;
  const task = (await colony.call('POST /tasks', { description: 'x', delay_seconds: 60 })).json;
  const watcher = await new TestSocket(`${url}/ws/events`).open();
  const worker = await new TestSocket(`${url}/ws/worker?worker_id=${id}`).open();
  const sse = await fetch(`${url}/events`);
  const wait = fetch(`${url}/tasks/${task.id}?wait=60`);
  const claim = await arrived(colony, id, () =>
    fetch(`${url}/workers/${id}/claim`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"wait_seconds":60}',
    }),
  );

  // Nobody is waited for until they are cut off, which is after 4 s.
  expect(await lasting(colony.stop)).toBeLessThan(2000);
  expect(await (await claim.answer).json()).toEqual({ tasks: [] });
  expect(await (await wait).json()).toMatchObject({ status: 'pending' });
  expect(await watcher.until(({ closed }) => closed)).toMatchObject({ code: 1001 });
  expect(await worker.until(({ closed }) => closed)).toMatchObject({ code: 1001 });
  await sse.text();
}, 60_000);

test('a client that neither speaks nor listens does not hold it up', async () => {
  const colony = await startColony();
  const { port } = new URL(await colony.listen());
  const silent = connect(Number(port), '127.0.0.1');
  const halfway = connect(Number(port), '127.0.0.1');
  for (const socket of [silent, halfway]) socket.on('error', () => {});
  const begin =
    'POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{';
  await new Promise((resolve) => halfway.write(begin, resolve));
  expect(await lasting(colony.stop)).toBeLessThan(8000);
}, 60_000);

test('stopping twice is stopping once', async () => {
  const colony = await startColony();
  await colony.listen();
  await Promise.all([colony.stop(), colony.stop()]);
});

test('watchers see that the kernel stopped', async () => {
  const colony = await startColony();
  const url = await colony.listen();
  const watcher = await new TestSocket(`${url}/ws/events`).open();
  const sse = await fetch(`${url}/events`);
  await colony.stop();
  await watcher.until(({ closed }) => closed);
  expect(watcher.messages.at(-1)).toMatchObject({ type: 'kernel_stopped' });
  expect(await sse.text()).toContain('kernel_stopped');
});
