import { ColonyClient } from '@colonyos/client';
import { expect, test } from 'vitest';
import { type Harness, type JsonValue, startColony } from './harness.ts';

const THREE = {
  goal: 'count what was fetched',
  tasks: [
    { key: 'report', description: 'write it down', payload: { n: { $result: 'count.words' } } },
    { key: 'fetch', description: 'fetch it' },
    { key: 'count', description: 'count it', payload: { text: { $result: 'fetch' } }, depends_on: ['fetch'] },
  ],
};

async function worker({ call }: Harness): Promise<string> {
  return (await call('POST /workers', { name: 'bee', capabilities: [], max_concurrent_tasks: 100 })).json.id;
}

/** Claims one task and completes it; answers it as it was claimed. */
async function work({ call }: Harness, id: string, result: unknown): Promise<JsonValue> {
  const [task] = (await call(`POST /workers/${id}/claim`, { max_tasks: 1 })).json.tasks;
  await call(`POST /tasks/${task.id}/complete`, { lease_token: task.lease.token, result });
  return task;
}

test('a plan is handed in, worked off with results going from task to task, and completed', async () => {
  const colony = await startColony();
  const { call } = colony;
  const made = await call('POST /plans', THREE);
  expect(made.status).toBe(201);
  const { id, tasks } = made.json;
  expect(made.json).toMatchObject({
    ...{ goal: 'count what was fetched', status: 'running', on_failure: 'stop', completed_at: null, failure: null },
    ...{ progress: { completed: 0, total: 3 }, created_by: 'anonymous', parent_id: null },
    counts: { completed: 0, failed: 0, timeout: 0, cancelled: 0, rejected: 0, unfinished: 3 },
  });
  expect(Object.keys(tasks).sort()).toEqual(['count', 'fetch', 'report']);
  const waiting = (await call(`GET /tasks/${tasks.report}`)).json;
  expect(waiting).toMatchObject({
    ...{ plan_id: id, status: 'pending', pending_reason: 'dependencies', payload: { n: { $result: 'count.words' } } },
    ...{ depends_on: [tasks.count], results_from: { count: tasks.count } },
  });
  const bee = await worker(colony);
  expect(await work(colony, bee, 'to be or not')).toMatchObject({ id: tasks.fetch });
  expect(await work(colony, bee, { words: 4 })).toMatchObject({ id: tasks.count, payload: { text: 'to be or not' } });
  const last = await work(colony, bee, null);
  expect(last).toMatchObject({ id: tasks.report, payload: { n: 4 }, plan_id: id });
  expect(last).not.toHaveProperty('results_from');
  const over = (await call(`GET /plans/${id}`)).json;
  expect(over).toMatchObject({ status: 'completed', progress: { completed: 3, total: 3 }, tasks });
  expect(over.completed_at).not.toBeNull();
  const listed = (await call(`GET /tasks?plan_id=${id}&status=completed&limit=2`)).json;
  expect(listed.map((task: JsonValue) => task.id)).toEqual([tasks.count, tasks.fetch]);
  const { entries } = (await call('GET /system/audit?event_type=plan_completed')).json;
  expect(entries).toMatchObject([{ source: 'neurosphere', details: { plan_id: id } }]);
});

const BAD: readonly [what: string, body: object, path: string, message: RegExp][] = [
  ['no goal', { tasks: [{ key: 'a', description: 'a' }] }, '/goal', /required/],
  ['no tasks', { goal: 'g', tasks: [] }, '/tasks', /fewer than 1/],
  ['a task without a key', { goal: 'g', tasks: [{ description: 'a' }] }, '/tasks/0/key', /required/],
  ['a key with other characters', plan({ 'a.b': {} }), '/tasks/0/key', /must be letters, digits, _ and -/],
  ['a bad priority', plan({ a: {}, b: { priority: 11 } }), '/tasks/1/priority', /10/],
  ['a bad time', plan({ a: { run_at: '2026-13-01T00:00:00Z' } }), '/tasks/0/run_at', /time|date/],
  ['a word for on_failure that is none', { ...plan({ a: {} }), on_failure: 'panic' }, '/on_failure', /stop, continue/],
  ['an unknown dependency', plan({ a: { depends_on: ['z'] } }), '/tasks/0/depends_on/0', /names "z"/],
  ['an unknown reference', plan({ a: { payload: { $result: 'z.x' } } }), '/tasks/0/payload', /names "z"/],
  ['a reference with company', plan({ a: { payload: [{ $result: 'a', x: 1 }] } }), '/tasks/0/payload/0', /one member/],
  ['a reference that is no text', plan({ a: { payload: { $result: 1 } } }), '/tasks/0/payload', /one member/],
  ['a reference to nowhere', plan({ a: { payload: { $result: 'a..b' } } }), '/tasks/0/payload', /one member/],
  ['an unknown parent', { ...plan({ a: {} }), parent_id: 'nobody' }, '/parent_id', /does not exist/],
  [
    'the same key twice',
    { goal: 'g', tasks: ['a', 'b', 'a'].map((key) => ({ key, description: key })) },
    '/tasks/2/key',
    /tasks\/0/,
  ],
];

function plan(tasks: Readonly<Record<string, object>>): object {
  return {
    goal: 'g',
    tasks: Object.entries(tasks).map(([key, task]) => ({ key, description: key, ...task })),
  };
}

test.each(BAD)(
  '%s is refused with the place where it stands, and nothing is stored',
  async (_, body, path, message) => {
    const { call } = await startColony();
    const refused = await call('POST /plans', body);
    expect(refused).toMatchObject({ status: 422, json: { code: 'validation_failed' } });
    expect(refused.json.errors[0].path).toBe(path);
    expect(refused.json.errors[0].message).toMatch(message);
    expect((await call('GET /plans')).json).toEqual([]);
    expect((await call('GET /tasks')).json).toEqual([]);
  },
);

test('tasks that wait for each other are refused by name', async () => {
  const { call } = await startColony();
  const cyclic = plan({ a: { depends_on: ['b'] }, b: { depends_on: ['a'] }, c: { depends_on: ['a'] } });
  const refused = await call('POST /plans', cyclic);
  expect(refused).toMatchObject({ status: 422, json: { code: 'dependency_cycle' } });
  expect(refused.json.detail).toContain('a → b → a');
  // A task that uses its own result waits for itself.
  const own = await call('POST /plans', plan({ a: { payload: { $result: 'a' } } }));
  expect(own.json).toMatchObject({ code: 'dependency_cycle', errors: [{ path: '/tasks/0/depends_on' }] });
  expect(own.json.detail).toContain('a → a');
});

test('a plan has only so many dependencies in all', async () => {
  const { call } = await startColony();
  const first = Array.from({ length: 1000 }, (_, n) => `t${n}`);
  const tasks = Object.fromEntries(first.map((key) => [key, {}]));
  for (let n = 0; n < 51; n++) Object.assign(tasks, { [`join${n}`]: { depends_on: first } });
  const refused = await call('POST /plans', plan(tasks));
  expect(refused.json.errors).toMatchObject([{ path: '/tasks', message: expect.stringContaining('more than 50000') }]);
});

test('the same Idempotency-Key and plan give the same plan; another one is refused', async () => {
  const { call } = await startColony();
  const key = { 'idempotency-key': 'k' };
  const first = await call('POST /plans', THREE, key);
  const again = await call('POST /plans', THREE, key);
  expect(again).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' }, json: first.json });
  expect((await call('POST /plans', plan({ a: {} }), key)).json.code).toBe('idempotency_conflict');
  // Keys belong to their routes.
  expect((await call('POST /tasks', { description: 'x' }, key)).status).toBe(201);
});

test('plans are listed newest first, by status, page by page', async () => {
  const { call } = await startColony();
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.unshift((await call('POST /plans', plan({ a: {}, b: {} }))).json.id);
  await call(`DELETE /plans/${ids[2]}`);
  const listed = async (path: string) => {
    const { json, headers } = await call(`GET ${path}`);
    return {
      ids: json.map(({ id }: { id: string }) => id),
      next: /<(.*)>; rel="next"/.exec(String(headers.link))?.[1],
    };
  };
  expect((await listed('/plans')).ids).toEqual(ids);
  expect((await listed('/plans?status=cancelled')).ids).toEqual([ids[2]]);
  const first = await listed('/plans?status=running&limit=3');
  expect(first.ids).toEqual([ids[0], ids[1], ids[3]]);
  expect(await listed(first.next!)).toEqual({ ids: [ids[4]], next: undefined });
  expect((await call('GET /plans?cursor=xyz')).status).toBe(422);
  expect((await call('GET /plans?status=open')).status).toBe(422);
});

test('a plan is called off, once', async () => {
  const { call } = await startColony();
  const { id, tasks } = (await call('POST /plans', THREE)).json;
  expect((await call(`DELETE /plans/${id}`)).status).toBe(204);
  const over = (await call(`GET /plans/${id}`)).json;
  expect(over).toMatchObject({ status: 'cancelled', counts: { cancelled: 3, unfinished: 0 } });
  expect((await call(`GET /tasks/${tasks.fetch}`)).json).toMatchObject({
    status: 'cancelled',
    error: 'plan_cancelled',
  });
  expect((await call(`DELETE /plans/${id}`)).status).toBe(204);
  expect((await call(`GET /plans/${id}`)).json).toEqual(over);
  for (const route of ['GET /plans/nobody', 'DELETE /plans/nobody', 'GET /plans/nobody?view=graph'])
    expect(await call(route)).toMatchObject({ status: 404, json: { code: 'plan_not_found' } });
});

test('its graph says who waits for whom, what takes longest, and draws it', async () => {
  const colony = await startColony();
  const { call } = colony;
  const { id, tasks } = (await call('POST /plans', THREE)).json;
  await work(colony, await worker(colony), 'text');
  const { json } = await call(`GET /plans/${id}?view=graph`);
  expect(json).toMatchObject({ id, status: 'running', progress: { completed: 1, total: 3 } });
  expect(json.nodes).toMatchObject([
    { key: 'report', task_id: tasks.report, status: 'pending', elapsed_seconds: null },
    { key: 'fetch', task_id: tasks.fetch, status: 'completed' },
    { key: 'count', task_id: tasks.count, status: 'queued' },
  ]);
  expect(json.nodes[1].elapsed_seconds).toBeGreaterThanOrEqual(0);
  expect(json.edges).toEqual([
    { from: 'count', to: 'report' },
    { from: 'fetch', to: 'count' },
  ]);
  expect(json.critical_path.keys).toEqual(['fetch', 'count', 'report']);
  expect(json.mermaid).toContain('n1["fetch: fetch it"]:::completed');
  expect(json.mermaid).toContain('n1 --> n2');
  expect((await call(`GET /plans/${id}?view=tree`)).status).toBe(422);
});

test('a rollback takes plans back, and says how many', async () => {
  const colony = await startColony();
  const { call } = colony;
  const { id, tasks } = (await call('POST /plans', THREE)).json;
  const { checkpoint_id } = (await call('POST /system/checkpoint')).json;
  const later = (await call('POST /plans', plan({ a: {} }))).json;
  await work(colony, await worker(colony), 'text');
  await call(`DELETE /plans/${id}`);
  const { items } = (await call(`GET /system/checkpoints/${checkpoint_id}/diff`)).json;
  const plans = items.filter(({ kind }: JsonValue) => kind.startsWith('plan'));
  expect(plans).toHaveLength(2);
  expect(plans).toContainEqual({ kind: 'plan', id, from: 'cancelled', to: 'running' });
  expect(plans).toContainEqual({ kind: 'plan', id: later.id, from: 'running', to: null });
  const dry = (await call(`POST /system/rollback/${checkpoint_id}?dry_run=true`)).json;
  expect(dry.state.plans).toEqual({ restored: 1, removed: 1 });
  const back = (await call(`POST /system/rollback/${checkpoint_id}`)).json;
  expect(back.state.plans).toEqual({ restored: 1, removed: 1 });
  expect((await call('GET /plans')).json).toMatchObject([{ id, status: 'running', counts: { unfinished: 3 }, tasks }]);
  // The payload that had got its result has the reference again, and gets it again.
  expect((await call(`GET /tasks/${tasks.count}`)).json.payload).toEqual({ text: { $result: 'fetch' } });
  const bee = await worker(colony);
  await work(colony, bee, 'other');
  expect(await work(colony, bee, { words: 1 })).toMatchObject({ id: tasks.count, payload: { text: 'other' } });
});

test('a body may be as large as a plan needs, and no larger', async () => {
  const { call } = await startColony();
  const payload = 'x'.repeat(1_000_000);
  const large = plan(Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`t${n}`, { payload }])));
  expect((await call('POST /plans', large)).status).toBe(201);
  const larger = plan(Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`t${n}`, { payload }])));
  const refused = await call('POST /plans', larger);
  expect(refused).toMatchObject({ status: 413, json: { code: 'payload_too_large' } });
  expect(refused.json.detail).toContain('16 MiB');
  expect((await call('POST /tasks', { description: 'x', payload: [payload, payload] })).json.detail).toContain('1 MiB');
});

test('a task of a plan may be as large as one that is handed in alone, and no larger', async () => {
  const { call } = await startColony();
  for (const more of [{ payload: 'x'.repeat(1024 * 1024) }, { metadata: { note: 'é'.repeat(600_000) } }]) {
    const refused = await call('POST /plans', plan({ a: {}, b: more }));
    expect(refused).toMatchObject({ status: 422, json: { errors: [{ path: '/tasks/1' }] } });
    expect(refused.json.errors[0].message).toContain('1 MiB');
  }
  expect((await call('GET /plans')).json).toEqual([]);
  const keys = Array.from({ length: 900 }, (_, n) => `t${n}`);
  const payload = [...keys.map((key) => ({ $result: key })), 'x'.repeat(1_000_000)];
  const full = plan({ ...Object.fromEntries(keys.map((key) => [key, {}])), all: { payload } });
  expect((await call('POST /plans', full)).status).toBe(201);
});

test('a plan of 10,000 tasks is handed in, and called off with all that is left of it', async () => {
  const colony = await startColony();
  const { call } = colony;
  const tasks = Array.from({ length: 10_000 }, (_, n) => ({
    key: `t${n}`,
    description: `task ${n}`,
    depends_on: n === 0 ? [] : [`t${n - 1}`],
  }));
  const { status, json } = await call('POST /plans', { goal: 'a long chain', tasks });
  expect(status).toBe(201);
  expect(json.progress).toEqual({ completed: 0, total: 10_000 });
  await work(colony, await worker(colony), 'first');
  const graph = (await call(`GET /plans/${json.id}?view=graph`)).json;
  expect(graph.critical_path.keys).toHaveLength(10_000);
  expect((await call(`DELETE /plans/${json.id}`)).status).toBe(204);
  const over = (await call(`GET /plans/${json.id}`)).json;
  expect(over).toMatchObject({ status: 'cancelled', counts: { completed: 1, cancelled: 9999, unfinished: 0 } });
  expect((await call('GET /system/audit/verify')).json.valid).toBe(true);
  expect((await call('POST /plans', { goal: 'g', tasks: [...tasks, { key: 'more', description: 'm' }] })).status).toBe(
    422,
  );
}, 120_000);

test('a join of 500, and the failure of one of them', async () => {
  const colony = await startColony({ MAX_CONCURRENT_TASKS: '0' });
  const { call } = colony;
  const wide = Array.from({ length: 500 }, (_, n) => ({ key: `t${n}`, description: `part ${n}` }));
  const join = { key: 'join', description: 'all', payload: wide.map(({ key }) => ({ $result: `${key}.n` })) };
  const { id, tasks } = (await call('POST /plans', { goal: 'wide', tasks: [join, ...wide] })).json;
  const bee = (await call('POST /workers', { name: 'bee', capabilities: [], max_concurrent_tasks: 600 })).json.id;
  for (let n = 0; n < 500; ) {
    const claimed = (await call(`POST /workers/${bee}/claim`, { max_tasks: 100 })).json.tasks as JsonValue[];
    const done = claimed.map((task, at) =>
      call(`POST /tasks/${task.id}/complete`, { lease_token: task.lease.token, result: { n: n + at } }),
    );
    for (const { status } of await Promise.all(done)) expect(status).toBe(200);
    n += claimed.length;
  }
  const joined = (await call(`GET /tasks/${tasks.join}`)).json;
  expect(joined).toMatchObject({ status: 'queued', payload: Array.from({ length: 500 }, (_, n) => n) });
  const [task] = (await call(`POST /workers/${bee}/claim`)).json.tasks;
  await call(`POST /tasks/${task.id}/fail`, { lease_token: task.lease.token, error: 'no' });
  expect((await call(`GET /plans/${id}`)).json).toMatchObject({
    ...{ status: 'failed', counts: { completed: 500, failed: 1 } },
    failure: { task_id: tasks.join, status: 'failed' },
  });
}, 60_000);

test('the client hands in plans, looks at them, and calls them off', async () => {
  const colony = await startColony();
  const client = new ColonyClient({ url: await colony.listen() });
  const made = await client.submitPlan(THREE, { idempotencyKey: 'k' });
  expect(await client.submitPlan(THREE, { idempotencyKey: 'k' })).toEqual(made);
  expect(await client.plan(made.id)).toEqual(made);
  expect((await client.plan(made.id, { graph: true })).edges).toHaveLength(2);
  expect((await client.listTasks({ plan_id: made.id })).map(({ id }) => id).sort()).toEqual(
    Object.values(made.tasks).sort(),
  );
  await client.cancelPlan(made.id);
  expect(await client.plans({ status: 'cancelled' })).toMatchObject([{ id: made.id, counts: { cancelled: 3 } }]);
  await expect(client.plan('nobody')).rejects.toMatchObject({ status: 404, code: 'plan_not_found' });
  const cyclic = client.submitPlan({ goal: 'g', tasks: [{ key: 'a', description: 'a', depends_on: ['a'] }] });
  await expect(cyclic).rejects.toMatchObject({ status: 422, code: 'dependency_cycle' });
});

test('with a token, plans are made in its name', async () => {
  const { call } = await startColony({ COLONY_SECRET_TOKEN: 'a-secret-of-some-length' });
  const headers = { authorization: 'Bearer a-secret-of-some-length' };
  for (const route of ['POST /plans', 'GET /plans', 'GET /plans/x', 'DELETE /plans/x'])
    expect((await call(route, route.startsWith('POST') ? plan({ a: {} }) : undefined)).status).toBe(401);
  const { json } = await call(
    'POST /plans',
    { ...plan({ a: {}, b: { created_by: 'bob' } }), created_by: 'ann' },
    headers,
  );
  expect(json.created_by).toBe('ann');
  const listed = (await call(`GET /tasks?plan_id=${json.id}`, undefined, headers)).json;
  expect(listed.map((task: JsonValue) => task.created_by)).toEqual(['bob', 'ann']);
});
