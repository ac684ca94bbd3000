import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { memoryDocument } from '../../../core/memory.ts';
import { RedisConnection } from '../../../redis/connection.ts';
import { anEntry } from '../../../testing/memory-entries.ts';
import { RedisServer } from '../../../testing/redis-server.ts';
import { Documents, documentText } from '../documents.ts';
import { Keys } from '../keys.ts';
import { Entries } from './entries.ts';

test('entries are read some at a time, all of them, and never much together, however long they are', async () => {
  const server = await RedisServer.start();
  onTestFinished(() => server.stop());
  const keys = new Keys(randomUUID());
  const redis = new RedisConnection({ url: server.url }, keys.meta);
  onTestFinished(() => redis.close());
  const [ids, there]: [string[], string[]] = [[], []];
  // Many that are short lead nobody to ask for as many that are long.
  for (const [length, count] of [
    [10, 1200],
    [300_000, 20],
    [10, 600],
    [100_000, 12],
  ] as const) {
    const value = JSON.stringify('x'.repeat(length));
    const calls: string[][] = [];
    for (let n = 0; n < count; n++) {
      const entry = anEntry({ key: `k${ids.length}`, value });
      const document = memoryDocument(entry, 1);
      ids.push(document.id);
      // Some went since they were listed.
      if (n % 5 === 4) continue;
      there.push(document.id);
      calls.push(['HSET', keys.documents, `memory ${document.id}`, documentText(document)]);
    }
    await redis.pipeline(calls);
  }
  const [asked, found]: [string[], string[]] = [[], []];
  let pages = 0;
  for await (const page of new Entries(redis, keys, new Documents(redis, keys)).read(ids)) {
    asked.push(...page.asked);
    found.push(...page.found.map(({ id }) => id));
    const bytes = page.found.reduce((sum, document) => sum + documentText(document).length, 0);
    if (page.found.length > 1) expect(bytes).toBeLessThanOrEqual(256 * 1024);
    pages++;
  }
  expect(asked).toEqual(ids);
  expect(found).toEqual(there);
  expect(pages).toBeLessThan(50);
});
