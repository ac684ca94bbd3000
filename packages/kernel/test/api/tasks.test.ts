import { expect, test } from 'vitest';
import { type Harness, startColony } from './harness.ts';

async function submit({ call }: Harness, task: object = {}): Promise<string> {
  return (await call('POST /tasks', { description: 'x', ...task })).json.id;
}

const ids = (tasks: { id: string }[]) => tasks.map(({ id }) => id);

test('GET /tasks pages newest first, keeping the filters', async () => {
  const colony = await startColony();
  const { call } = colony;
  const all: string[] = [];
  for (let i = 0; i < 5; i++) all.unshift(await submit(colony, { tags: ['odd'], created_by: 'me' }));
  await submit(colony, { tags: ['even'] });
  let url: string | undefined = '/tasks?limit=2&tag=odd&created_by=me&status=queued';
  const seen: string[] = [];
  while (url !== undefined) {
    const page = await call(`GET ${url}`);
    seen.push(...ids(page.json));
    url = /^<([^>]+)>; rel="next"$/.exec(String(page.headers.link ?? ''))?.[1];
    if (url !== undefined) expect(url).toContain('tag=odd');
  }
  expect(seen).toEqual(all);
});

test('GET /tasks filters by status under both names', async () => {
  const colony = await startColony();
  const id = await submit(colony);
  await submit(colony, { delay_seconds: 60 });
  expect(ids((await colony.call('GET /tasks?status=queued')).json)).toEqual([id]);
  expect(ids((await colony.call('GET /tasks?status_filter=queued')).json)).toEqual([id]);
  expect((await colony.call('GET /tasks?worker_id=nobody')).json).toEqual([]);
});

test.each([
  'status=bogus',
  'status=',
  'status=queued&status=pending',
  'limit=0',
  'limit=1001',
  'limit=x',
  'limit=1.5',
  'limit=',
  'cursor=%21',
])('GET /tasks?%s is refused', async (query) => {
  const { call } = await startColony();
  expect(await call(`GET /tasks?${query}`)).toMatchObject({ status: 422, json: { code: 'validation_failed' } });
});

test('GET /tasks/{id} may wait for the end', async () => {
  const colony = await startColony();
  const { call } = colony;
  const id = await submit(colony);
  const waiting = call(`GET /tasks/${id}?wait=20`);
  await call(`DELETE /tasks/${id}`);
  expect((await waiting).json.status).toBe('cancelled');
  expect((await call(`GET /tasks/${id}?wait=20`)).json.status).toBe('cancelled');
  expect((await call('GET /tasks/nobody')).json.code).toBe('task_not_found');
  expect((await call('GET /tasks/nobody?wait=1')).status).toBe(404);
  expect((await call(`GET /tasks/${'x'.repeat(1000)}`)).json.code).toBe('task_not_found');
  for (const wait of ['61', '-1', '0.5', 'yes']) expect((await call(`GET /tasks/${id}?wait=${wait}`)).status).toBe(422);
});

test('DELETE /tasks/{id} cancels, with its descendants if asked', async () => {
  const colony = await startColony();
  const { call } = colony;
  const parent = await submit(colony);
  const child = await submit(colony, { parent_id: parent });
  expect((await call(`DELETE /tasks/${parent}?cascade=maybe`)).status).toBe(422);
  expect(await call(`DELETE /tasks/${parent}?cascade=true`)).toMatchObject({ status: 204, text: '' });
  expect((await call(`GET /tasks/${child}`)).json.status).toBe('cancelled');
  expect((await call(`DELETE /tasks/${parent}`)).json.code).toBe('invalid_transition');
  expect((await call('DELETE /tasks/nobody')).json.code).toBe('task_not_found');
});

test('many large tasks that have ended run again, some at a time, newest first', async () => {
  const colony = await startColony();
  const { call, kernel } = colony;
  const ids: string[] = [];
  for (let index = 0; index < 11; index++) ids.push(await submit(colony, { payload: 'x'.repeat(1_000_000) }));
  for (const id of ids) await call(`DELETE /tasks/${id}`);
  const { tasks } = kernel.store;
  const pages: number[] = [];
  kernel.store.tasks = async (query) => {
    const page = await tasks.call(kernel.store, query);
    pages.push(page.items.length);
    return page;
  };
  expect((await call('POST /tasks/retry', { status: 'cancelled', limit: 10 })).json).toEqual({ retried: 10 });
  expect(Math.max(...pages)).toBeLessThan(10);
  expect((await call(`GET /tasks/${ids[0]}`)).json.status).toBe('cancelled');
  expect((await call(`GET /tasks/${ids[1]}`)).json.status).toBe('queued');
});

test('ended tasks run again, one or many', async () => {
  const colony = await startColony();
  const { call } = colony;
  const id = await submit(colony, { tags: ['t'] });
  expect((await call(`POST /tasks/${id}/retry`)).json.code).toBe('invalid_transition');
  await call(`DELETE /tasks/${id}`);
  expect((await call(`POST /tasks/${id}/retry`)).json).toMatchObject({ id, status: 'queued', completed_at: null });
  await call(`DELETE /tasks/${id}`);
  expect((await call('POST /tasks/retry', { status: 'cancelled', tag: 't', limit: 5 })).json).toEqual({ retried: 1 });
  expect((await call('POST /tasks/retry', { status: 'completed' })).status).toBe(422);
  expect((await call('POST /tasks/retry')).status).toBe(422);
  expect((await call('POST /tasks/nobody/retry')).json.code).toBe('task_not_found');
});

test('whoever retries many is told how many could not run again', async () => {
  const colony = await startColony();
  const { call } = colony;
  const older = await submit(colony);
  await call(`DELETE /tasks/${older}`);
  const rejected = await submit(colony, { description: 'rm -rf /' });
  const newer = await submit(colony, { depends_on: [rejected] });
  expect((await call(`GET /tasks/${newer}`)).json.status).toBe('cancelled');
  const retry = (more = {}) => call('POST /tasks/retry', { status: 'cancelled', limit: 1, ...more });
  expect((await retry()).json).toEqual({ retried: 1, refused: 1 });
  expect((await call(`GET /tasks/${older}`)).json.status).toBe('queued');
  expect((await retry({ cursor: 'mine' })).json).toMatchObject({ status: 422, errors: [{ path: '/cursor' }] });
});

test('where there are too many that cannot run again, it says where to go on', async () => {
  const colony = await startColony();
  const { call } = colony;
  const older = await submit(colony);
  await call(`DELETE /tasks/${older}`);
  const rejected = await submit(colony, { description: 'rm -rf /' });
  const tasks = Array(500).fill({ description: 'x', depends_on: [rejected] });
  await call('POST /tasks/batch', { tasks });
  await call('POST /tasks/batch', { tasks });
  const retry = (more = {}) => call('POST /tasks/retry', { status: 'cancelled', ...more });
  const { next_cursor, ...first } = (await retry()).json;
  expect(first).toEqual({ retried: 0, refused: 1000 });
  expect((await retry({ cursor: next_cursor })).json).toEqual({ retried: 1 });
  expect((await call(`GET /tasks/${older}`)).json.status).toBe('queued');
});

test('GET /tasks/{id}/events tells its history', async () => {
  const colony = await startColony();
  const { call } = colony;
  const id = await submit(colony);
  await call(`DELETE /tasks/${id}`);
  const history = (await call(`GET /tasks/${id}/events`)).json;
  expect(history.map(({ type }: { type: string }) => type)).toEqual([
    'task_validated',
    'task_submitted',
    'task_cancelled',
  ]);
  expect(history[1]).toMatchObject({ data: { task_id: id }, source: 'kernel', actor: 'anonymous' });
  expect((await call('GET /tasks/nobody/events')).json.code).toBe('task_not_found');
});

test('what later versions bring is not there', async () => {
  const { call } = await startColony();
  for (const route of ['GET /tokens', 'GET /nope']) {
    expect(await call(route)).toMatchObject({ status: 404, json: { code: 'not_found' } });
  }
  expect(await call('GET /tasks/%zz')).toMatchObject({ status: 404, json: { code: 'not_found' } });
  expect(await call('PUT /tasks', {})).toMatchObject({ status: 404 });
});
