import { setTimeout as pause } from 'node:timers/promises';
import { StorageUnavailable } from '../core/errors.ts';
import type { RedisConnection } from './connection.ts';

/** A server that starts is waited for, half a minute at the most. */
const LOOK_MS = 100;
const MOST_LOOKS = 300;

/** What a Redis server says of itself, as far as it matters to what is kept there. */
export interface RedisFacts {
  readonly version: string;
  /** What it does when its memory is full; null: it would not say. */
  readonly eviction: string | null;
  readonly appendOnly: boolean;
  /** How often the log is synchronised with the disk; null: it would not say. */
  readonly fsync: string | null;
}

/** Reads the server's settings. Where `CONFIG` is not allowed, what `INFO` tells must do. */
export async function readFacts(redis: RedisConnection): Promise<RedisFacts> {
  let info = String(await redis.send('INFO'));
  // Until it has loaded its log it says that it keeps none.
  for (let looks = 0; /^loading:1/m.test(info); looks++) {
    if (looks === MOST_LOOKS) throw new StorageUnavailable('Redis is still loading what it had stored');
    await pause(LOOK_MS);
    info = String(await redis.send('INFO'));
  }
  const told = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
  return {
    version: told('valkey_version') ?? told('redis_version') ?? 'unknown',
    eviction: told('maxmemory_policy') ?? (await setting(redis, 'maxmemory-policy')),
    appendOnly: told('aof_enabled') === '1',
    fsync: await setting(redis, 'appendfsync'),
  };
}

async function setting(redis: RedisConnection, name: string): Promise<string | null> {
  const reply = await redis.send('CONFIG', 'GET', name).catch(() => null);
  return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : null;
}

/** In plain words: what of what was acknowledged survives what. */
export function durabilityOf({ appendOnly, fsync }: RedisFacts): string {
  if (!appendOnly) {
    return 'Redis keeps no append-only file: what was acknowledged since its last snapshot is lost when it stops. Set appendonly yes.';
  }
  switch (fsync) {
    case 'always':
      return 'Redis writes every commit to disk before it answers (appendonly, appendfsync always).';
    case 'everysec':
      return 'Redis writes to disk once a second: a crash of its machine loses up to a second of what was acknowledged; a crash of Redis alone loses nothing. Set appendfsync always to lose nothing.';
    case 'no':
      return 'Redis leaves it to the operating system when to write to disk: a crash of its machine loses what was acknowledged in the last seconds. Set appendfsync always to lose nothing.';
    default:
      return 'Redis keeps an append-only file, but does not say how often it is written to disk: with appendfsync always nothing that was acknowledged is lost.';
  }
}

export function isDurable({ appendOnly, fsync }: RedisFacts): boolean {
  return appendOnly && fsync === 'always';
}

/** Why a server must not be used, or null. */
export function objectionTo({ eviction }: RedisFacts): string | null {
  if (eviction === null || eviction === 'noeviction') return null;
  return `its maxmemory-policy is ${eviction}, with which it throws away what it was given when its memory is full: set maxmemory-policy noeviction`;
}
