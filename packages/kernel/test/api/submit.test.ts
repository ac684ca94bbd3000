import { describe, expect, test } from 'vitest';
import { startColony } from './harness.ts';

describe('POST /tasks', () => {
  test('stores a task and shows it whole', async () => {
    const { call } = await startColony();
    const created = await call('POST /tasks', {
      description: 'Process video upload',
      priority: 7,
      requirements: { cpu: 'medium' },
      tags: ['a', 'a', 'b'],
      later: 'ignored',
    });
    expect(created.status).toBe(201);
    expect(created.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(created.json).toMatchObject({
      status: 'queued',
      priority: 7,
      tags: ['a', 'b'],
      payload: null,
      created_by: 'anonymous',
      timeout_seconds: 300,
    });
    expect(created.json).not.toHaveProperty('later');
    expect((await call(`GET /tasks/${created.json.id}`)).json).toEqual(created.json);
    expect((await call(`GET /tasks/${created.json.id}/`)).status).toBe(200);
  });

  test('keeps hostile payloads as data', async () => {
    const { call } = await startColony();
    const body =
      '{"description":"\\u0000 \\ud800","payload":{"__proto__":{"polluted":true},"constructor":{"prototype":1}}}';
    const created = await call('POST /tasks', body);
    expect(created.text).toContain('"payload":{"__proto__":{"polluted":true},"constructor":{"prototype":1}}');
    expect(created.text).toContain('"description":"\\u0000 \\ud800"');
    expect((await call(`GET /tasks/${created.json.id}`)).text).toBe(created.text);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('waits for its time', async () => {
    const { call } = await startColony();
    const delayed = await call('POST /tasks', { description: 'x', delay_seconds: 60 });
    expect(delayed.json).toMatchObject({ status: 'pending', pending_reason: 'scheduled' });
    expect(Date.parse(delayed.json.run_at)).toBeGreaterThan(Date.now() + 50_000);
    expect((await call('POST /tasks', { description: 'x', run_at: 'noon' })).json.errors[0].path).toBe('/run_at');
  });

  test.each(['acme', ' a : b ', 'ü 🐝', '{colony}:queue:x', null])('shows the group %j', async (group) => {
    const { call } = await startColony();
    const created = await call('POST /tasks', { description: 'x', group });
    expect(created.json).toMatchObject({ status: 'queued', group });
    expect((await call(`GET /tasks/${created.json.id}`)).json).toEqual(created.json);
    const batch = await call('POST /tasks/batch', { tasks: [{ description: 'y', group }, { description: 'z' }] });
    expect(batch.json.tasks.map((task: { group: string | null }) => task.group)).toEqual([group, null]);
  });

  test.each(['', 'a\nb', 'a\u0085', '\u2028', '\ud800', 'x'.repeat(101), 7])('refuses the group %j', async (group) => {
    const { call } = await startColony();
    const refused = await call('POST /tasks', { description: 'x', group });
    expect([refused.status, refused.json.errors[0].path]).toEqual([422, '/group']);
    expect((await call('GET /tasks')).json).toEqual([]);
  });

  test('refuses what is not a task, and says where', async () => {
    const { call } = await startColony();
    const refused = await call('POST /tasks', { priority: '5', requirements: [] });
    expect(refused.status).toBe(422);
    expect(refused.headers['content-type']).toMatch('application/problem+json');
    expect(refused.json).toMatchObject({ code: 'validation_failed', instance: '/tasks' });
    expect(refused.json.errors.map(({ path }: { path: string }) => path)).toEqual([
      '/description',
      '/priority',
      '/requirements',
    ]);
    expect((await call('POST /tasks', { description: 'x', depends_on: ['nobody'] })).status).toBe(422);
    expect((await call('POST /tasks', { description: 'x', parent_id: 'nobody' })).status).toBe(422);
  });

  test('takes as much nesting as is sane', async () => {
    const { call } = await startColony();
    const nested = (depth: number) => `{"description":"x","payload":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect((await call('POST /tasks', nested(31))).status).toBe(201);
    expect((await call('POST /tasks', nested(32))).status).toBe(422);
    expect((await call('POST /tasks', nested(200_000))).status).toBe(422);
  });
});

describe('bodies', () => {
  test.each([
    ['{"descr', 400, 'malformed_json'],
    ['{"description": "x", "payload": 1e999}', 400, 'malformed_json'],
    ['', 422, 'validation_failed'],
    ['null', 422, 'validation_failed'],
    ['[]', 422, 'validation_failed'],
    [`{"description":"${'x'.repeat(1024 * 1024)}"}`, 413, 'payload_too_large'],
  ])('%.20s is answered %i', async (body, status, code) => {
    const { call } = await startColony();
    expect(await call('POST /tasks', body)).toMatchObject({ status, json: { code, status } });
  });

  test('must be JSON', async () => {
    const { call } = await startColony();
    const as = (type: string) => call('POST /tasks', '{"description":"x"}', { 'content-type': type });
    expect(await as('text/plain')).toMatchObject({ status: 415, json: { code: 'unsupported_media_type' } });
    expect(await as('application/x-www-form-urlencoded')).toMatchObject({ status: 415 });
    expect(await as('nonsense')).toMatchObject({ status: 415 });
    expect(await as('application/json; charset=utf-8')).toMatchObject({ status: 201 });
    expect(await as('application/vnd.colony+json')).toMatchObject({ status: 201 });
  });

  test('an empty one counts as none', async () => {
    const { call } = await startColony();
    const worker = (await call('POST /workers', { name: 'w' })).json;
    const json = { 'content-type': 'application/json' };
    expect((await call(`POST /workers/${worker.id}/heartbeat`, undefined, json)).status).toBe(204);
    expect((await call(`POST /workers/${worker.id}/claim`, '', json)).json).toEqual({ tasks: [] });
    expect((await call(`POST /workers/${worker.id}/claim`, 'null')).json).toEqual({ tasks: [] });
  });
});

describe('Idempotency-Key', () => {
  test('makes a submission happen once', async () => {
    const { call } = await startColony();
    const post = (body: unknown) => call('POST /tasks', body, { 'idempotency-key': 'k1' });
    const first = await post({ description: 'x', priority: 1 });
    const again = await post({ priority: 1, description: 'x' });
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(again).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
    expect(again.json.id).toBe(first.json.id);
    expect(await post({ description: 'y' })).toMatchObject({ status: 409, json: { code: 'idempotency_conflict' } });
    expect((await call('GET /tasks')).json).toHaveLength(1);
  });

  test('must be printable', async () => {
    const { call } = await startColony();
    const post = (key: string) => call('POST /tasks', { description: 'x' }, { 'idempotency-key': key });
    expect(await post('')).toMatchObject({ status: 422 });
    expect(await post('k'.repeat(256))).toMatchObject({ status: 422 });
    expect(await post('k'.repeat(255))).toMatchObject({ status: 201 });
  });
});

describe('POST /tasks/batch', () => {
  test('takes all', async () => {
    const { call } = await startColony();
    const answer = await call('POST /tasks/batch', { tasks: [{ description: 'a' }, { description: 'b' }] });
    expect(answer.status).toBe(201);
    expect(answer.json.tasks.map((task: { description: string }) => task.description)).toEqual(['a', 'b']);
  });

  test('or none', async () => {
    const { call } = await startColony();
    const answer = await call('POST /tasks/batch', {
      tasks: [{ description: 'a' }, { description: '' }, { description: 'c', depends_on: ['no'] }],
    });
    expect(answer).toMatchObject({ status: 422, json: { errors: [{ path: '/tasks/1/description' }] } });
    const unknown = await call('POST /tasks/batch', {
      tasks: [{ description: 'a' }, { description: 'c', depends_on: ['no'] }],
    });
    expect(unknown).toMatchObject({ status: 422, json: { errors: [{ path: '/tasks/1/depends_on/0' }] } });
    expect((await call('GET /tasks')).json).toEqual([]);
  });

  test('or each on its own', async () => {
    const { call } = await startColony();
    const answer = await call('POST /tasks/batch', {
      atomic: false,
      tasks: [{ description: 'a' }, {}, 7, { description: 'd', depends_on: ['no'] }, { description: 'e' }],
    });
    expect(answer.status).toBe(200);
    expect(answer.json.results.map(({ status }: { status: number }) => status)).toEqual([201, 422, 422, 422, 201]);
    expect(answer.json.results[1].error).toMatchObject({
      code: 'validation_failed',
      errors: [{ path: '/description' }],
    });
    expect(answer.json.results[4].task.description).toBe('e');
    expect((await call('GET /tasks')).json).toHaveLength(2);
  });

  test('is idempotent as a whole', async () => {
    const { call } = await startColony();
    const post = () => call('POST /tasks/batch', { tasks: [{ description: 'a' }] }, { 'idempotency-key': 'k' });
    const first = await post();
    expect(await post()).toMatchObject({ json: first.json, headers: { 'idempotency-replayed': 'true' } });
  });

  test('and task by task, together with single submits', async () => {
    const { call } = await startColony();
    const single = await call('POST /tasks', { description: 'a' }, { 'idempotency-key': 'k' });
    const tasks = [
      { description: 'a', idempotency_key: 'k' },
      { description: 'b', idempotency_key: 'k' },
      { description: 'c', idempotency_key: '' },
    ];
    const { json } = await call('POST /tasks/batch', { atomic: false, tasks });
    expect(json.results[0]).toMatchObject({ status: 201, replayed: true, task: { id: single.json.id } });
    expect(json.results[1]).toMatchObject({ status: 409, error: { code: 'idempotency_conflict' } });
    expect(json.results[2]).toMatchObject({ status: 422 });
    expect(await call('POST /tasks/batch', { tasks: tasks.slice(0, 1) })).toMatchObject({ status: 422 });
  });

  test('has bounds, and lets in what fits alone', async () => {
    const { call } = await startColony();
    expect((await call('POST /tasks/batch', { tasks: [] })).status).toBe(422);
    expect((await call('POST /tasks/batch', { tasks: Array(1001).fill({ description: 'x' }) })).status).toBe(422);
    expect((await call('POST /tasks/batch', { tasks: 'x' })).status).toBe(422);
    const nested = (depth: number) =>
      `{"tasks":[{"description":"x","payload":${'['.repeat(depth)}${']'.repeat(depth)}}]}`;
    expect((await call('POST /tasks/batch', nested(31))).status).toBe(201);
    expect((await call('POST /tasks/batch', nested(32))).status).toBe(422);
    expect((await call('POST /tasks/batch', nested(40))).status).toBe(422);
  });
});
