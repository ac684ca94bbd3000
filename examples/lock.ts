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
 * refuse somebody who believes to hold the lock and does not any more. `lost` tells of that as soon as it is known.
 */
async function withLock<T>(
  locks: ScopedMemory,
  key: string,
  work: (version: number, lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const owner = randomUUID();
  const version = await acquire(locks, key, owner);
  const [over, lost] = [new AbortController(), new AbortController()];
  let held: number | null = version;
  // It is held for a while only, and that is put off as long as the work goes on.
  const renewing = (async () => {
    while (held !== null && (await pause((SECONDS * 1000) / 3, true, { signal: over.signal }).catch(() => false))) {
      held = await put(locks, key, owner, { ifVersion: held }).catch(() => null);
      if (held === null) lost.abort();
    }
  })();
  try {
    return await work(version, lost.signal);
  } finally {
    over.abort();
    await renewing;
    // If it is somebody else's by now, it stays theirs.
    if (held !== null) await locks.delete(key, { ifVersion: held }).catch(() => undefined);
  }
}

async function acquire(locks: ScopedMemory, key: string, owner: string): Promise<number> {
  for (;;) {
    const version = await put(locks, key, owner, { ifAbsent: true });
    if (version !== null) return version;
    await pause(50 + Math.random() * 100);
  }
}

/** Null: it is somebody else's. Where no answer came it may have been put all the same: then what is there says so. */
async function put(
  locks: ScopedMemory,
  key: string,
  owner: string,
  condition: { ifVersion: number } | { ifAbsent: true },
): Promise<number | null> {
  try {
    return (await locks.put(key, owner, { ...condition, ttl_seconds: SECONDS })).version;
  } catch (error) {
    if (error instanceof ColonyError && error.code !== 'version_mismatch') throw error;
    const entry = await locks.get<string>(key);
    return entry?.value === owner ? entry.version : null;
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
