import { afterEach, beforeEach, expect, test } from 'vitest';
import { ColonyClient, ColonyError } from '../src/index.ts';
import { problem } from './fake-colony.ts';
import { FakeKernel } from './fake-kernel.ts';

let kernel: FakeKernel;
let client: ColonyClient;
beforeEach(async () => {
  kernel = await FakeKernel.start();
  client = new ColonyClient({ url: kernel.url });
});
afterEach(() => kernel.stop());

const batches = () =>
  kernel.received('POST', '/tasks/batch').map(({ body }) => JSON.parse(body).tasks.length as number);
const many = (n: number, more: object = {}) =>
  Array.from({ length: n }, (_, i) => ({ description: `task ${i}`, ...more }));

test('submits of the same moment travel in one request, each with its own outcome', async () => {
  const submits = ['a', '', 'c'].map((description) => client.submit({ description }));
  const [a, b, c] = await Promise.allSettled(submits);
  expect(batches()).toEqual([3]);
  expect(a).toMatchObject({ status: 'fulfilled', value: { description: 'a' } });
  expect(b).toMatchObject({ reason: expect.any(ColonyError) });
  expect(b).toMatchObject({ reason: { status: 422, code: 'validation_failed' } });
  expect(c).toMatchObject({ status: 'fulfilled', value: { description: 'c' } });
});

test('lone submits leave at once; the more are under way, the more gather in the next request', async () => {
  const submits: Promise<unknown>[] = [];
  for (let i = 0; i < 100; i++) {
    submits.push(client.submit({ description: `task ${i}` }));
    await Promise.resolve();
  }
  await Promise.all(submits);
  expect(batches().filter((tasks) => tasks === 1)).toHaveLength(8);
  expect(batches()).toHaveLength(9);
  expect(kernel.tasks.size).toBe(100);
});

test('each submit of many gets the task that it submitted', async () => {
  const tasks = await Promise.all(many(2_500).map((task) => client.submit(task)));
  expect(tasks.map(({ description }) => description)).toEqual(many(2_500).map(({ description }) => description));
});

test('no request holds more than 1,000 tasks', async () => {
  await Promise.all(many(2_500).map((task) => client.submit(task)));
  expect(Math.max(...batches())).toBe(1_000);
});

test('no request of several tasks comes near the kernel’s limit of 1 MiB', async () => {
  await Promise.all(many(40, { payload: 'é'.repeat(50_000) }).map((task) => client.submit(task)));
  for (const { body } of kernel.received('POST', '/tasks/batch')) expect(Buffer.byteLength(body)).toBeLessThan(950_000);
  expect(kernel.tasks.size).toBe(40);
});

test('a request refused as a whole is divided until only the culprit is refused', async () => {
  kernel.intercept = ({ body }) => (body.includes('poison') ? problem(422, 'validation_failed') : undefined);
  const tasks = many(16);
  (tasks[5] as { description: string }).description = 'poison';
  const settled = await Promise.allSettled(tasks.map((task) => client.submit(task)));
  expect(settled.map(({ status }) => status === 'fulfilled')).toEqual(tasks.map((_, i) => i !== 5));
  expect(kernel.tasks.size).toBe(15);
});

test('a task that alone was turned away for now is sent again alone', async () => {
  let first = true;
  kernel.intercept = ({ body }) => {
    const { tasks } = JSON.parse(body) as { tasks: { description: string }[] };
    if (!first) return undefined;
    first = false;
    const refused = { status: 429, error: { code: 'rate_limited', detail: 'later' } };
    const results = tasks.map((task) =>
      task.description === 'b' ? refused : { status: 201, task: { id: task.description } },
    );
    return { status: 200, body: { results } };
  };
  const [a, b] = await Promise.all([client.submit({ description: 'a' }), client.submit({ description: 'b' })]);
  expect(a).toMatchObject({ id: 'a' });
  expect(b).toMatchObject({ description: 'b', status: 'queued' });
  expect(batches()).toEqual([2, 1]);
});

test('an atomic batch is one request with one key', async () => {
  const tasks = await client.submitMany(many(3));
  expect(tasks).toHaveLength(3);
  expect(kernel.requests).toHaveLength(1);
  expect(kernel.requests[0]?.headers['idempotency-key']).toMatch(/.{16}/);
});

test('a batch that is not atomic tells how each task fared', async () => {
  const outcomes = await client.submitMany([{ description: 'a' }, { description: '' }], { atomic: false });
  expect(outcomes).toMatchObject([{ task: { description: 'a' } }, { error: { code: 'validation_failed' } }]);
});

test('a submit that is aborted while it waits is never sent', async () => {
  const abort = new AbortController();
  const submit = client.submit({ description: 'never' }, { signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(submit).rejects.toThrow('enough');
  await client.submit({ description: 'other' });
  expect([...kernel.tasks.values()].map(({ description }) => description)).toEqual(['other']);
});
