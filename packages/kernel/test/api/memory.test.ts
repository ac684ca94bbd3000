/** Memory that agents share, over HTTP. */
import { expect, test } from 'vitest';
import { type Harness, startColony } from './harness.ts';

const PLAN = { value: { owner: 'agent-7', done: [1, 2] }, metadata: { kind: 'plan' }, text: 'who does what' };

test('a value is put under a key, read, replaced, listed and deleted, and the ledger tells of all that by its hash', async () => {
  const { call } = await startColony();
  const made = await call('PUT /memory/team/plan', PLAN);
  expect(made).toMatchObject({
    status: 201,
    headers: { etag: '"1"' },
    json: { scope: 'team', key: 'plan', ...PLAN, version: 1, expires_at: null },
  });
  expect(made.json.created_at).toBe(made.json.updated_at);
  const read = await call('GET /memory/team/plan');
  expect(read).toMatchObject({ status: 200, headers: { etag: '"1"' }, json: made.json });
  const next = await call('PUT /memory/team/plan', { value: null });
  expect(next).toMatchObject({ status: 200, headers: { etag: '"2"' }, json: { value: null, version: 2 } });
  expect(next.json).toMatchObject({ metadata: {}, text: null, created_at: made.json.created_at });
  expect((await call('GET /memory')).json.scopes).toMatchObject([{ scope: 'team', keys: 1, vectors: 0 }]);
  expect((await call('GET /memory/team')).json).toEqual({ items: [next.json], next_cursor: null });
  expect(await call('DELETE /memory/team/plan')).toMatchObject({ status: 204, text: '' });
  for (const route of ['GET', 'DELETE']) {
    const gone = await call(`${route} /memory/team/plan`);
    expect(gone).toMatchObject({ status: 404, json: { code: 'memory_key_not_found' } });
  }
  expect((await call('GET /memory')).json.scopes).toEqual([]);
  const audit = (await call('GET /system/audit?limit=10')).json;
  // What its text means is found out in between.
  const told = ({ event_type }: { event_type: string }) => /^memory_(written|deleted)/.test(event_type);
  const entries = audit.entries.filter(told);
  const about = { scope: 'team', key: 'plan' };
  expect(entries).toMatchObject([
    { event_type: 'memory_written', source: 'kernel', actor: 'anonymous', details: { ...about, version: 1 } },
    { event_type: 'memory_written', details: { ...about, version: 2 } },
    { event_type: 'memory_deleted', details: { ...about, version: 2, reason: 'deleted' } },
  ]);
  expect(entries[0].details.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(entries[0].details.hash).not.toBe(entries[1].details.hash);
  expect(JSON.stringify(entries)).not.toContain('agent-7');
});

test('what goes in comes out, whatever it is', async () => {
  const { call } = await startColony();
  const values = [
    null,
    false,
    0,
    -1.5e300,
    '',
    'ü\u0000\u{1f600}',
    [],
    {},
    [[{ a: [null] }]],
    { '': 1, __proto__x: 2 },
  ];
  for (const [n, value] of values.entries()) {
    await call(`PUT /memory/s/k${n}`, { value });
    expect((await call(`GET /memory/s/k${n}`)).json.value).toEqual(value);
  }
  for (const key of ['a/b', 'a b', '%', '...', 'ü', '\u{1f600}', '"quoted"', 'x'.repeat(512)]) {
    const path = `/memory/s/${encodeURIComponent(key)}`;
    expect(await call(`PUT ${path}`, { value: key })).toMatchObject({ status: 201, json: { key } });
    expect((await call(`GET ${path}`)).json).toMatchObject({ key, value: key });
    expect((await call(`GET /memory/s?prefix=${encodeURIComponent(key)}`)).json.items[0]).toMatchObject({ key });
  }
});

test('a condition that does not hold is told, and nothing changes', async () => {
  const { call } = await startColony();
  const put = (headers: Record<string, string>, value: unknown = 1) => call('PUT /memory/s/k', { value }, headers);
  expect((await put({ 'if-match': '*' })).status).toBe(412);
  expect((await put({ 'if-match': '"1"' })).status).toBe(412);
  expect(await put({ 'if-none-match': '*' })).toMatchObject({ status: 201, json: { version: 1 } });
  expect(await put({ 'if-none-match': '*' }, 2)).toMatchObject({ status: 412, json: { code: 'version_mismatch' } });
  expect((await put({ 'if-match': '"2"' }, 3)).json.detail).toContain('it is at version 1');
  expect((await call('GET /memory/s/k')).json.value).toBe(1);
  expect((await put({ 'if-match': '"1"' }, 4)).json).toMatchObject({ value: 4, version: 2 });
  expect((await put({ 'if-match': '*' }, 5)).json).toMatchObject({ value: 5, version: 3 });
  expect((await call('DELETE /memory/s/k', undefined, { 'if-match': '"2"' })).status).toBe(412);
  expect((await call('DELETE /memory/s/k', undefined, { 'if-match': '"3"' })).status).toBe(204);
  expect(await put({ 'if-none-match': '*' })).toMatchObject({ status: 201, json: { version: 4 } });
});

test('of twenty who want the same key at once one gets it, and of twenty who count none is lost', async () => {
  const { call } = await startColony();
  const all = Array.from({ length: 20 }, (_, n) => n);
  const lock = await Promise.all(all.map((n) => call('PUT /memory/s/lock', { value: n }, { 'if-none-match': '*' })));
  expect(lock.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(lock.filter(({ status }) => status === 412)).toHaveLength(19);
  await call('PUT /memory/s/count', { value: 0 });
  await Promise.all(
    all.map(async () => {
      for (;;) {
        const { value, version } = (await call('GET /memory/s/count')).json;
        const answer = await call('PUT /memory/s/count', { value: value + 1 }, { 'if-match': `"${version}"` });
        if (answer.status === 200) return;
        expect(answer.status).toBe(412);
      }
    }),
  );
  expect((await call('GET /memory/s/count')).json).toMatchObject({ value: 20, version: 21 });
});

test('an entry is there for as long as it was put for', async () => {
  const { call } = await startColony();
  const { json } = await call('PUT /memory/s/k', { value: 1, ttl_seconds: 0.3 });
  expect(Date.parse(json.expires_at) - Date.parse(json.updated_at)).toBe(300);
  expect((await call('GET /memory/s/k')).status).toBe(200);
  await expect.poll(async () => (await call('GET /memory/s/k')).status, { timeout: 5000, interval: 20 }).toBe(404);
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(json.expires_at));
  const told = async () => (await call('GET /system/audit?event_type=memory_deleted')).json.entries;
  await expect.poll(told, { timeout: 5000, interval: 20 }).toMatchObject([{ details: { reason: 'expired' } }]);
  expect((await call('GET /memory')).json.scopes).toEqual([]);
});

test('many are put together, all or none', async () => {
  const { call } = await startColony();
  const batch = (items: unknown[]) => call('POST /memory/s/batch', { items });
  const many = Array.from({ length: 1000 }, (_, n) => ({ key: `k${n}`, value: n }));
  const { status, json } = await batch(many);
  expect(status).toBe(200);
  expect(json.items).toEqual(many.map(({ key }) => ({ key, version: 1 })));
  expect(
    (
      await batch([
        { key: 'a', value: 1 },
        { key: 'a', value: 2 },
      ])
    ).json.items.map(version),
  ).toEqual([1, 2]);
  const vectors = await batch([
    { key: 'x', value: 1, vector: [1, 2] },
    { key: 'y', value: 1, vector: [1, 2, 3] },
  ]);
  expect(vectors).toMatchObject({ status: 422, json: { errors: [{ path: '/items/1/vector' }] } });
  expect((await call('GET /memory/s/x')).status).toBe(404);
  expect((await call('GET /memory')).json.scopes).toMatchObject([{ scope: 's', keys: 1001 }]);
});

test('many are put as they are: whoever asks for a condition is told that there is none', async () => {
  const { call } = await startColony();
  await call('PUT /memory/s/k', { value: 1 });
  const items = [{ key: 'k', value: 2 }];
  for (const [header, value] of [
    ['If-None-Match', '*'],
    ['If-Match', '"7"'],
  ] as const) {
    const answer = await call('POST /memory/s/batch', { items }, { [header.toLowerCase()]: value });
    expect(fieldOf(answer)).toEqual([422, `header.${header}`]);
  }
  expect((await call('GET /memory/s/k')).json).toMatchObject({ value: 1, version: 1 });
});

function version(item: { version: number }): number {
  return item.version;
}

test('a rollback brings memory back, and says how much', async () => {
  const { call } = await startColony();
  await call('PUT /memory/s/kept', { value: 1 });
  await call('PUT /memory/s/changed', { value: 1, vector: [1, 0] });
  await call('PUT /memory/s/deleted', { value: 1, metadata: { a: 1 } });
  const { checkpoint_id: id } = (await call('POST /system/checkpoint')).json;
  await call('PUT /memory/s/changed', { value: 2 });
  await call('DELETE /memory/s/deleted');
  await call('PUT /memory/s/new', { value: 1 });
  const state = { memory: { restored: 2, removed: 1 } };
  const { items } = (await call(`GET /system/checkpoints/${id}/diff`)).json;
  expect(items.filter(({ kind }: { kind: string }) => kind === 'memory')).toHaveLength(3);
  expect((await call(`POST /system/rollback/${id}?dry_run=true`)).json).toMatchObject({ status: 'dry_run', state });
  expect((await call(`POST /system/rollback/${id}`)).json).toMatchObject({ status: 'rolled_back', state });
  expect((await call('GET /memory/s')).json.items).toMatchObject([
    { key: 'changed', value: 1 },
    { key: 'deleted', value: 1, metadata: { a: 1 } },
    { key: 'kept', value: 1, version: 1 },
  ]);
  expect((await call('GET /memory')).json.scopes).toMatchObject([{ keys: 3, vectors: 1, dimension: 2 }]);
  expect((await call('GET /system/audit/verify')).json.valid).toBe(true);
});

function fieldOf(answer: Awaited<ReturnType<Harness['call']>>): unknown {
  return [answer.status, answer.json.errors?.[0]?.path];
}

test('what cannot be put is told by field, and nothing changes', async () => {
  const { call } = await startColony({ COLONY_MEMORY_MAX_VALUE_BYTES: '100' });
  const put = async (body: unknown, path = '/memory/s/k', headers = {}) =>
    fieldOf(await call(`PUT ${path}`, body, headers));
  const one = { value: 1 };
  expect(await put({})).toEqual([422, '/value']);
  expect(await put({ value: 'x'.repeat(99) })).toEqual([413, '/value']);
  expect(await put({ value: 'x'.repeat(98) }, '/memory/other/k')).toEqual([201, undefined]);
  expect(await put({ ...one, ttl_seconds: 0 })).toEqual([422, '/ttl_seconds']);
  expect(await put({ ...one, ttl_seconds: 'x' })).toEqual([422, '/ttl_seconds']);
  expect(await put({ ...one, vector: [] })).toEqual([422, '/vector']);
  expect(await put({ ...one, vector: [0, 0] })).toEqual([422, '/vector']);
  expect(await put({ ...one, vector: [1, 1e39] })).toEqual([422, '/vector/1']);
  expect(await put({ ...one, vector: [1, 'x'] })).toEqual([422, '/vector/1']);
  expect(await put({ ...one, vector: Array(4097).fill(1) })).toEqual([422, '/vector']);
  expect(await put({ ...one, text: 'x'.repeat(100_001) })).toEqual([422, '/text']);
  expect(await put({ ...one, metadata: [] })).toEqual([422, '/metadata']);
  expect(await put({ ...one, metadata: { a: 'x'.repeat(20_000) } })).toEqual([422, '/metadata']);
  expect(await put(one, '/memory/-s/k')).toEqual([422, 'path.scope']);
  expect(await put(one, '/memory/a%20b/k')).toEqual([422, 'path.scope']);
  expect(await put(one, `/memory/${'s'.repeat(129)}/k`)).toEqual([422, 'path.scope']);
  expect(await put(one, `/memory/s/${'k'.repeat(513)}`)).toEqual([422, 'path.key']);
  expect(await put(one, '/memory/s/a%00b')).toEqual([422, 'path.key']);
  expect(await put(one, '/memory/s/k', { 'if-match': '1' })).toEqual([422, 'header.If-Match']);
  expect(await put(one, '/memory/s/k', { 'if-none-match': '"1"' })).toEqual([422, 'header.If-None-Match']);
  expect(await put(one, '/memory/s/k', { 'if-match': '"1"', 'if-none-match': '*' })).toEqual([
    422,
    'header.If-None-Match',
  ]);
  const batch = async (items: unknown[]) => fieldOf(await call('POST /memory/s/batch', { items }));
  expect(await batch([])).toEqual([422, '/items']);
  expect(await batch(Array(1001).fill({ key: 'k', value: 1 }))).toEqual([422, '/items']);
  expect(
    await batch([
      { key: 'k', value: 1 },
      { key: '', value: 1 },
    ]),
  ).toEqual([422, '/items/1/key']);
  expect(await batch([{ key: '..', value: 1 }])).toEqual([422, '/items/0/key']);
  expect(await batch([{ key: 'k', value: 1 }, { key: 'l' }])).toEqual([422, '/items/1/value']);
  expect((await call('GET /memory/s')).json.items).toEqual([]);
});
