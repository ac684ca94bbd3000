/** Large plans of real kernels that are killed in the middle of calling them off. */
import { randomUUID } from 'node:crypto';
import { ColonyClient } from '@colonyos/client';
import { expect, onTestFinished, test } from 'vitest';
import { RedisServer } from '../../src/testing/redis-server.ts';
import { temporaryPath } from '../../src/testing/temporary-path.ts';
import { onRedis } from '../api/harness.ts';
import { KernelProcess } from '../kernel-process.ts';

const TASKS = 6000;

async function start(env: Record<string, string>) {
  const kernel = await KernelProcess.start(env);
  onTestFinished(() => void kernel.end('SIGKILL'));
  return { kernel, client: new ColonyClient({ url: kernel.url }) };
}

type Served = Awaited<ReturnType<typeof start>>;

/** Hands in a plan, and kills the kernel while it calls it off. */
async function killInTheMiddle({ kernel, client }: Served): Promise<string> {
  for (;;) {
    const tasks = Array.from({ length: TASKS }, (_, at) => ({ key: `k${at}`, description: 'x' }));
    const { id } = await client.submitPlan({ goal: 'g', tasks });
    // Asked once, unlike the client, which asks again when a kernel is gone.
    const over = fetch(`${kernel.url}/plans/${id}`, { method: 'DELETE' }).catch(() => undefined);
    let cancelled = 0;
    while (cancelled === 0) cancelled = (await client.plan(id)).counts.cancelled;
    if (cancelled === TASKS) continue;
    await kernel.end('SIGKILL');
    await over;
    return id;
  }
}

async function expectEnded(client: ColonyClient, id: string): Promise<void> {
  const status = async () => (await client.plan(id)).status;
  await expect.poll(status, { timeout: 20_000, interval: 50 }).toBe('cancelled');
  expect((await client.plan(id)).counts).toMatchObject({ cancelled: TASKS, unfinished: 0 });
  const { entries } = await client.audit({ event_type: 'plan_cancelled', limit: 1000 });
  expect(entries.filter(({ details }) => details.plan_id === id)).toHaveLength(1);
  expect(await client.verifyAudit()).toMatchObject({ valid: true });
}

test('invariant 10: after kill -9 the kernel goes on when it is there again', { timeout: 60_000 }, async () => {
  const env = { COLONY_MEMORY_CONNECTION_STRING: temporaryPath('colony.db') };
  const id = await killInTheMiddle(await start(env));
  await expectEnded((await start(env)).client, id);
});

test('on Redis another kernel goes on, without being asked', { timeout: 60_000 }, async () => {
  const server = await RedisServer.start();
  onTestFinished(() => server.stop());
  const env = { ...onRedis(server, randomUUID()), WORKER_HEARTBEAT_INTERVAL: '2' };
  const [one, other] = [await start(env), await start(env)];
  const id = await killInTheMiddle(one);
  await expectEnded(other.client, id);
});
