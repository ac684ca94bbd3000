/** Searching memory on Redis: each kernel looks into a copy, and finds what any of them was told is done. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type MemoryEntry, memoryDocument, memoryId, vectorText } from '../../../core/memory.ts';
import { ScopeTooLarge } from '../../../core/memory-search.ts';
import { lookThrough } from '../../../testing/looking-through.ts';
import { anEntry, someEntry, someSearch } from '../../../testing/memory-entries.ts';
import { RedisServer } from '../../../testing/redis-server.ts';
import { Rememberer } from '../../../testing/rememberer.ts';
import { RedisStore } from '../store.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

async function openAt(colony: string, searchBytes?: number): Promise<Rememberer> {
  const limited = searchBytes === undefined ? {} : { searchBytes };
  const store = await RedisStore.open({ url: server.url, colony, ...limited });
  onTestFinished(() => store.close());
  return new Rememberer(store);
}

async function two(): Promise<[Rememberer, Rememberer]> {
  const colony = randomUUID();
  return [await openAt(colony), await openAt(colony)];
}

const vector = (...numbers: number[]) => vectorText(numbers);
const near = (...numbers: number[]) => ({ vector: { values: new Float32Array(numbers), space: 'given' as const } });

test('what one kernel has put the other finds at once, and not any more when it is gone', async () => {
  const [one, other] = await two();
  expect(await other.keys({ text: 'bee' })).toEqual([]);
  for (let n = 0; n < 20; n++) {
    await one.put(anEntry({ key: `k${n}`, text: 'a bee', vector: vector(1, n) }));
    expect(await other.keys({ ...near(0, 1), limit: 1 })).toEqual([`k${n}`]);
    expect((await other.keys({ text: 'bees bee', limit: 100 })).length).toBe(n + 1);
  }
  await other.put(anEntry({ key: 'k19', text: 'a wasp', vector: vector(-1, -1) }));
  await one.put({ scope: 'team', key: 'k18' });
  expect(await one.keys({ ...near(0, 1), limit: 2 })).toEqual(['k17', 'k16']);
  expect(await other.keys({ ...near(0, 1), limit: 2 })).toEqual(['k17', 'k16']);
  expect(await one.keys({ text: 'wasp' })).toEqual(['k19']);
});

test('whatever two kernels put and remove, each finds what is there', async () => {
  const change = fc.oneof(
    { weight: 4, arbitrary: someEntry },
    someEntry.map(({ scope, key }) => ({ scope, key })),
  );
  const step = fc.record({ who: fc.nat(1), changes: fc.array(change, { maxLength: 20 }), query: someSearch });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12, size: 'max' }), async (steps) => {
      const kernels = await two();
      const there = new Map<string, MemoryEntry>();
      for (const { who, changes, query } of steps) {
        await kernels[who]!.put(...changes);
        for (const one of changes) {
          if ('value' in one) there.set(memoryId(one.scope, one.key), one);
          else there.delete(memoryId(one.scope, one.key));
        }
        const documents = [...there.values()].map((entry) => memoryDocument(entry, 1));
        const expected = lookThrough(documents, query);
        for (const { store } of kernels) expect(await store.search(query)).toEqual(expected);
      }
      for (const { store } of kernels) await store.close();
    }),
    { numRuns: 30 },
  );
});

test('those who search at once read a scope once', async () => {
  const [one, other] = await two();
  for (let n = 0; n < 5; n++) {
    await one.put(...Array.from({ length: 100 }, (_, m) => anEntry({ key: `${n}-${m}`, text: 'bee' })));
  }
  await server.ask('CONFIG', 'RESETSTAT');
  const found = await Promise.all(Array.from({ length: 20 }, () => other.keys({ text: 'bee', limit: 1000 })));
  for (const keys of found) expect(keys.length).toBe(500);
  const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await server.ask('INFO', 'commandstats'));
  expect(Number(calls![1])).toBeLessThan(20);
  // And look once for what has changed.
  await server.ask('CONFIG', 'RESETSTAT');
  await Promise.all(Array.from({ length: 20 }, () => other.keys({ text: 'bee', limit: 1000 })));
  const looks = /cmdstat_xrange:calls=(\d+)/.exec(await server.ask('INFO', 'commandstats'));
  expect(Number(looks![1])).toBeLessThan(5);
});

test('what is put, replaced and removed while a scope is being read is found, and not found', async () => {
  const [one, other] = await two();
  const some = (name: string) => Array.from({ length: 500 }, (_, n) => anEntry({ key: `${name}-${n}`, text: 'bee' }));
  for (const name of ['b', 'c', 'd', 'e', 'f']) await one.put(...some(name));
  const searches = [other.keys({ text: 'bee', limit: 9999 })];
  for (let n = 0; n < 20; n++) {
    // Some of them stand before, and some behind what has been read by now.
    await one.put(anEntry({ key: `a-${n}`, text: 'bee' }), anEntry({ key: `g-${n}`, text: 'bee' }));
    await one.put({ scope: 'team', key: `b-${n}` }, { scope: 'team', key: `f-${n}` });
    searches.push(other.keys({ text: 'bee', limit: 9999 }));
  }
  for (const [asked, found] of (await Promise.all(searches.slice(1))).entries()) {
    expect(found).toEqual(expect.arrayContaining([`a-${asked}`, `g-${asked}`]));
    for (const gone of [`b-${asked}`, `f-${asked}`]) expect(found).not.toContain(gone);
  }
  expect((await other.keys({ text: 'bee', limit: 9999 })).length).toBe(2500);
});

test('who has missed more changes than are noted reads all anew', async () => {
  const [one, other] = await two();
  await one.put(anEntry({ key: 'old', text: 'bee' }));
  expect(await other.keys({ text: 'bee' })).toEqual(['old']);
  await one.put({ scope: 'team', key: 'old' });
  for (let n = 0; n < 3; n++) await one.put(anEntry({ key: `new-${n}`, text: 'bee' }));
  const notes = (await server.ask('KEYS', '*memory-changes:team')) as unknown as string[];
  for (const stream of notes) await server.ask('XTRIM', stream, 'MAXLEN', '1');
  expect(await other.keys({ text: 'bee' })).toEqual(['new-0', 'new-1', 'new-2']);
});

test('what was there in a server that was emptied is not found any more, and what came after it is', async () => {
  const [one, other] = await two();
  await one.put(anEntry({ key: 'old', text: 'bee' }), anEntry({ key: 'other', text: 'bee' }));
  expect((await other.keys({ text: 'bee' })).length).toBe(2);
  await server.ask('FLUSHALL');
  expect(await other.keys({ text: 'bee' })).toEqual([]);
  await one.put(anEntry({ key: 'new', text: 'bee' }));
  expect(await other.keys({ text: 'bee' })).toEqual(['new']);
  await server.ask('FLUSHALL');
  await one.put(anEntry({ key: 'newer', text: 'bee' }));
  expect(await other.keys({ text: 'bee' })).toEqual(['newer']);
});

test('in another epoch all is read anew, though nothing seems to have changed', async () => {
  const colony = randomUUID();
  const one = await openAt(colony);
  await one.put(anEntry({ text: 'bee' }));
  expect(await one.keys({ text: 'bee' })).toEqual(['k']);
  const [documents, name] = [`{${colony}}:documents`, 'memory team/k'];
  const text = await server.ask('HGET', documents, name);
  await server.ask('HSET', documents, name, text.replace('bee', 'wasp'));
  expect(await one.keys({ text: 'wasp' })).toEqual([]);
  await server.ask('HSET', `{${colony}}:meta`, 'name', 'another');
  expect(await one.keys({ text: 'wasp' })).toEqual(['k']);
});

test('copies take no more than they may, and those searched longest ago go first', async () => {
  const colony = randomUUID();
  const one = await openAt(colony, 1_000_000);
  const fill = (scope: string) =>
    one.put(
      ...Array.from({ length: 400 }, (_, n) =>
        anEntry({ scope, key: `k${n}`, vector: vector(...Array(256).fill(n + 1)) }),
      ),
    );
  const first = async (scope: string) => (await one.keys({ scope, limit: 1, ...near(...Array(256).fill(1)) }))[0];
  const reads = async (scope: string) => {
    await server.ask('CONFIG', 'RESETSTAT');
    expect(await first(scope)).toBe('k0');
    return /cmdstat_zrangebylex:/.test(await server.ask('INFO', 'commandstats'));
  };
  for (const scope of ['a', 'b', 'c']) await fill(scope);
  expect([await reads('a'), await reads('b')]).toEqual([true, true]);
  // Each is about 600 kB: two do not go together.
  expect([await reads('b'), await reads('a'), await reads('a')]).toEqual([false, true, false]);
});

test('however many are searched at once, it is known how much they take', async () => {
  const one = await openAt(randomUUID(), 1_000_000);
  const scopes = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const ones = Array(256).fill(1);
  for (const scope of scopes) {
    await one.put(...Array.from({ length: 200 }, (_, n) => anEntry({ scope, key: `k${n}`, vector: vector(...ones) })));
  }
  const search = (scope: string) => one.keys({ scope, limit: 1, ...near(...ones) });
  for (let round = 0; round < 12; round++) {
    await Promise.all(
      [0, 1, 1, 3, 3, 6].map((step) => search(scopes[(round * 3 + step) % scopes.length]!).catch(() => null)),
    );
  }
  // There is room for three: whoever searches all of them finds none of them still there.
  for (let round = 0; round < 2; round++) {
    for (const scope of scopes) {
      await server.ask('CONFIG', 'RESETSTAT');
      await search(scope);
      if (round > 0) expect(await server.ask('INFO', 'commandstats')).toContain('cmdstat_zrangebylex');
    }
  }
});

test('a scope that takes more than copies may is refused, lets others be searched, and is searched when it has become smaller', async () => {
  const one = await openAt(randomUUID(), 600_000);
  const fill = (scope: string, from: number, count: number) =>
    one.put(
      ...Array.from({ length: count }, (_, n) =>
        anEntry({ scope, key: `k${from + n}`, vector: vector(...Array(256).fill(n + 1)), text: `bee ${n}` }),
      ),
    );
  const found = (scope: string) => one.keys({ scope, text: 'bee', limit: 1000 });
  await fill('small', 0, 100);
  await fill('large', 0, 200);
  expect(await found('large')).toHaveLength(200);
  await fill('large', 200, 400);
  // It had a copy, and has none.
  await expect(found('large')).rejects.toThrow(ScopeTooLarge);
  await server.ask('CONFIG', 'RESETSTAT');
  await expect(found('large')).rejects.toThrow('large takes more than');
  // That is known: it was not read for it again.
  expect(await server.ask('INFO', 'commandstats')).not.toContain('cmdstat_zrangebylex');
  expect(await found('small')).toHaveLength(100);
  await one.put(...Array.from({ length: 500 }, (_, n) => ({ scope: 'large', key: `k${n}` })));
  expect(await found('large')).toHaveLength(100);
  expect(await found('small')).toHaveLength(100);
});

test('a scope whose name begins with another one is another scope', async () => {
  const [one] = await two();
  for (const scope of ['team', 'team.', 'team0', 'team-a', 'tea'])
    await one.put(anEntry({ scope, key: scope, text: 'bee' }));
  for (const scope of ['team', 'team.', 'team0', 'team-a', 'tea']) {
    expect(await one.keys({ scope, text: 'bee' })).toEqual([scope]);
  }
});

test('long and many entries are all read', async () => {
  const [one, other] = await two();
  for (let n = 0; n < 10; n++) {
    await one.put(
      ...Array.from({ length: 250 }, (_, m) => {
        const value = JSON.stringify('x'.repeat(m % 50 === 0 ? 200_000 : 10));
        return anEntry({ key: `${n}-${m}`, text: 'bee', value });
      }),
    );
  }
  expect((await other.keys({ text: 'bee', limit: 5000 })).length).toBe(2500);
});
