/** Schedules of real kernels that are killed, and in a colony that is made of another one. */
import { writeFileSync } from 'node:fs';
import { ColonyClient } from '@colonyos/client';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryPath } from '../../src/testing/temporary-path.ts';
import { colonyos } from '../colonyos.ts';
import { KernelProcess } from '../kernel-process.ts';

async function start(file: string) {
  const kernel = await KernelProcess.start({ COLONY_MEMORY_CONNECTION_STRING: file });
  onTestFinished(() => void kernel.end('SIGKILL'));
  return { kernel, client: new ColonyClient({ url: kernel.url }) };
}

const TICK = { name: 'tick', every_seconds: 1, overlap: 'queue', task: { description: 'tick' } } as const;

async function dueTimes(client: ColonyClient): Promise<number[]> {
  const { entries } = await client.audit({ event_type: 'schedule_fired', limit: 1000 });
  return entries.map(({ details }) => Date.parse(details.due_at as string));
}

/** As many tasks as firings, one for each due time, all of them on the grid. */
async function expectOnceEach(client: ColonyClient, createdAt: string): Promise<void> {
  const dues = await dueTimes(client);
  expect(dues).toEqual([...new Set(dues)].sort((a, b) => a - b));
  for (const due of dues) expect((due - Date.parse(createdAt)) % 1000).toBe(0);
  expect(await client.listTasks({ limit: 1000 })).toHaveLength(dues.length);
}

test('invariant 1: kill -9 neither repeats nor loses a firing, and the grid stays where it was', {
  timeout: 60_000,
}, async () => {
  const file = temporaryPath('colony.db');
  let { kernel, client } = await start(file);
  const { id, created_at: createdAt } = await client.createSchedule(TICK);
  for (let kill = 0; kill < 3; kill++) {
    const { fired } = await client.getSchedule(id);
    await expect
      .poll(async () => (await client.getSchedule(id)).fired, { timeout: 10_000, interval: 5 })
      .toBeGreaterThan(fired);
    await kernel.end('SIGKILL');
    ({ kernel, client } = await start(file));
  }
  await client.pauseSchedule(id);
  await expectOnceEach(client, createdAt);
  const { fired, skipped } = await client.getSchedule(id);
  const dues = await dueTimes(client);
  expect(fired).toBe(dues.length);
  // Each due time until the last one has come to something or to nothing, and is counted as that.
  expect(fired + skipped).toBe((dues.at(-1)! - Date.parse(createdAt)) / 1000);
});

test('in a colony that is made of another one its schedules go on', { timeout: 60_000 }, async () => {
  const there = await start(temporaryPath('a.db'));
  const { id, created_at: createdAt } = await there.client.createSchedule(TICK);
  await there.client.createSchedule({ ...TICK, name: 'hourly', every_seconds: null, cron: '0 * * * *' });
  await expect.poll(async () => (await there.client.getSchedule(id)).fired, { timeout: 10_000 }).toBeGreaterThan(0);
  const export_ = temporaryPath('colony.ndjson');
  writeFileSync(export_, (await Array.fromAsync(there.client.exportColony())).join(''));
  const [before] = (await there.client.listSchedules()).slice(-1);
  await there.kernel.end('SIGTERM');
  const file = temporaryPath('b.db');
  expect((await colonyos('import', export_, '--to', file)).code).toBe(0);
  const here = await start(file);
  expect((await here.client.listSchedules()).map(({ name }) => name)).toEqual(['hourly', 'tick']);
  await expect
    .poll(async () => (await here.client.getSchedule(id)).fired, { timeout: 15_000 })
    .toBeGreaterThan(before!.fired);
  await here.client.pauseSchedule(id);
  await expectOnceEach(here.client, createdAt);
});
