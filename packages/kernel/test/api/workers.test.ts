import { expect, test } from 'vitest';
import { type Harness, type JsonValue, startColony } from './harness.ts';

const register = async ({ call }: Harness, worker: object = {}): Promise<JsonValue> =>
  (await call('POST /workers', { name: 'bee', ...worker })).json;
const submit = async ({ call }: Harness, task: object = {}): Promise<JsonValue> =>
  (await call('POST /tasks', { description: 'x', ...task })).json;
const claim = async ({ call }: Harness, id: string, body?: object): Promise<JsonValue[]> =>
  (await call(`POST /workers/${id}/claim`, body)).json.tasks;

test('POST /workers registers, GET shows', async () => {
  const colony = await startColony();
  const { call } = colony;
  const created = await call('POST /workers', {
    name: 'bee',
    capabilities: [{ name: 'image', category: 'media', extra: 1 }],
    attributes: { cpu: 'high' },
    max_concurrent_tasks: 2,
  });
  expect(created).toMatchObject({
    status: 201,
    json: {
      name: 'bee',
      status: 'idle',
      capabilities: [{ name: 'image', category: 'media', supported_languages: null, max_complexity: null }],
      max_concurrent_tasks: 2,
      current_task: null,
      stats: { completed: 0, failed: 0, mean_seconds: null },
    },
  });
  expect((await call('GET /workers')).json).toHaveLength(1);
  expect((await call(`GET /workers/${created.json.id}`)).json.id).toBe(created.json.id);
  expect((await call('GET /workers/nobody')).json.code).toBe('worker_not_found');
});

test.each([
  [{}, '/name'],
  [{ name: '' }, '/name'],
  [{ name: 'x'.repeat(201) }, '/name'],
  [{ name: 'x', capabilities: {} }, '/capabilities'],
  [{ name: 'x', capabilities: [{}] }, '/capabilities/0/name'],
  [{ name: 'x', attributes: [] }, '/attributes'],
  [{ name: 'x', max_concurrent_tasks: 0 }, '/max_concurrent_tasks'],
])('%j is no worker', async (body, path) => {
  const { call } = await startColony();
  const refused = await call('POST /workers', body);
  expect(refused.status).toBe(422);
  expect(refused.json.errors[0].path).toBe(path);
});

test('a heartbeat is a sign of life', async () => {
  const colony = await startColony();
  const { call } = colony;
  const { id } = await register(colony);
  expect(await call(`POST /workers/${id}/heartbeat`)).toMatchObject({ status: 204, text: '' });
  expect((await call(`POST /workers/${id}/heartbeat`, { tasks: 'x' })).status).toBe(422);
  expect((await call('POST /workers/nobody/heartbeat')).json.code).toBe('worker_not_found');
});

test('a heartbeat that names its tasks gives the rest back', async () => {
  const colony = await startColony();
  const { id } = await register(colony);
  const task = await submit(colony);
  await claim(colony, id);
  await colony.call(`POST /workers/${id}/heartbeat`, { tasks: [] });
  expect((await colony.call(`GET /tasks/${task.id}`)).json).toMatchObject({ status: 'queued', assigned_worker: null });
});

test('DELETE /workers/{id} unregisters, or drains', async () => {
  const colony = await startColony();
  const { call } = colony;
  const { id } = await register(colony);
  const task = await submit(colony);
  await claim(colony, id);
  expect((await call(`DELETE /workers/${id}?drain=true`)).status).toBe(204);
  expect((await call(`GET /workers/${id}`)).json).toMatchObject({ draining: true, current_task: task.id });
  expect(await claim(colony, id)).toEqual([]);
  expect((await call(`DELETE /workers/${id}`)).status).toBe(204);
  expect((await call(`GET /tasks/${task.id}`)).json.status).toBe('queued');
  expect((await call(`DELETE /workers/${id}`)).json.code).toBe('worker_not_found');
});

test('a claim gives tasks with a lease, in order', async () => {
  const colony = await startColony();
  const { id } = await register(colony, { max_concurrent_tasks: 2 });
  const low = await submit(colony, { priority: 1 });
  const high = await submit(colony, { priority: 9 });
  await submit(colony, { priority: 0 });
  const tasks = await claim(colony, id, { max_tasks: 10 });
  expect(tasks.map((task) => task.id)).toEqual([high.id, low.id]);
  expect(tasks[0]).toMatchObject({ status: 'executing', assigned_worker: id, attempt: 1, lease: { token: 1 } });
  expect(Date.parse(tasks[0].lease.expires_at)).toBeGreaterThan(Date.now());
  expect((await colony.call(`GET /workers/${id}`)).json).toMatchObject({ status: 'busy', current_task: high.id });
});

test('a claim may wait', async () => {
  const colony = await startColony();
  const { id } = await register(colony);
  const waiting = claim(colony, id, { wait_seconds: 20 });
  const task = await submit(colony);
  expect((await waiting).map((each) => each.id)).toEqual([task.id]);
  expect(await claim(colony, id, { wait_seconds: 0.05 })).toEqual([]);
});

test.each([{ max_tasks: 0 }, { max_tasks: 101 }, { max_tasks: '1' }, { wait_seconds: 61 }, { wait_seconds: -1 }])(
  'the claim %j is refused',
  async (body) => {
    const colony = await startColony();
    const { id } = await register(colony);
    expect((await colony.call(`POST /workers/${id}/claim`, body)).status).toBe(422);
    expect((await colony.call('POST /workers/nobody/claim')).json.code).toBe('worker_not_found');
  },
);

test('the holder of a lease completes, and may say so twice', async () => {
  const colony = await startColony();
  const { call } = colony;
  const { id } = await register(colony);
  await submit(colony);
  const [task] = await claim(colony, id);
  const body = { lease_token: task.lease.token, result: { ok: [1, 2], n: 1 } };
  const done = await call(`POST /tasks/${task.id}/complete`, body);
  expect(done).toMatchObject({ status: 200, json: { status: 'completed', result: { ok: [1, 2] } } });
  expect((await call(`POST /tasks/${task.id}/complete`, body)).json).toEqual(done.json);
  const reordered = { ...body, result: { n: 1, ok: [1, 2] } };
  expect((await call(`POST /tasks/${task.id}/complete`, reordered)).json).toEqual(done.json);
  const changed = { ...body, result: { ok: [1, 2], n: 2 } };
  expect((await call(`POST /tasks/${task.id}/complete`, changed)).json.code).toBe('stale_lease');
  expect((await call(`POST /tasks/${task.id}/complete`, { lease_token: 1, result: 2 })).json.code).toBe('stale_lease');
  expect((await call(`GET /workers/${id}`)).json.stats).toMatchObject({ completed: 1, failed: 0 });
});

test('it fails, with or without another attempt', async () => {
  const colony = await startColony();
  const { call } = colony;
  const { id } = await register(colony);
  await submit(colony, { max_retries: 3, retry_backoff: { type: 'fixed', delay_seconds: 60 } });
  const [task] = await claim(colony, id);
  const failed = await call(`POST /tasks/${task.id}/fail`, { lease_token: 1, error: 'no\0\ud800' });
  expect(failed.json).toMatchObject({ status: 'pending', pending_reason: 'retry', retry_count: 1 });
  await submit(colony, { max_retries: 3 });
  const [other] = await claim(colony, id);
  const body = { lease_token: 1, error: 'broken', error_trace: 'at x', retryable: false };
  expect((await call(`POST /tasks/${other.id}/fail`, body)).json).toMatchObject({
    status: 'failed',
    error: 'broken',
    error_trace: 'at x',
  });
});

test('it reports progress and gives back', async () => {
  const colony = await startColony();
  const { call } = colony;
  const { id } = await register(colony);
  await submit(colony);
  const [task] = await claim(colony, id);
  const progress = (body: object) => call(`POST /tasks/${task.id}/progress`, { lease_token: 1, ...body });
  expect((await progress({ fraction: 0.5, message: 'half' })).status).toBe(204);
  expect((await call(`GET /tasks/${task.id}`)).json.progress).toMatchObject({ fraction: 0.5, message: 'half' });
  expect((await progress({ fraction: 1.5 })).status).toBe(422);
  expect((await call(`POST /tasks/${task.id}/release`, { lease_token: 1 })).json).toMatchObject({
    status: 'queued',
    retry_count: 0,
  });
  expect((await progress({ fraction: 0.6 })).json.code).toBe('stale_lease');
});

test.each(['complete', 'fail', 'progress', 'release'])('POST /tasks/{id}/%s wants the live token', async (action) => {
  const colony = await startColony();
  const { call } = colony;
  const { id } = await register(colony);
  await submit(colony);
  const [task] = await claim(colony, id);
  const post = (taskId: string, body: object) => call(`POST /tasks/${taskId}/${action}`, { error: 'x', ...body });
  for (const token of [0, 2, -1]) expect((await post(task.id, { lease_token: token })).json.code).toBe('stale_lease');
  for (const token of ['1', 1.5, null]) expect((await post(task.id, { lease_token: token })).status).toBe(422);
  expect((await post(task.id, {})).json.errors[0].path).toBe('/lease_token');
  expect((await post('nobody', { lease_token: 1 })).json.code).toBe('task_not_found');
  expect((await call(`GET /tasks/${task.id}`)).json.status).toBe('executing');
});

test('a worker that fails far more than the others is shown to be kept out, and can be let out', async () => {
  const colony = await startColony();
  const { call } = colony;
  const [bad, good] = [await register(colony), await register(colony)];
  const attempt = async (id: string, end: 'complete' | 'fail') => {
    await submit(colony);
    const [task] = await claim(colony, id);
    await call(`POST /tasks/${task.id}/${end}`, { lease_token: task.lease.token, error: 'no', retryable: false });
  };
  for (let n = 0; n < 20; n++) await attempt(good.id, 'complete');
  for (let n = 0; n < 20; n++) await attempt(bad.id, 'fail');
  const shown = (await call(`GET /workers/${bad.id}`)).json;
  expect(shown).toMatchObject({ status: 'error', quarantine: { on_trial: false } });
  expect(Date.parse(shown.quarantine.until)).toBeGreaterThan(Date.now());
  await submit(colony);
  expect(await claim(colony, bad.id)).toEqual([]);
  expect((await call('GET /system/stats')).json.workers.by_status).toMatchObject({ error: 1, idle: 1 });
  const released = await call(`POST /workers/${bad.id}/release`);
  expect(released).toMatchObject({ status: 200, json: { status: 'idle', quarantine: null } });
  expect(await claim(colony, bad.id)).toHaveLength(1);
  expect((await call('POST /workers/nobody/release')).json.code).toBe('worker_not_found');
});
