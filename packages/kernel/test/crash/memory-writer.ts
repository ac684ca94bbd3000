/** Writes memory into a colony's file until it is killed, and says so after each commit. `node memory-writer.ts <path> <seed>` */
import { type MemoryEntry, memoryDocument, memoryFrom, memoryId, vectorText } from '../../src/core/memory.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { Random } from '../../src/testing/random.ts';
import { DAWN } from '../../src/testing/scribe.ts';

const [path, seed] = process.argv.slice(2);
const random = new Random(Number(seed));
const store = await SqliteStore.open({ path: path! });

function anEntry(key: string): MemoryEntry {
  const words = Array.from({ length: random.between(0, 60) }, () => `word${random.between(1, 500)}`);
  const numbers = Array.from({ length: 64 }, () => random.between(-5, 5) + 0.5);
  return {
    ...{ scope: 's', key, version: 1, value: '1', metadata: { n: random.between(1, 3) }, hash: '' },
    text: random.chance(0.7) ? words.join(' ') : null,
    vector: random.chance(0.7) ? vectorText(numbers) : null,
    embedding: random.chance(0.3) ? { model: 'one', vector: vectorText(numbers) } : null,
    ...{ createdAt: DAWN, updatedAt: DAWN, expiresAt: null },
  };
}

for (;;) {
  const keys = new Set(Array.from({ length: random.between(1, 40) }, () => `key-${random.between(1, 200)}`));
  const names = [...keys].map((key) => `memory ${memoryId('s', key)}`);
  const { documents } = await store.load({ documents: names });
  const units = [...keys].map((key, at) => {
    const prev = documents.get(names[at]!) ?? null;
    const next = prev !== null && random.chance(0.3) ? null : memoryDocument(anEntry(key), (prev?.version ?? 0) + 1);
    return { puts: [{ kind: 'document' as const, prev, next }], events: [] };
  });
  await store.commit(units, DAWN);
  // Somebody who reads may be killed as well.
  if (random.chance(0.2)) {
    const near = { values: Float32Array.from({ length: 64 }, () => 1), space: 'given' as const };
    await store.search({ scope: 's', vector: near, text: 'word1', filter: {}, limit: 5, now: DAWN });
  }
  const last = [...documents.values()].find((document) => document !== null);
  process.stdout.write(`${last ? memoryFrom(last).key : '-'}\n`);
}
