/** A thread that searches the memory of a colony's file, so that no search keeps the kernel from its work. Reads only. */
import { parentPort, workerData } from 'node:worker_threads';
import SqliteDatabase from 'better-sqlite3';
import type { MemoryFound, MemorySearch } from '../../core/memory-search.ts';
import { MemoryReader, type Room } from './memory-reader.ts';

export interface SearchOrder {
  readonly id: number;
  /** Null: there will be no more. */
  readonly query: MemorySearch | null;
}

export interface SearchReport {
  readonly id: number;
  readonly found?: MemoryFound;
  readonly fault?: { readonly message: string; readonly code: string | undefined };
}

/** What it is begun with. */
export interface SearchPlace {
  readonly path: string;
  readonly room: Room;
}

const { path, room } = workerData as SearchPlace;
const db = new SqliteDatabase(path, { readonly: true, timeout: 2000 });
db.pragma('temp_store = MEMORY');
db.pragma('trusted_schema = OFF');
const reader = new MemoryReader(db, room);

let open = 0;
let isLast = false;

parentPort!.on('message', async ({ id, query }: SearchOrder) => {
  if (query === null) isLast = true;
  else {
    open++;
    parentPort!.postMessage(await answer(id, query));
    open--;
  }
  if (!isLast || open > 0) return;
  db.close();
  parentPort!.close();
});

async function answer(id: number, query: MemorySearch): Promise<SearchReport> {
  try {
    return { id, found: await reader.find(query) };
  } catch (error) {
    const { message, code } = error as { message: string; code?: string };
    return { id, fault: { message, code } };
  }
}
