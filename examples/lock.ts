/** A lock: of those who want to do something only one may at a time do it; and nobody waits for ever for one who is gone. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ColonyClient, ColonyError, type ScopedMemory } from '@colonyos/client';

const SECONDS = 10;
const colony = new ColonyClient({
  url: process.env.COLONY_URL ?? 'http://127.0.0.1:8000',
  token: process.env.COLONY_SECRET_TOKEN,
});

/**
 * Runs `work` while holding the lock. `version` grows with every holder: hand it on to whatever is written to, which can then
 * refuse somebody who believes to hold the lock and does not any more.
 */
async function withLock<T>(locks: ScopedMemory, key: string, work: (version: number) => Promise<T>): Promise<T> {
  const owner = randomUUID();
  const version = await acquire(locks, key, owner);
  // It is held for a while only, and that is put off as long as the work goes on.
  let held = version;
  const renewal = setInterval(
    async () => {
      held =
        (await locks.put(key, owner, { ifVersion: held, ttl_seconds: SECONDS }).catch(() => null))?.version ?? held;
    },
    (SECONDS * 1000) / 3,
  );
  try {
    return await work(version);
  } finally {
    clearInterval(renewal);
    // If it is somebody else's by now, it stays theirs.
    await locks.delete(key, { ifVersion: held }).catch(() => undefined);
  }
}

async function acquire(locks: ScopedMemory, key: string, owner: string): Promise<number> {
  for (;;) {
    try {
      return (await locks.put(key, owner, { ifAbsent: true, ttl_seconds: SECONDS })).version;
    } catch (error) {
      if (!(error instanceof ColonyError && error.code === 'version_mismatch')) throw error;
      await pause(50 + Math.random() * 100);
    }
  }
}

const locks = colony.memory.scope('example-locks');
let inside = 0;
let most = 0;
const versions: number[] = [];
await Promise.all(
  Array.from({ length: 5 }, () =>
    withLock(locks, 'printer', async (version) => {
      most = Math.max(most, ++inside);
      versions.push(version);
      await pause(20);
      inside--;
    }),
  ),
);
const isGrowing = versions.every((version, n) => n === 0 || version > versions[n - 1]!);
console.log(
  `5 held it, at most ${most} at a time, ${isGrowing ? 'each with a higher version than the one before' : 'out of order'}`,
);
