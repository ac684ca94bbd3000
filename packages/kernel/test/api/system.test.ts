import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startColony } from './harness.ts';

test('/health tells that it is well', async () => {
  const { call } = await startColony();
  expect(await call('GET /health')).toMatchObject({ status: 200, json: { status: 'healthy', version: '0.0.0-test' } });
  expect((await call('GET /health/live')).status).toBe(200);
  expect((await call('GET /health/ready')).json).toMatchObject({ status: 'healthy', checks: { store: 'ok' } });
  expect((await call('HEAD /health')).status).toBe(200);
});

test('/system/stats counts', async () => {
  const { call, config } = await startColony({ MAX_CONCURRENT_TASKS: '9' });
  await call('POST /tasks', { description: 'x' });
  await call('POST /workers', { name: 'w', capabilities: [] });
  const none = { pending: 0, executing: 0, completed: 0, failed: 0, timeout: 0, cancelled: 0, rejected: 0 };
  await call('POST /tasks', { description: 'x', delay_seconds: 60 });
  expect((await call('GET /system/stats')).json).toMatchObject({
    kernel: {
      queue_size: 1,
      total_tasks: 2,
      task_counts: { ...none, queued: 1, pending: 1 },
      executing: 0,
      max_concurrent_tasks: 9,
    },
    workers: { total: 1, by_status: { idle: 1, busy: 0, offline: 0, error: 0 } },
    tasks: { ...none, queued: 1, pending: 1 },
    uptime_seconds: expect.any(Number),
    memory_type: config.memoryBackend,
    event_bus_type: config.memoryBackend === 'redis' ? 'redis' : 'inmemory',
  });
});

test('/system/stats and /metrics show the bounds, and how far they are used up', async () => {
  const { call } = await startColony({ COLONY_GROUP_MAX_CONCURRENT: '7' });
  expect((await call('GET /system/stats')).json.kernel).toMatchObject({ group_max_concurrent: 7, limits: [] });
  const limits = [
    { id: 'gpus', capability: 'ocr', max_concurrent: 1 },
    { id: 'api', capability: 'ocr', per_second: 2.5, burst: 9 },
  ];
  expect((await call('PUT /guardian/policy', { rules: [], limits })).json).toMatchObject({ version: 2, limits });
  expect((await call('GET /guardian/policy')).json).toEqual({ version: 2, rules: [], limits });
  const worker = (await call('POST /workers', { name: 'w', capabilities: [{ name: 'ocr' }], max_concurrent_tasks: 9 }))
    .json;
  const task = { description: 'x', requirements: { capability: 'ocr' } };
  await call('POST /tasks/batch', { tasks: [task, task] });
  expect((await call(`POST /workers/${worker.id}/claim`, { max_tasks: 9 })).json.tasks).toHaveLength(1);
  expect((await call('GET /system/stats')).json.kernel.limits).toEqual([
    { id: 'gpus', capability: 'ocr', executing: 1, max_concurrent: 1, per_second: null, burst: null },
    { id: 'api', capability: 'ocr', executing: 1, max_concurrent: null, per_second: 2.5, burst: 9 },
  ]);
  const metrics = (await call('GET /metrics')).text;
  expect(metrics).toContain('colony_limit_executing{limit="gpus"} 1');
  expect(metrics).toContain('colony_claims_held_back_total{by="gpus"} 1');
});

test('/system/audit shows the newest, or what follows a position', async () => {
  const { call } = await startColony();
  const { id } = (await call('POST /tasks', { description: 'x' })).json;
  const audit = async (query = '') => (await call(`GET /system/audit${query}`)).json;
  const types = async (query: string) =>
    (await audit(query)).entries.map((entry: { event_type: string }) => entry.event_type);
  await expect.poll(async () => (await audit()).sealed_to).toBe(3);
  const all = await audit();
  expect(all.entries.map((entry: { id: number }) => entry.id)).toEqual([1, 2, 3]);
  expect(all.entries[2]).toMatchObject({ event_type: 'task_submitted', actor: 'anonymous', details: { task_id: id } });
  expect(all.entries[2].prev_hash).toBe(all.entries[1].hash);
  expect(await types('?limit=1')).toEqual(['task_submitted']);
  expect(await types('?since=0&limit=1')).toEqual(['kernel_started']);
  expect(await types('?event_type=task_validated')).toEqual(['task_validated']);
  expect(await types(`?task_id=${id}&actor=anonymous`)).toHaveLength(2);
  expect(await types('?worker_id=nobody')).toEqual([]);
  expect((await call('GET /system/audit?limit=0')).status).toBe(422);
  expect((await call('GET /system/audit?since=x')).status).toBe(422);
});

test('/system/audit/verify and /export agree with it', async () => {
  const { call } = await startColony();
  for (let i = 0; i < 700; i += 100) await call('POST /tasks/batch', { tasks: Array(100).fill({ description: 'x' }) });
  const verified = (await call('GET /system/audit/verify')).json;
  expect(verified).toMatchObject({ valid: true, entries: 1401, first_invalid_id: null });
  const exported = await call('GET /system/audit/export');
  expect(exported.headers['content-type']).toMatch('application/x-ndjson');
  const lines = exported.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(1402);
  expect(lines.at(-2).hash).toBe(verified.head);
  expect(lines.at(-1).head).toMatchObject({ first_id: 1, entries: 1401, hash: verified.head });
});

test('/metrics speaks Prometheus', async () => {
  const { call } = await startColony();
  await call('POST /tasks', { description: 'x' });
  const { id } = (await call('POST /workers', { name: 'w' })).json;
  const [task] = (await call(`POST /workers/${id}/claim`)).json.tasks;
  await call(`POST /tasks/${task.id}/complete`, { lease_token: 1 });
  const { text, headers } = await call('GET /metrics');
  expect(headers['content-type']).toMatch('text/plain');
  for (const line of [
    'colony_tasks_submitted_total 1',
    'colony_tasks_assigned_total 1',
    'colony_tasks_completed_total 1',
    'colony_tasks{status="completed"} 1',
    'colony_tasks{status="queued"} 0',
    'colony_workers{status="idle"} 1',
    'colony_queue_age_seconds 0',
    'colony_task_run_seconds_count 1',
    'colony_ledger_entries_total{type="task_completed"} 1',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
  expect(text).toMatch(/colony_commit_duration_seconds_count [1-9]/);
  expect(text).toMatch(/colony_event_loop_lag_seconds\{quantile="0.99"\} /);
  expect(text).not.toContain(task.id);
});

test('/openapi.json tells where an Idempotency-Key is taken', async () => {
  const { call } = await startColony();
  const { json } = await call('GET /openapi.json');
  const takes = Object.entries<{ post?: { parameters?: { in: string; name: string }[] } }>(json.paths).filter(
    ([, item]) =>
      item.post?.parameters?.some((parameter) => parameter.in === 'header' && parameter.name === 'Idempotency-Key'),
  );
  expect(takes.map(([path]) => path).sort()).toEqual(['/plans', '/tasks', '/tasks/batch']);
});

test('/openapi.json gives each operation a name of its own, and each answer its media type', async () => {
  const { call } = await startColony();
  const { json } = await call('GET /openapi.json');
  const operations = Object.values<Record<string, { operationId: string }>>(json.paths).flatMap(Object.values);
  const names = operations.map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(['getTasks', 'postTasksByIdRetry', 'postTasksRetry', 'getMetrics']));
  const typeOf = (path: string) => Object.keys(json.paths[path].get.responses[200].content);
  expect(typeOf('/tasks')).toEqual(['application/json']);
  expect(typeOf('/events')).toEqual(['text/event-stream']);
  expect(typeOf('/metrics')).toEqual(['text/plain']);
  expect(typeOf('/system/audit/export')).toEqual(['application/x-ndjson']);
});

test('/openapi.json describes every route there is', async () => {
  const { call } = await startColony();
  const { json } = await call('GET /openapi.json');
  expect(json.openapi).toBe('3.1.0');
  const routes = Object.entries(json.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(routes.sort()).toEqual(
    [
      'POST /tasks',
      'POST /tasks/batch',
      'GET /tasks',
      'GET /tasks/{id}',
      'DELETE /tasks/{id}',
      'POST /tasks/{id}/retry',
      'POST /tasks/retry',
      'GET /tasks/{id}/events',
      'POST /tasks/{id}/complete',
      'POST /tasks/{id}/fail',
      'POST /tasks/{id}/progress',
      'POST /tasks/{id}/release',
      'POST /workers',
      'GET /workers',
      'GET /workers/{id}',
      'POST /workers/{id}/heartbeat',
      'DELETE /workers/{id}',
      'POST /workers/{id}/claim',
      'POST /workers/{id}/release',
      'GET /guardian/policy',
      'PUT /guardian/policy',
      'POST /guardian/evaluate',
      'GET /plans',
      'POST /plans',
      'GET /plans/{id}',
      'DELETE /plans/{id}',
      'GET /tasks/{id}/explain',
      'POST /mind/route',
      'GET /votes',
      'POST /votes',
      'GET /votes/{id}',
      'POST /votes/{id}/ballots',
      'GET /schedules',
      'POST /schedules',
      'GET /schedules/{id}',
      'PATCH /schedules/{id}',
      'DELETE /schedules/{id}',
      'GET /memory',
      'GET /memory/{scope}',
      'PUT /memory/{scope}/{key}',
      'GET /memory/{scope}/{key}',
      'DELETE /memory/{scope}/{key}',
      'POST /memory/{scope}/search',
      'POST /memory/{scope}/batch',
      'GET /events',
      'GET /health',
      'GET /health/live',
      'GET /health/ready',
      'GET /system/stats',
      'POST /system/checkpoint',
      'GET /system/checkpoints',
      'DELETE /system/checkpoints/{id}',
      'GET /system/checkpoints/{id}/diff',
      'POST /system/rollback/{id}',
      'GET /system/audit',
      'GET /system/audit/verify',
      'GET /system/audit/head',
      'GET /system/audit/export',
      'GET /system/export',
      'POST /system/export',
      'GET /metrics',
    ].sort(),
  );
  const references = new Set(JSON.stringify(json).match(/#\/components\/schemas\/\w+/g));
  for (const reference of references) expect(json.components.schemas).toHaveProperty(reference.split('/').at(-1)!);
  expect(json.paths['/tasks'].post.requestBody.required).toBe(true);
  expect(json.paths['/workers/{id}/claim'].post.requestBody.required).toBe(false);
  expect(JSON.stringify(json)).not.toContain('x-optional-body');
});

test('/docs needs nothing from elsewhere', async () => {
  const { call } = await startColony();
  const page = await call('GET /docs');
  expect(page.status).toBe(200);
  expect(page.text).not.toMatch(/https?:\/\//);
  expect(page.headers['content-security-policy']).toContain("connect-src 'self'");
  const script = /src="([^"]+)"/.exec(page.text)![1]!;
  expect(await call(`GET ${script}`)).toMatchObject({
    status: 200,
    headers: { 'content-type': expect.stringMatching('javascript') },
  });
});

test('the version is the package’s', async () => {
  const { VERSION } = await import('../../src/config.ts');
  expect(VERSION).toBe(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version);
});
