import { expect, onTestFinished, test } from 'vitest';
import type { JsonObject } from '../core/json.ts';
import { ScopeTooLarge } from '../core/memory-search.ts';
import { Pipeline } from '../testing/pipeline.ts';
import type { EmbeddingDesk } from './embedding-desk.ts';
import { searchMemory } from './memory-searching.ts';

test('what is replaced between being found and being read is answered only if it fits the filter still', async () => {
  const pipeline = await Pipeline.open();
  onTestFinished(() => pipeline.store.close());
  const put = (key: string, metadata: JsonObject) => {
    const item = { key, value: '1', metadata, text: 'bee', vector: null, hash: 'h', ttlMs: null, path: '' };
    const condition = { match: null, absent: false };
    return pipeline.run({ kind: 'put_memory', actor: 'ann', scope: 's', items: [item], condition });
  };
  for (const key of ['a', 'b', 'c']) await put(key, { kind: 'x' });
  const { store, clock } = pipeline;
  const search: typeof store.search = async (query) => {
    const found = await store.search(query);
    await put('a', { kind: 'y' });
    await put('b', { kind: 'x', more: true });
    await pipeline.run({
      kind: 'delete_memory',
      actor: 'ann',
      scope: 's',
      key: 'c',
      condition: { match: null, absent: false },
    });
    return found;
  };
  const meanwhile = new Proxy(store, {
    get: (all, name) => (name === 'search' ? search : Reflect.get(all, name).bind(all)),
  });
  const question = { text: 'bee', vector: null, mode: 'text', filter: { kind: 'x' }, topK: 10 } as const;
  const answer = await searchMemory('s', question, { store: meanwhile, clock, embedding: {} as EmbeddingDesk });
  expect(answer).toMatchObject({ matches: [{ entry: { key: 'b', metadata: { more: true } } }], omitted: 0 });
});

test('a scope that is too large to be searched is refused, with what to do about it', async () => {
  const { store, clock } = await Pipeline.open();
  onTestFinished(() => store.close());
  const search = () => Promise.reject(new ScopeTooLarge('s', 2 ** 20));
  const full = new Proxy(store, {
    get: (all, name) => (name === 'search' ? search : Reflect.get(all, name).bind(all)),
  });
  const question = { text: 'bee', vector: null, mode: 'text', filter: {}, topK: 10 } as const;
  const answer = await searchMemory('s', question, { store: full, clock, embedding: {} as EmbeddingDesk });
  expect(answer).toMatchObject({ code: 'scope_too_large', detail: expect.stringContaining('1 MiB') });
});
