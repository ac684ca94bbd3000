/** Memory that two kernels of one colony change, take back and search: each finds what is there. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Command, Replies } from '../core/command.ts';
import type { Document } from '../core/document.ts';
import { Refusal } from '../core/errors.ts';
import { type MemoryCondition, type MemoryInput, memoryFrom, vectorText } from '../core/memory.ts';
import type { Store } from '../core/store.ts';
import { lookThrough } from '../testing/looking-through.ts';
import { before } from '../testing/meddling.ts';
import { someMetadata, someNumbers, someSearch, someText } from '../testing/memory-entries.ts';
import { RedisServer } from '../testing/redis-server.ts';
import { bodyAt } from '../testing/two-bodies.ts';
import { Checkpoints } from './checkpoints.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

async function kernelAt(colony: string) {
  const { hive, store } = await bodyAt(server.url, colony);
  const { batcher, clock } = hive.pipeline;
  const rules = { keep: 20, everyMs: null };
  const onRolledBack = async () => undefined;
  const checkpoints = new Checkpoints({ store, batcher, clock, rules, newId: randomUUID, onRolledBack });
  return { run: (command: Command) => batcher.execute(command), store, clock, checkpoints };
}

async function memoryIn(store: Store): Promise<readonly Document[]> {
  const query = { collection: 'memory', prefix: '', limit: 1000, maxCharacters: 1e9 } as const;
  return (await store.documentsNamed(query)).items;
}

const key = fc.constantFrom('a', 'b', 'c', 'é');
const item: fc.Arbitrary<MemoryInput> = fc.record({
  key,
  metadata: someMetadata,
  text: fc.option(someText),
  vector: fc.option(someNumbers(3).map(vectorText)),
  ttlMs: fc.option(fc.constantFrom(500, 5000)),
  value: fc.constant('null'),
  hash: fc.constant(''),
  path: fc.constant(''),
});
const what = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), items: fc.array(item, { minLength: 1, maxLength: 4 }) }),
  fc.record({ kind: fc.constant('delete' as const), key }),
  fc.record({ kind: fc.constant('embed' as const), vector: someNumbers(4).map(vectorText) }),
  fc.record({ kind: fc.constant('expire' as const) }),
  fc.record({ kind: fc.constant('checkpoint' as const) }),
  fc.record({ kind: fc.constant('roll back' as const) }),
  fc.record({ kind: fc.constant('wait' as const) }),
);
const step = fc.record({ who: fc.nat(1), scope: fc.constantFrom('team', 'team2'), what, query: someSearch });

test('whatever two kernels put, delete, embed, let expire and take back, each finds what is there', async () => {
  const condition = { match: null, absent: false };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), async (steps) => {
      const colony = randomUUID();
      const kernels = [await kernelAt(colony), await kernelAt(colony)];
      let last: string | null = null;
      for (const { who, scope, what, query } of steps) {
        const { run, store, checkpoints, clock } = kernels[who]!;
        const actor = 'ann';
        const entries = (await memoryIn(store)).map(memoryFrom).filter((entry) => entry.scope === scope);
        if (what.kind === 'put') await run({ kind: 'put_memory', actor, scope, items: what.items, condition });
        if (what.kind === 'delete') await run({ kind: 'delete_memory', actor, scope, key: what.key, condition });
        if (what.kind === 'embed') {
          const items = entries.map(({ key, version, hash }) => ({ key, version, hash, vector: what.vector }));
          await run({ kind: 'embed_memory', actor, scope, model: 'm:1', items });
        }
        if (what.kind === 'expire') {
          for (const { key, expiresAt } of entries) {
            if (expiresAt !== null) await run({ kind: 'expire_memory', actor, scope, key, expiresAt });
          }
        }
        if (what.kind === 'checkpoint') last = ((await checkpoints.create(null, actor)) as { id: string }).id;
        if (what.kind === 'roll back' && last !== null) await checkpoints.rollback(last, actor);
        if (what.kind === 'wait') for (const kernel of kernels) await kernel.clock.advance(1000);
        const asked = { ...query, now: clock.now().wall };
        const expected = lookThrough(await memoryIn(store), asked);
        for (const kernel of kernels) expect(await kernel.store.search(asked)).toEqual(expected);
      }
      for (const { store } of kernels) await store.close();
    }),
    { numRuns: 30 },
  );
});

test('a key that another kernel deletes and puts anew meanwhile is not taken for what it was', async () => {
  const colony = randomUUID();
  const [one, other] = [await kernelAt(colony), await kernelAt(colony)];
  const any: MemoryCondition = { match: null, absent: false };
  const put = async ({ run }: typeof one, condition = any) => {
    const items = [{ key: 'a', text: null, vector: null, metadata: {}, ttlMs: null, value: '1', hash: '', path: '' }];
    const answer = await run({ kind: 'put_memory', actor: 'ann', scope: 'team', items, condition });
    return answer instanceof Refusal ? answer.code : (answer as Replies['put_memory']).entries[0]!.entry.version;
  };
  const putAnew = async () => {
    await other.run({ kind: 'delete_memory', actor: 'ann', scope: 'team', key: 'a', condition: any });
    await put(other);
  };
  expect(await put(one)).toBe(1);
  before(one.store, 'commit', putAnew);
  expect(await put(one, { match: 1, absent: false })).toBe('version_mismatch');
  before(one.store, 'commit', putAnew);
  expect(await put(one)).toBe(4);
});

test('what a rollback has taken back is not found any more, and what it has brought back is', async () => {
  const colony = randomUUID();
  const [one, other] = [await kernelAt(colony), await kernelAt(colony)];
  const put = (key: string, text: string) => {
    const items = [{ key, text, vector: null, metadata: {}, ttlMs: null, value: '1', hash: '', path: '' }];
    return one.run({
      kind: 'put_memory',
      actor: 'ann',
      scope: 'team',
      items,
      condition: { match: null, absent: false },
    });
  };
  const found = async () => {
    const query = { scope: 'team', vector: null, text: 'bee', filter: {}, limit: 10, now: one.clock.now().wall };
    return (await other.store.search(query)).byText.map(({ id }) => id);
  };
  await put('a', 'bee');
  const { id } = (await one.checkpoints.create(null, 'ann')) as { id: string };
  await put('a', 'wasp');
  await put('b', 'bee');
  expect(await found()).toEqual(['team/b']);
  await one.checkpoints.rollback(id, 'ann');
  expect(await found()).toEqual(['team/a']);
});
