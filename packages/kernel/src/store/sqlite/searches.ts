import { Worker } from 'node:worker_threads';
import type { Database } from 'better-sqlite3';
import { StorageUnavailable } from '../../core/errors.ts';
import type { MemoryFound, MemorySearch } from '../../core/memory-search.ts';
import { MemoryReader, type Room } from './memory-reader.ts';
import type { SearchOrder, SearchPlace, SearchReport } from './search-thread.ts';

/** Answers searches of the memory: none keeps others waiting for long. */
export interface Searches {
  /** Sees every commit that was answered before. */
  search(query: MemorySearch): Promise<MemoryFound>;
  close(): Promise<void>;
}

interface Asked {
  readonly answer: (found: MemoryFound) => void;
  readonly fail: (error: unknown) => void;
}

/** On a thread with a connection of its own, begun by the first search: for files. */
export class SearchesOnThread implements Searches {
  readonly #place: SearchPlace;
  #thread: SearchThread | null = null;

  constructor(path: string, room: Room) {
    this.#place = { path, room };
  }

  search(query: MemorySearch): Promise<MemoryFound> {
    if (!this.#thread?.isRunning) this.#thread = new SearchThread(this.#place);
    return this.#thread.ask(query);
  }

  /** What was asked is answered before. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    await thread?.end();
  }
}

class SearchThread {
  isRunning = true;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #asked = new Map<number, Asked>();
  #last = 0;
  #fault: unknown;

  constructor(place: SearchPlace) {
    const file = import.meta.url.endsWith('.ts') ? './search-thread.ts' : './search-thread.js';
    const url = new URL(file, import.meta.url);
    this.#worker = new Worker(url, { name: 'colony-search', execArgv: [], workerData: place });
    this.#worker.on('message', (report: SearchReport) => this.#take(report));
    this.#worker.on('error', (error) => {
      this.#fault = error;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#breakOff();
        resolve();
      });
    });
  }

  ask(query: MemorySearch): Promise<MemoryFound> {
    const id = ++this.#last;
    return new Promise((answer, fail) => {
      this.#asked.set(id, { answer, fail });
      this.#worker.ref();
      this.#worker.postMessage({ id, query } satisfies SearchOrder);
    });
  }

  end(): Promise<void> {
    this.#worker.ref();
    this.#worker.postMessage({ id: 0, query: null } satisfies SearchOrder);
    return this.#ended;
  }

  #take({ id, found, fault }: SearchReport): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    // A process that waits for no search may end.
    if (this.#asked.size === 0) this.#worker.unref();
    if (found) asked?.answer(found);
    else asked?.fail(Object.assign(new Error(fault!.message), { code: fault!.code }));
  }

  /** The next search begins another thread. */
  #breakOff(): void {
    this.isRunning = false;
    const fault = new StorageUnavailable(`the search was broken off: ${messageOf(this.#fault)}`, {
      cause: this.#fault,
    });
    for (const { fail } of this.#asked.values()) fail(fault);
    this.#asked.clear();
  }
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : 'its thread has ended';
}

/** On the spot: for what is in memory, and nowhere else. */
export class SearchesHere implements Searches {
  readonly #reader: MemoryReader;

  constructor(db: Database, room: Room) {
    this.#reader = new MemoryReader(db, room);
  }

  search(query: MemorySearch): Promise<MemoryFound> {
    return this.#reader.find(query);
  }

  async close(): Promise<void> {}
}
