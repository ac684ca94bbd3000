import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { TextIndex } from './text-index.ts';

test('of a text nothing stays in memory but its words', () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const heapBytes = () => {
    gc();
    return process.memoryUsage().heapUsed;
  };
  const index = new TextIndex<{ id: string }>();
  const before = heapBytes();
  for (let n = 0; n < 200; n++) {
    const text = `${'the bee flies over the field '.repeat(3000)} unmistakable${n}`;
    for (const _ of index.add({ id: `k${n}` }, text));
  }
  // Together they are 17 MB.
  expect(heapBytes() - before).toBeLessThan(4_000_000);
  expect(index.bytes).toBeLessThan(1_000_000);
});
