/** The time that counts against a silent worker is time in which it could have made itself heard. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { RedisConnection } from '../../redis/connection.ts';
import { Script } from '../../redis/script.ts';
import { RedisServer } from '../../testing/redis-server.ts';
import { Scribe } from '../../testing/scribe.ts';
import { RedisStore } from './store.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

/** How long a worker may be silent. */
const PATIENCE_MS = 10_000;

/** Puts the last beat so many milliseconds back. */
const LAST_BEAT = new Script(`
local time = redis.call('TIME')
local wall = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) - tonumber(ARGV[1])
return redis.call('HSET', KEYS[1], 'wall', string.format('%.0f', wall))
`);

/** A steward with a worker that has just registered. */
async function scene(patienceMs = PATIENCE_MS) {
  const colony = randomUUID();
  const store = await RedisStore.open({ url: server.url, colony });
  onTestFinished(() => store.close());
  await new Scribe(store).addWorker();
  const redis = new RedisConnection({ url: server.url }, `{${colony}}:clock`);
  onTestFinished(() => redis.close());
  return {
    store,
    /** The next beat after so much time, as the server's clock has it. */
    async beatAfter(ms: number, heard: readonly string[] = []) {
      await redis.run(LAST_BEAT, [String(ms)]);
      return store.fellows.beat(heard, patienceMs);
    },
  };
}

test('a worker that was silent while kernels beat is silent', async () => {
  const { beatAfter } = await scene();
  for (let beats = 0; beats < 9; beats++) expect((await beatAfter(1000)).silent).toEqual([]);
  expect(await beatAfter(1500)).toMatchObject({ isSteward: true, silent: ['bee-1'] });
  expect((await beatAfter(1000, ['bee-1'])).silent).toEqual([]);
});

test('however long no kernel beat, it counts for no more than two seconds, and every lease begins anew', async () => {
  const { store, beatAfter } = await scene();
  const before = store.clock.now().steady;
  expect((await beatAfter(60_000)).silent).toEqual([]);
  expect(store.clock.now().steady - before).toBeLessThan(3000);
  for (let beats = 0; beats < 9; beats++) expect((await beatAfter(1000)).silent).toEqual([]);
  expect((await beatAfter(1500)).silent).toEqual(['bee-1']);
});

test('where leases are short, a pause of more than half of one gives every worker a full one anew', async () => {
  const { beatAfter } = await scene(2000);
  for (let beats = 0; beats < 4; beats++) expect((await beatAfter(300)).silent).toEqual([]);
  expect((await beatAfter(1400)).silent).toEqual([]);
  for (let beats = 0; beats < 4; beats++) expect((await beatAfter(300)).silent).toEqual([]);
  expect((await beatAfter(900)).silent).toEqual(['bee-1']);
});

test('a server whose clock was set back holds it against nobody', async () => {
  const { store, beatAfter } = await scene();
  const { steady } = store.clock.now();
  expect((await beatAfter(-3_600_000)).silent).toEqual([]);
  for (let beats = 0; beats < 9; beats++) expect((await beatAfter(1000)).silent).toEqual([]);
  expect((await beatAfter(1500)).silent).toEqual(['bee-1']);
  expect(store.clock.now().steady - steady).toBeLessThan(12_500);
});
