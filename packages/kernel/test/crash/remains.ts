import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFrom } from '../../src/core/checkpoint.ts';
import type { Store } from '../../src/core/store.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { compareMemoryIndex } from '../../src/testing/memory-index-check.ts';
import type { Trail } from '../load/trail.ts';

/** Opens a copy of what a dead kernel has left, and says where it is: the next one finds all exactly as it was left. */
export async function withRemains<T>(path: string, look: (store: Store, copy: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'colony-remains-'));
  const copy = join(folder, 'colony.db');
  for (const part of ['', '-wal']) if (existsSync(`${path}${part}`)) copyFileSync(`${path}${part}`, `${copy}${part}`);
  const store = await SqliteStore.open({ path: copy });
  try {
    return await look(store, copy);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** To which checkpoint a rollback is under way; null: none is. */
export async function rollingTo(store: Store): Promise<string | null> {
  if (!(await store.survey()).saving?.rolling) return null;
  const { items } = await store.documents({ collection: 'checkpoint', limit: 1000 });
  return items.map(checkpointFrom).find(({ rolling }) => rolling !== null)?.id ?? 'nowhere';
}

/** What memory is searched by is written with it: whenever that ends, the one says what the other does. */
export function checkIndex(copy: string, problems: string[]): void {
  const { written, due } = compareMemoryIndex(copy);
  for (const line of written)
    if (!due.includes(line)) problems.push(`memory is searched by what it does not say: ${line}`);
  for (const line of due) if (!written.includes(line)) problems.push(`memory is not searched by what it says: ${line}`);
}

/** Follows what has been added since. */
export async function followLedger(store: Store, trail: Trail): Promise<void> {
  for (;;) {
    const entries = await store.ledger.read(trail.last, 1000);
    if (entries.length === 0) return;
    for (const entry of entries) trail.follow(entry);
  }
}
