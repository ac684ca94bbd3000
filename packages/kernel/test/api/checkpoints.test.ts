import { ColonyClient } from '@colonyos/client';
import { expect, test } from 'vitest';
import { type Answer, type Harness, type JsonValue, startColony } from './harness.ts';

async function submit({ call }: Harness, task: object = {}, headers = {}): Promise<JsonValue> {
  return (await call('POST /tasks', { description: 'x', ...task }, headers)).json;
}

async function checkpoint({ call }: Harness, label?: string): Promise<string> {
  return (await call('POST /system/checkpoint', label === undefined ? undefined : { label })).json.checkpoint_id;
}

async function hire({ call }: Harness, slots = 5): Promise<string> {
  return (await call('POST /workers', { name: 'bee', max_concurrent_tasks: slots })).json.id;
}

async function claim({ call }: Harness, id: string): Promise<JsonValue> {
  return (await call(`POST /workers/${id}/claim`)).json.tasks[0];
}

const SETTINGS = { MAX_CONCURRENT_TASKS: '0' };

test('checkpoints are made, listed and forgotten; the ledger tells of them', async () => {
  const colony = await startColony();
  const { call } = colony;
  const made = await call('POST /system/checkpoint', { label: 'before the import' });
  expect(made).toMatchObject({ status: 200, json: { label: 'before the import' } });
  expect(Object.keys(made.json)).toEqual(['checkpoint_id', 'timestamp', 'label', 'event_id']);
  const other = await call('POST /system/checkpoint');
  expect(other.json.label).toBeNull();
  expect((await call('GET /system/checkpoints')).json).toEqual([other.json, made.json]);
  expect((await call(`DELETE /system/checkpoints/${made.json.checkpoint_id}`)).status).toBe(204);
  expect((await call(`DELETE /system/checkpoints/${made.json.checkpoint_id}`)).json.code).toBe('checkpoint_not_found');
  expect((await call('GET /system/checkpoints')).json).toEqual([other.json]);
  const { entries } = (await call('GET /system/audit')).json;
  const told = entries.filter(({ event_type }: JsonValue) => event_type.startsWith('checkpoint_'));
  expect(told.map(({ id, event_type }: JsonValue) => [id, event_type])).toEqual([
    [made.json.event_id, 'checkpoint_created'],
    [other.json.event_id, 'checkpoint_created'],
    [expect.any(Number), 'checkpoint_deleted'],
  ]);
  for (const route of [
    'POST /system/rollback/x',
    'POST /system/rollback/x?dry_run=true',
    'GET /system/checkpoints/x/diff',
  ]) {
    expect((await call(route)).json.code).toBe('checkpoint_not_found');
  }
});

test('only the newest are kept', async () => {
  const colony = await startColony({ COLONY_CHECKPOINT_KEEP: '2' });
  const ids = [await checkpoint(colony), await checkpoint(colony), await checkpoint(colony)];
  const listed = (await colony.call('GET /system/checkpoints')).json;
  expect(listed.map(({ checkpoint_id }: JsonValue) => checkpoint_id)).toEqual([ids[2], ids[1]]);
});

test('one is made by itself now and then', async () => {
  const { call } = await startColony({ COLONY_CHECKPOINT_EVERY_SECONDS: '1' });
  await expect
    .poll(async () => (await call('GET /system/checkpoints')).json.length, { timeout: 5000 })
    .toBeGreaterThan(1);
});

test('a rollback makes tasks what they were, takes those away that are new, and revokes every lease', async () => {
  const colony = await startColony(SETTINGS);
  const { call } = colony;
  const bee = await hire(colony);
  const [queued, running, done] = [
    await submit(colony, { priority: 1 }),
    await submit(colony, { priority: 9 }),
    await submit(colony, { priority: 8 }),
  ];
  const lease = (await claim(colony, bee)).lease;
  const id = await checkpoint(colony);
  const finished = await claim(colony, bee);
  expect(finished.id).toBe(done.id);
  await call(`POST /tasks/${done.id}/complete`, { lease_token: finished.lease.token, result: 42 });
  await call(`DELETE /tasks/${queued.id}`);
  const fresh = await submit(colony, { depends_on: [done.id] }, { 'idempotency-key': 'k' });
  await claim(colony, bee);

  const diff = (await call(`GET /system/checkpoints/${id}/diff`)).json;
  expect(diff.items).toContainEqual({ kind: 'task', id: done.id, from: 'completed', to: 'queued' });
  expect(diff.items).toContainEqual({ kind: 'task', id: queued.id, from: 'cancelled', to: 'queued' });
  expect(diff.items).toContainEqual({ kind: 'task', id: fresh.id, from: 'executing', to: null });
  expect(diff.next_cursor).toBeNull();

  const dry = await call(`POST /system/rollback/${id}?dry_run=true`);
  const state = { tasks: { restored: 2, removed: 1, requeued: 1 }, votes: { restored: 0, removed: 0 } };
  expect(dry).toMatchObject({ status: 200, json: { status: 'dry_run', checkpoint_id: id, state } });
  expect((await call(`GET /tasks/${fresh.id}`)).status).toBe(200);

  const back = await call(`POST /system/rollback/${id}`);
  expect(back.json).toEqual({ ...dry.json, status: 'rolled_back' });
  for (const task of [queued, running, done]) {
    expect((await call(`GET /tasks/${task.id}`)).json).toMatchObject({ status: 'queued', result: null });
  }
  expect((await call(`GET /tasks/${fresh.id}`)).json.code).toBe('task_not_found');
  expect((await call(`GET /workers/${bee}`)).json.current_tasks).toEqual([]);
  const late = await call(`POST /tasks/${running.id}/complete`, { lease_token: lease.token });
  expect(late).toMatchObject({ status: 409, json: { code: 'stale_lease' } });

  // Tokens go on, keys of what is gone can be used again, and the ledger has it all.
  const again = [await claim(colony, bee), await claim(colony, bee), await claim(colony, bee)];
  expect(again.map((task) => task.id)).toEqual([running.id, done.id, queued.id]);
  expect(again[0].lease.token).toBeGreaterThan(lease.token);
  expect(again[1].lease.token).toBeGreaterThan(finished.lease.token);
  expect((await submit(colony, { depends_on: [done.id] }, { 'idempotency-key': 'k' })).id).not.toBe(fresh.id);
  const { entries } = (await call('GET /system/audit?event_type=rollback_completed')).json;
  expect(entries).toMatchObject([{ details: { checkpoint_id: id, restored: 2, removed: 1, requeued: 1 } }]);
  expect((await call('GET /system/audit/verify')).json.valid).toBe(true);
  expect((await call('GET /system/stats')).json.tasks).toMatchObject({ executing: 3, pending: 1, completed: 0 });
});

test('a dry run that was misspelt is refused, rather than a rollback', async () => {
  const colony = await startColony(SETTINGS);
  const id = await checkpoint(colony);
  const task = await submit(colony);
  for (const [query, body, field] of [
    ['?dryrun=true', undefined, 'query.dryrun'],
    ['', { dry_run: true }, 'body.dry_run'],
  ] as const) {
    const answer = await colony.call(`POST /system/rollback/${id}${query}`, body);
    expect(answer).toMatchObject({ status: 422, json: { code: 'validation_failed' } });
    expect(answer.text).toContain(field);
  }
  expect((await colony.call(`GET /tasks/${task.id}`)).status).toBe(200);
});

test('what a rollback would change comes page by page, and whoever makes up where one begins is refused', async () => {
  const colony = await startColony(SETTINGS);
  const { call } = colony;
  await submit(colony);
  const early = await checkpoint(colony);
  const tasks = [await submit(colony), await submit(colony, {}, { 'idempotency-key': 'a key' })];
  const late = await checkpoint(colony);
  tasks.push(await submit(colony));
  const found: JsonValue[] = [];
  const cursors: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const from: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page: JsonValue = (await call(`GET /system/checkpoints/${early}/diff?limit=1${from}`)).json;
    found.push(...page.items);
    cursor = page.next_cursor;
    if (cursor !== null) cursors.push(cursor);
  }
  expect(
    found
      .filter(({ kind }) => kind === 'task')
      .map(({ id }) => id)
      .sort(),
  ).toEqual(tasks.map(({ id }) => id).sort());
  expect(found).toHaveLength(4);

  const made = (text: string) => Buffer.from(text).toString('base64url');
  const listed = made('s5');
  // The first place is one of what was kept before the later checkpoint.
  for (const cursor of [
    'x',
    listed,
    made('12'),
    made('12 '),
    made('-1 task a'),
    made(`${'9'.repeat(16)} task a`),
    cursors[0],
  ]) {
    const answer = await call(`GET /system/checkpoints/${late}/diff?cursor=${cursor}`);
    expect(answer).toMatchObject({ status: 422, json: { code: 'validation_failed' } });
    expect(answer.text).toContain('query.cursor');
  }
  expect((await call(`GET /system/checkpoints/${late}/diff?cursor=${cursors.at(-1)}`)).json.items).toEqual([]);
});

test('a vote goes back with its task', async () => {
  const colony = await startColony(SETTINGS);
  const { call } = colony;
  const { id } = await submit(colony, { constraints: { safety_level: 'critical' } });
  const at = await checkpoint(colony);
  await call(`POST /votes/${id}/ballots`, { participant: 'operator', approve: false });
  expect((await call(`GET /tasks/${id}`)).json.status).toBe('rejected');
  const back = (await call(`POST /system/rollback/${at}`)).json;
  expect(back.state).toMatchObject({ tasks: { restored: 1 }, votes: { restored: 1, removed: 0 } });
  expect((await call(`GET /votes/${id}`)).json).toMatchObject({ status: 'open', ballots: [] });
  expect((await call(`GET /tasks/${id}`)).json).toMatchObject({ status: 'pending', pending_reason: 'approval' });
  await call(`POST /votes/${id}/ballots`, { participant: 'operator', approve: true });
  expect((await call(`GET /tasks/${id}`)).json.status).toBe('queued');
});

test('one can go back, and forward again to a later checkpoint', async () => {
  const colony = await startColony(SETTINGS);
  const { call } = colony;
  const first = await submit(colony);
  const one = await checkpoint(colony);
  await call(`DELETE /tasks/${first.id}`);
  const second = await submit(colony, {}, { 'idempotency-key': 'k' });
  const two = await checkpoint(colony);
  await call(`DELETE /tasks/${second.id}`);
  const statuses = async () => [
    (await call(`GET /tasks/${first.id}`)).json.status,
    (await call(`GET /tasks/${second.id}`)).json.status,
  ];
  await call(`POST /system/rollback/${one}`);
  expect(await statuses()).toEqual(['queued', 404]);
  await call(`POST /system/rollback/${two}`);
  expect(await statuses()).toEqual(['cancelled', 'queued']);
  expect((await submit(colony, {}, { 'idempotency-key': 'k' })).id).toBe(second.id);
  await call(`POST /system/rollback/${one}`);
  expect(await statuses()).toEqual(['queued', 404]);
  expect((await call('GET /system/stats')).json.tasks).toMatchObject({ queued: 1, cancelled: 0 });
});

test('a worker is told that what it runs is not its own any more, and a waiting claim gets it', async () => {
  const colony = await startColony(SETTINGS);
  const { call } = colony;
  const task = await submit(colony);
  const [bee, other] = [await hire(colony, 1), await hire(colony, 1)];
  const at = await checkpoint(colony);
  await claim(colony, bee);
  const wait = async (): Promise<Answer> => {
    const answer = await call(`POST /workers/${other}/claim`, { wait_seconds: 20 });
    // It may come when nobody may do anything.
    return answer.status === 503 ? wait() : answer;
  };
  const waiting = wait();
  await call(`POST /system/rollback/${at}`);
  expect((await waiting).json.tasks).toMatchObject([{ id: task.id }]);
  const { entries } = (await call(`GET /system/audit?task_id=${task.id}&event_type=task_requeued`)).json;
  expect(entries).toMatchObject([{ details: { reason: 'rollback', worker_id: bee } }]);
});

test('many changes go back in many pages', async () => {
  const colony = await startColony(SETTINGS);
  const { call } = colony;
  const tasks = Array.from({ length: 700 }, () => ({ description: 'x' }));
  const before = (await call('POST /tasks/batch', { tasks })).json.tasks;
  const at = await checkpoint(colony);
  await call('POST /tasks/batch', { tasks });
  await Promise.all(before.map(({ id }: JsonValue) => call(`DELETE /tasks/${id}`)));
  const { state } = (await call(`POST /system/rollback/${at}`)).json;
  expect(state.tasks).toEqual({ restored: 700, removed: 700, requeued: 0 });
  expect((await call('GET /system/stats')).json.kernel).toMatchObject({ total_tasks: 700, queue_size: 700 });
});

test('the client makes checkpoints, and goes back to them', async () => {
  const { listen } = await startColony(SETTINGS);
  const colony = new ColonyClient({ url: await listen() });
  const { checkpoint_id: id } = await colony.createCheckpoint('first');
  expect(await colony.listCheckpoints()).toMatchObject([{ checkpoint_id: id, label: 'first' }]);
  await colony.submit({ description: 'x' });
  const dry = await colony.rollback(id, { dryRun: true });
  expect(dry).toMatchObject({ status: 'dry_run', state: { tasks: { restored: 0, removed: 1, requeued: 0 } } });
  expect(await colony.rollback(id)).toEqual({ ...dry, status: 'rolled_back' });
  await colony.deleteCheckpoint(id);
  await expect(colony.rollback(id)).rejects.toMatchObject({ code: 'checkpoint_not_found' });
});
