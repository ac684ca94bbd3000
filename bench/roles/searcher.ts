/** A process that keeps a memory in a store of its own, and searches it: without routes, so that the search is what is measured. */

import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { memoryDocument, vectorText } from '../../packages/kernel/dist/core/memory.js';
import { SqliteStore } from '../../packages/kernel/dist/store/sqlite/store.js';
import { play } from '../lib/processes.ts';
import { quantile } from '../lib/stats.ts';

const BATCH = 100;
const CLUSTERS = 200;
const WORDS = 20_000;
const WORDS_IN_TEXT = 30;
const SCOPE = 'bench';
/** Metadata of two: one that half of the entries have, and one of a thousand. */
const FILTERS = { none: {}, half: { kind: 'even' }, thousandth: { group: 7 } };

let store: SqliteStore;
let centres: number[][];
let kept = 0;

/** Like those of texts: many near to each other, none of them the same. */
function aVector(): number[] {
  const centre = centres[Math.floor(Math.random() * centres.length)]!;
  return centre.map((x) => x + (Math.random() - 0.5) * 1.2);
}

/** A few words are everywhere, and most are rare. */
function someWords(count: number): string {
  return Array.from({ length: count }, () => `w${Math.floor(WORDS ** Math.random()).toString(36)}`).join(' ');
}

export type Kind = 'plain' | 'vector' | 'text' | 'both';
export type Filter = keyof typeof FILTERS;

function anEntry(kind: Kind) {
  const n = kept++;
  const metadata = { kind: n % 2 === 0 ? 'even' : 'odd', group: n % 1000 };
  const times = { createdAt: 0, updatedAt: 0, expiresAt: null };
  const text = kind === 'text' || kind === 'both' ? someWords(WORDS_IN_TEXT) : null;
  const vector = kind === 'vector' || kind === 'both' ? vectorText(aVector()) : null;
  const entry = { scope: SCOPE, key: `key-${n}`, version: 1, value: 'null', metadata, text, vector };
  return memoryDocument({ ...entry, embedding: null, hash: '', ...times }, 1);
}

play({
  async open({ folder, dimension }: { folder: string; dimension: number }): Promise<void> {
    store = await SqliteStore.open({ path: join(folder, 'colony.db') });
    centres = Array.from({ length: CLUSTERS }, () => Array.from({ length: dimension }, () => Math.random() - 0.5));
  },

  /** Answers how many were put in a second, `BATCH` in each commit. */
  async put({ count, kind }: { count: number; kind: Kind }): Promise<number> {
    let ms = 0;
    for (let n = 0; n < count; n += BATCH) {
      const units = Array.from({ length: Math.min(BATCH, count - n) }, () => ({
        puts: [{ kind: 'document' as const, prev: null, next: anEntry(kind) }],
        events: [],
      }));
      const begun = performance.now();
      await store.commit(units, 0);
      ms += performance.now() - begun;
    }
    return (count * 1000) / ms;
  },

  /** Answers what searches took, one after the other, and for how long anything else on the store's thread had to wait. */
  async search({
    count,
    by,
    filter,
    words = 3,
  }: {
    count: number;
    by: 'vector' | 'text';
    filter: Filter;
    words?: number;
  }) {
    const times: number[] = [];
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const once = async () => {
      const vector = by === 'vector' ? { values: Float32Array.from(aVector()), space: 'given' as const } : null;
      const text = by === 'text' ? someWords(words) : null;
      const begun = performance.now();
      const query = { scope: SCOPE, vector, text, filter: FILTERS[filter], limit: 10, now: 1 };
      const { byVector } = await store.search(query);
      times.push(performance.now() - begun);
      if (by === 'vector' && byVector.length === 0) throw new Error('a search found nothing');
    };
    await once();
    const first = times.pop()!;
    delay.enable();
    for (let n = 0; n < count; n++) await once();
    delay.disable();
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantile(times, share));
    return { first, p50, p95, p99, 'loop p99': delay.percentile(99) / 1e6, 'loop max': delay.max / 1e6 };
  },

  async memory(): Promise<number> {
    return process.memoryUsage.rss() / 2 ** 20;
  },

  close: () => store.close(),
});
