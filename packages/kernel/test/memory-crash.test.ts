/** Memory, and what it is searched by, when the process is killed in the middle of writing both. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import { lookThrough } from '../src/testing/looking-through.ts';
import { compareMemoryIndex } from '../src/testing/memory-index-check.ts';
import { Random } from '../src/testing/random.ts';
import { DAWN } from '../src/testing/scribe.ts';
import { temporaryPath } from '../src/testing/temporary-path.ts';

const WRITER = fileURLToPath(new URL('crash/memory-writer.ts', import.meta.url));

/** Has it commit so many times, and kills it a moment later. */
async function written(path: string, seed: number, commits: number, moment: number): Promise<void> {
  const writer = spawn(process.execPath, [WRITER, path, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    writer.kill('SIGKILL');
  });
  const ended = once(writer, 'exit');
  let left = commits;
  for await (const _ of createInterface({ input: writer.stdout })) if (--left === 0) break;
  expect(left).toBe(0);
  await pause(moment);
  writer.kill('SIGKILL');
  await ended;
}

test('killed while it writes memory, again and again: what is found is what is remembered', async () => {
  const random = new Random(5);
  const path = temporaryPath('colony.db');
  for (let kill = 0; kill < 6; kill++) {
    await written(path, kill, random.between(3, 25), random.between(0, 12));
    const store = await SqliteStore.open({ path });
    try {
      const { written, due } = compareMemoryIndex(path);
      expect(due.length).toBeGreaterThan(10);
      expect(written).toEqual(due);
      const all = await store.documentsNamed({ collection: 'memory', prefix: '', limit: 1000, maxCharacters: 1e9 });
      const near = { values: Float32Array.from({ length: 64 }, (_, n) => n - 30), space: 'given' as const };
      const query = { scope: 's', vector: near, text: 'word1 word2 word3', filter: { n: 2 }, limit: 20, now: DAWN };
      expect(await store.search(query)).toEqual(lookThrough(all.items, query));
    } finally {
      await store.close();
    }
  }
}, 60_000);
