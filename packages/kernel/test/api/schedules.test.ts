import { ColonyClient } from '@colonyos/client';
import { expect, test } from 'vitest';
import { startColony } from './harness.ts';

const TASK = {
  description: 'Write the report',
  requirements: { capability: 'writing' },
  group: 'acme',
  metadata: { a: 1 },
};
const NIGHTLY = { name: 'nightly report', cron: '30 2 * * *', timezone: 'Europe/Berlin', task: TASK };
const LONE = { name: 'x', cron: '* * * * *', task: TASK };

test('a schedule is made, looked at, paused, resumed and deleted, and the ledger tells of all that', async () => {
  const { call } = await startColony();
  const made = await call('POST /schedules', NIGHTLY);
  expect(made).toMatchObject({
    status: 201,
    json: {
      ...NIGHTLY,
      ...{ every_seconds: null, overlap: 'skip', catch_up: 'none', paused: false, created_by: 'anonymous' },
      ...{ last_due_at: null, last_task_id: null, last_skipped: null, fired: 0, skipped: 0 },
    },
  });
  const { id, next_run_at: next } = made.json;
  expect(next).toMatch(/T0[01]:30:00\.000Z$/);
  expect(Date.parse(next) - Date.now()).toBeLessThan(25 * 3_600_000);
  expect((await call(`GET /schedules/${id}`)).json).toEqual(made.json);
  const paused = await call(`PATCH /schedules/${id}`, { paused: true });
  expect(paused).toMatchObject({ status: 200, json: { paused: true, next_run_at: null } });
  expect(await call(`PATCH /schedules/${id}`, { paused: false })).toMatchObject({ status: 200, json: made.json });
  expect((await call(`DELETE /schedules/${id}`)).status).toBe(204);
  for (const route of ['GET', 'DELETE']) {
    expect((await call(`${route} /schedules/${id}`)).json).toMatchObject({ status: 404, code: 'schedule_not_found' });
  }
  expect((await call(`PATCH /schedules/${id}`, { paused: true })).json.code).toBe('schedule_not_found');
  const { entries } = (await call('GET /system/audit?limit=4')).json;
  const about = { schedule_id: id };
  expect(entries).toMatchObject([
    { event_type: 'schedule_created', source: 'neurosphere', details: { ...about, cron: '30 2 * * *' } },
    { event_type: 'schedule_updated', details: { ...about, paused: true } },
    { event_type: 'schedule_updated', details: { ...about, paused: false } },
    { event_type: 'schedule_deleted', details: about },
  ]);
});

test('it hands in its task when it is due, on the grid, and remembers what it was', async () => {
  const { call } = await startColony();
  const { id, created_at: created } = (
    await call('POST /schedules', { name: 'tick', every_seconds: 1, task: TASK, overlap: 'queue' })
  ).json;
  const now = async () => (await call(`GET /schedules/${id}`)).json;
  await expect.poll(async () => (await now()).fired, { timeout: 10_000, interval: 20 }).toBeGreaterThan(1);
  const seen = await now();
  const { entries } = (await call('GET /system/audit?event_type=schedule_fired')).json;
  const dues = entries.map(({ details }: { details: { due_at: string } }) => Date.parse(details.due_at));
  expect(dues.slice(0, 2).map((at: number) => at - Date.parse(created))).toEqual([1000, 2000]);
  for (const { timestamp, details } of entries) {
    expect(Date.parse(timestamp) - Date.parse(details.due_at)).toBeLessThan(2000);
  }
  expect((await call(`GET /tasks/${seen.last_task_id}`)).json).toMatchObject({ ...TASK, status: 'queued', tags: [] });
  const history = (await call(`GET /tasks/${seen.last_task_id}/events`)).json;
  expect(history.map(({ type }: { type: string }) => type)).toEqual([
    ...['task_validated', 'task_submitted', 'schedule_fired'],
  ]);
});

test('a waiting worker is given what a schedule hands in', async () => {
  const { call } = await startColony();
  const worker = (await call('POST /workers', { name: 'w', capabilities: [{ name: 'writing' }] })).json.id;
  await call('POST /schedules', { name: 'tick', every_seconds: 1, task: TASK });
  const { tasks } = (await call(`POST /workers/${worker}/claim`, { max_tasks: 1, wait_seconds: 10 })).json;
  expect(tasks).toMatchObject([{ description: TASK.description }]);
});

test('schedules are listed newest first, page by page', async () => {
  const { call } = await startColony();
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.unshift((await call('POST /schedules', { ...NIGHTLY, name: `n ${n}` })).json.id);
  const listed = async (path: string) => {
    const { json, headers } = await call(`GET ${path}`);
    const next = /<(.*)>; rel="next"/.exec(String(headers.link))?.[1];
    return { ids: json.map(({ id }: { id: string }) => id), next };
  };
  expect((await listed('/schedules')).ids).toEqual(ids);
  const first = await listed('/schedules?limit=3');
  expect(first.ids).toEqual(ids.slice(0, 3));
  expect(await listed(first.next!)).toEqual({ ids: ids.slice(3), next: undefined });
  expect((await call('GET /schedules?cursor=xyz')).status).toBe(422);
});

test('a page ends early when what is in it is long, and nothing is left out', async () => {
  const { call } = await startColony();
  const long = { ...LONE, task: { ...TASK, payload: 'x'.repeat(900_000) } };
  for (let n = 0; n < 12; n++) await call('POST /schedules', long);
  for (let n = 0; n < 45; n++) await call('POST /schedules', LONE);
  const counts: number[] = [];
  const seen = new Set<string>();
  for (let next: string | undefined = '/schedules?limit=50'; next !== undefined; ) {
    const { json, headers } = await call(`GET ${next}`);
    counts.push(json.length);
    for (const { id } of json) seen.add(id);
    next = /<(.*)>; rel="next"/.exec(String(headers.link))?.[1];
  }
  expect(counts).toEqual([50, 7]);
  expect(seen.size).toBe(57);
  expect((await call('GET /schedules?limit=57')).json).toHaveLength(55);
});

test('a rollback says what it does to schedules, and a list of the differences beforehand', async () => {
  const { call } = await startColony();
  const { id } = (await call('POST /schedules', NIGHTLY)).json;
  const { checkpoint_id: checkpoint } = (await call('POST /system/checkpoint')).json;
  await call(`PATCH /schedules/${id}`, { paused: true });
  const added = (await call('POST /schedules', NIGHTLY)).json.id;
  const { items } = (await call(`GET /system/checkpoints/${checkpoint}/diff`)).json;
  const kind = 'schedule';
  expect(items).toEqual(
    expect.arrayContaining([
      { kind, id, from: 'paused', to: 'active' },
      { kind, id: added, from: 'active', to: null },
    ]),
  );
  for (const query of ['?dry_run=true', '']) {
    const { json } = await call(`POST /system/rollback/${checkpoint}${query}`);
    expect(json.state.schedules).toEqual({ restored: 1, removed: 1 });
  }
  expect((await call('GET /schedules')).json).toMatchObject([{ id, paused: false }]);
});

test.each([
  [{}, '/name'],
  [{ ...LONE, name: '' }, '/name'],
  [{ ...LONE, task: undefined }, '/task'],
  [{ ...LONE, task: {} }, '/task/description'],
  [{ ...LONE, task: { ...TASK, priority: 11 } }, '/task/priority'],
  [{ ...LONE, task: { ...TASK, run_at: '2030-01-01T00:00:00Z' } }, '/task/run_at'],
  [{ ...LONE, task: { ...TASK, depends_on: ['x'] } }, '/task/depends_on'],
  [{ ...LONE, task: { ...TASK, parent_id: 'x' } }, '/task/parent_id'],
  [{ name: 'x', task: TASK }, '/cron'],
  [{ ...LONE, every_seconds: 5 }, '/cron'],
  [{ ...LONE, cron: '* * * *' }, '/cron'],
  [{ ...LONE, cron: '0 0 30 2 *' }, '/cron'],
  [{ ...LONE, cron: null, every_seconds: 0.5 }, '/every_seconds'],
  [{ ...LONE, cron: null, every_seconds: 1e9 }, '/every_seconds'],
  [{ ...LONE, timezone: 'Europe/Nowhere' }, '/timezone'],
  [{ ...LONE, overlap: 'cancel' }, '/overlap'],
  [{ ...LONE, catch_up: 'all' }, '/catch_up'],
])('%j is no schedule', async (body, path) => {
  const { call } = await startColony();
  const refused = await call('POST /schedules', body);
  expect([refused.status, refused.json.errors[0].path]).toEqual([422, path]);
  expect((await call('GET /schedules')).json).toEqual([]);
});

test.each([[{}], [{ paused: 'yes' }], [{ paused: null }]])('%j changes no schedule', async (body) => {
  const { call } = await startColony();
  const made = (await call('POST /schedules', NIGHTLY)).json;
  const refused = await call(`PATCH /schedules/${made.id}`, body);
  expect([refused.status, refused.json.errors[0].path]).toEqual([422, '/paused']);
  expect((await call(`GET /schedules/${made.id}`)).json).toEqual(made);
});

test('a task may nest as deep as one that is handed in by itself, and what it does not know is not kept', async () => {
  const { call } = await startColony();
  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
  const task = { ...TASK, payload: deep(31), unknown: true };
  expect((await call('POST /tasks', task)).status).toBe(201);
  const made = await call('POST /schedules', { ...LONE, task });
  expect(made).toMatchObject({ status: 201, json: { task: { ...TASK, payload: deep(31) } } });
  expect(made.json.task).not.toHaveProperty('unknown');
  expect((await call('POST /schedules', { ...LONE, task: { ...TASK, payload: deep(32) } })).status).toBe(422);
});

test('with a token set, nobody without it looks at schedules or changes them', async () => {
  const { call } = await startColony({ COLONY_SECRET_TOKEN: 'secret' });
  for (const route of ['GET /schedules', 'GET /schedules/x', 'POST /schedules', 'PATCH /schedules/x']) {
    expect((await call(route)).status).toBe(401);
  }
});

test('the client makes schedules, looks at them, pauses, resumes and deletes them', async () => {
  const { listen } = await startColony();
  const colony = new ColonyClient({ url: await listen() });
  const { id, next_run_at: next } = await colony.createSchedule(NIGHTLY);
  expect(await colony.listSchedules({ limit: 10 })).toMatchObject([{ id, task: TASK }]);
  expect(await colony.pauseSchedule(id)).toMatchObject({ paused: true, next_run_at: null });
  expect(await colony.resumeSchedule(id)).toMatchObject({ paused: false, next_run_at: next });
  expect(await colony.getSchedule(id)).toMatchObject({ cron: NIGHTLY.cron, timezone: NIGHTLY.timezone });
  await colony.deleteSchedule(id);
  await expect(colony.getSchedule(id)).rejects.toMatchObject({ status: 404, code: 'schedule_not_found' });
  const wrong = colony.createSchedule({ ...NIGHTLY, cron: '61 * * * *' });
  await expect(wrong).rejects.toMatchObject({ status: 422, errors: [{ path: '/cron' }] });
});
