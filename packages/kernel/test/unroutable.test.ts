/** A colony says of a task that nobody can ever do it: once, whichever of its kernels finds it out. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RedisServer } from '../src/testing/redis-server.ts';
import { type Harness, onRedis, startColony } from './api/harness.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

async function told({ call }: Harness): Promise<{ task_id: string; reason: string }[]> {
  const { entries } = (await call('GET /system/audit?event_type=task_unroutable')).json;
  return entries.map(({ details }: { details: unknown }) => details);
}

async function submit({ call }: Harness, capability: string): Promise<string> {
  return (await call('POST /tasks', { description: 'x', requirements: { capability } })).json.id;
}

/** Once a task that was handed in later is told of, all that were handed in before would have been. */
async function untilTold(colony: Harness): Promise<void> {
  const last = await submit(colony, 'sing');
  await expect
    .poll(async () => (await told(colony)).some(({ task_id }) => task_id === last), { timeout: 8000 })
    .toBe(true);
}

test('of two kernels one says so', async () => {
  const shared = onRedis(server, randomUUID());
  const [one, other] = [await startColony(shared), await startColony(shared)];
  await one.call('POST /workers', { name: 'w', capabilities: [{ name: 'dig' }] });
  const lost = await submit(other, 'fly');
  await submit(one, 'dig');
  await untilTold(one);
  await untilTold(other);
  expect((await told(one)).filter(({ reason }) => !reason.includes('sing'))).toEqual([
    { reason: 'no registered worker can do this; it needs capability fly', task_id: lost },
  ]);
  const { candidates, waiting_for } = (await one.call(`GET /tasks/${lost}/explain`)).json;
  expect(waiting_for).toEqual(['worker']);
  expect(candidates).toMatchObject([{ reasons: ['needs capability fly; has dig'] }]);
});

test('an ordinary life with a worker has four entries, however long the task waits', async () => {
  const colony = await startColony({ COLONY_MEMORY_CONNECTION_STRING: ':memory:', COLONY_MEMORY_BACKEND: 'sqlite' });
  const { call } = colony;
  const worker = (await call('POST /workers', { name: 'w', capabilities: [{ name: 'dig' }] })).json.id;
  const id = await submit(colony, 'dig');
  await untilTold(colony);
  const [task] = (await call(`POST /workers/${worker}/claim`)).json.tasks;
  await call(`POST /tasks/${id}/complete`, { lease_token: task.lease.token });
  const types = (await call(`GET /tasks/${id}/events`)).json.map(({ type }: { type: string }) => type);
  expect(types).toEqual(['task_validated', 'task_submitted', 'task_assigned', 'task_completed']);
});
