/** The memory as agents use it: through the client, and in a worker's handler. */
import { ColonyClient, Worker } from '@colonyos/client';
import { expect, onTestFinished, test } from 'vitest';
import { startColony } from './harness.ts';

async function connect() {
  const { listen } = await startColony({ MAX_CONCURRENT_TASKS: '0' });
  const url = await listen();
  const client = new ColonyClient({ url });
  return { url, client, team: client.memory.scope('team') };
}

test('a value is put, read, replaced, found by prefix and deleted', async () => {
  const { client, team } = await connect();
  expect(await team.get('plan')).toBeNull();
  const made = await team.put('plan', { done: [1] }, { metadata: { kind: 'plan' }, ttl_seconds: 60 });
  expect(made).toMatchObject({
    scope: 'team',
    key: 'plan',
    value: { done: [1] },
    version: 1,
    metadata: { kind: 'plan' },
  });
  expect(await team.get('plan')).toEqual(made);
  await team.put('a/b c%', 1);
  expect(await team.put('plan', null)).toMatchObject({ value: null, version: 2, expires_at: null });
  const keys = async (prefix?: string) =>
    (await Array.fromAsync(team.list(prefix === undefined ? {} : { prefix }))).map(({ key }) => key);
  expect([await keys(), await keys('a/')]).toEqual([['a/b c%', 'plan'], ['a/b c%']]);
  expect(await Array.fromAsync(client.memory.scopes())).toMatchObject([{ scope: 'team', keys: 2 }]);
  expect([await team.delete('plan'), await team.delete('plan')]).toEqual([true, false]);
});

test('a condition that does not hold is an error with its code', async () => {
  const { team } = await connect();
  await team.put('k', 1, { ifAbsent: true });
  const refused = { status: 412, code: 'version_mismatch' };
  await expect(team.put('k', 2, { ifAbsent: true })).rejects.toMatchObject(refused);
  await expect(team.put('k', 2, { ifVersion: 7 })).rejects.toMatchObject(refused);
  await expect(team.delete('k', { ifVersion: 7 })).rejects.toMatchObject(refused);
  expect(await team.put('k', 2, { ifVersion: '*' })).toMatchObject({ version: 2 });
  expect(await team.delete('k', { ifVersion: 2 })).toBe(true);
});

test('of many who update the same key at once none is lost', async () => {
  const { team } = await connect();
  const add = () => team.update<number>('count', (value) => (value ?? 0) + 1);
  await Promise.all(Array.from({ length: 20 }, add));
  expect(await team.get('count')).toMatchObject({ value: 20, version: 20 });
  expect(await team.update('count', () => undefined)).toMatchObject({ version: 20 });
});

test('many are put at once, all or none', async () => {
  const { team } = await connect();
  const put = await team.putMany([
    { key: 'a', value: 1 },
    { key: 'b', value: 2, metadata: { n: 2 } },
  ]);
  expect(put).toEqual([
    { key: 'a', version: 1 },
    { key: 'b', version: 1 },
  ]);
  await expect(
    team.putMany([
      { key: 'c', value: 1 },
      { key: '', value: 1 },
    ]),
  ).rejects.toMatchObject({ status: 422 });
  expect(await team.get('c')).toBeNull();
});

test('a worker remembers, and another one knows', async () => {
  const { url, client, team } = await connect();
  const worker = new Worker({
    url,
    name: 'maya',
    capabilities: [],
    signals: false,
    handler: async (task, { memory }) => {
      const seen = memory.scope('team');
      const last = await seen.get<string>('last');
      await seen.put('last', task.description);
      return last?.value ?? null;
    },
  });
  onTestFinished(() => worker.stop());
  await worker.start();
  const run = async (description: string) => {
    const { id } = await client.submit({ description });
    return (await client.waitForTask(id)).result;
  };
  expect([await run('first'), await run('second')]).toEqual([null, 'first']);
  expect(await team.get('last')).toMatchObject({ value: 'second' });
});
