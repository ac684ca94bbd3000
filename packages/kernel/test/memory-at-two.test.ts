/** Memory at two kernels on one Redis: whichever of them is asked, there is one of each key. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RedisServer } from '../src/testing/redis-server.ts';
import { type Harness, type JsonValue, onRedis, startColony } from './api/harness.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

async function two(): Promise<[Harness, Harness]> {
  const shared = onRedis(server, randomUUID());
  return [await startColony(shared), await startColony(shared)];
}

test('of twenty who want a key at both at once one gets it, and of twenty who count none is lost', async () => {
  const both = await two();
  const all = Array.from({ length: 20 }, (_, n) => ({ n, kernel: both[n % 2]! }));
  for (let round = 0; round < 5; round++) {
    const want = ({ n, kernel }: (typeof all)[0]) =>
      kernel.call(`PUT /memory/s/lock${round}`, { value: n }, { 'if-none-match': '*' });
    const statuses = (await Promise.all(all.map(want))).map(({ status }) => status);
    expect(statuses.sort()).toEqual([201, ...Array(19).fill(412)]);
  }
  const count = async ({ kernel }: (typeof all)[0]): Promise<void> => {
    const { status, json } = await kernel.call('GET /memory/s/count');
    const condition: Record<string, string> =
      status === 404 ? { 'if-none-match': '*' } : { 'if-match': `"${json.version}"` };
    const put = await kernel.call('PUT /memory/s/count', { value: (json.value ?? 0) + 1 }, condition);
    if (put.status === 412) return count({ n: 0, kernel });
    expect([200, 201]).toContain(put.status);
  };
  await Promise.all(all.map(count));
  expect((await both[0].call('GET /memory/s/count')).json).toMatchObject({ value: 20, version: 20 });
});

test('of a key that comes and goes at both at once no version is given out twice', async () => {
  const [a, b] = await two();
  const given: string[] = [];
  const act = async (kernel: Harness, n: number) => {
    for (let turn = 0; turn < 20; turn++) {
      const key = `k${(turn + n) % 3}`;
      if ((turn + n) % 4 === 0) await kernel.call(`DELETE /memory/s/${key}`);
      else if ((turn + n) % 4 === 1) {
        const items = [
          { key, value: n, ttl_seconds: 0.02 },
          { key, value: n },
        ];
        const { json } = await kernel.call('POST /memory/s/batch', { items });
        given.push(...json.items.map((item: JsonValue) => `${item.key} ${item.version}`));
      } else given.push(`${key} ${(await kernel.call(`PUT /memory/s/${key}`, { value: n })).json.version}`);
    }
  };
  await Promise.all(Array.from({ length: 10 }, (_, n) => act([a, b][n % 2]!, n)));
  expect(new Set(given).size).toBe(given.length);
  expect(given).not.toContain(`k0 undefined`);
});
