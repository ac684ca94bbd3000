/** What the memory holds, listed page by page. */
import { expect, test } from 'vitest';
import { type Harness, startColony } from './harness.ts';

/** The keys on all pages, or the names of scopes. */
async function listed(call: Harness['call'], path: string, query: string, between = async () => {}): Promise<string[]> {
  const seen: string[] = [];
  for (let cursor = ''; ; ) {
    const { items, scopes, next_cursor: next } = (await call(`GET ${path}?${query}${cursor}`)).json;
    seen.push(...(items ?? scopes).map(({ key, scope }: { key?: string; scope: string }) => key ?? scope));
    if (next === null) return seen;
    cursor = `&cursor=${next}`;
    await between();
  }
}

async function put(call: Harness['call'], ...keys: string[]): Promise<void> {
  await call('POST /memory/s/batch', { items: keys.map((key) => ({ key, value: key })) });
}

test('a scope is listed by key, page by page, also by what keys begin with', async () => {
  const { call } = await startColony();
  await put(call, 'b', 'a', 'a/2', 'a/1', 'a/10', 'c', 'ä', 'Z', '.x', '..y', '...');
  await call('PUT /memory/s2/other', { value: 1 });
  const keys = (query: string) => listed(call, '/memory/s', query);
  const all = ['...', '..y', '.x', 'Z', 'a', 'a/1', 'a/10', 'a/2', 'b', 'c', 'ä'];
  for (const limit of [1, 3, 100]) expect(await keys(`limit=${limit}`)).toEqual(all);
  for (const limit of [1, 100]) expect(await keys(`prefix=a/&limit=${limit}`)).toEqual(['a/1', 'a/10', 'a/2']);
  expect(await keys('prefix=.')).toEqual(['...', '..y', '.x']);
  expect(await keys('prefix=..')).toEqual(['...', '..y']);
  expect(await keys('prefix=a%25')).toEqual([]);
});

test('scopes are listed by name, page by page, also by what they begin with', async () => {
  const { call } = await startColony();
  for (const scope of ['s2', 's', 'r', 't:1']) await call(`PUT /memory/${scope}/k`, { value: 1 });
  await call('DELETE /memory/r/k');
  for (const limit of [1, 100]) expect(await listed(call, '/memory', `limit=${limit}`)).toEqual(['s', 's2', 't:1']);
  expect((await call('GET /memory?limit=1')).json.next_cursor).toEqual(expect.any(String));
  expect((await call('GET /memory?prefix=s2')).json).toMatchObject({ scopes: [{ scope: 's2' }], next_cursor: null });
});

test('what is there all the while is listed once, whatever comes and goes between two pages', async () => {
  const { call } = await startColony();
  const all = Array.from({ length: 20 }, (_, n) => `k${String(n).padStart(2, '0')}`);
  await put(call, ...all, ...all.map((key) => `${key}-`));
  let turn = 0;
  const seen = await listed(call, '/memory/s', 'limit=3', async () => {
    await call(`DELETE /memory/s/${all[turn]}-`);
    await put(call, `k${String(19 - turn).padStart(2, '0')}+`, all[turn]!);
    turn++;
  });
  expect(turn).toBeGreaterThan(6);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.filter((key) => all.includes(key))).toEqual(all);
});

test('what cannot be listed is told by field', async () => {
  const { call } = await startColony();
  for (const path of ['/memory', '/memory/s']) {
    for (const [query, field] of [
      ['cursor=x', 'cursor'],
      ['cursor=', 'cursor'],
      ['limit=0', 'limit'],
      ['limit=1001', 'limit'],
      ['prefix=a%00', 'prefix'],
      [`prefix=${'x'.repeat(513)}`, 'prefix'],
    ]) {
      const { status, json } = await call(`GET ${path}?${query}`);
      expect([status, json.errors[0].path]).toEqual([422, `query.${field}`]);
    }
  }
  expect((await call('GET /memory/-s')).json.errors[0].path).toBe('path.scope');
});
