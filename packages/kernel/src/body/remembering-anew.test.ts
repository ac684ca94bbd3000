/** Where the store may hold something else than it did, what workers have shown is read again. */
import { expect, test } from 'vitest';
import type { Beat, Fellows } from '../core/fellows.ts';
import type { Store } from '../core/store.ts';
import { loneKernel } from '../testing/lone-kernel.ts';
import { EXPERIENCE_SCOPE } from './expertise-book.ts';

/** A kernel whose store says at the next beat that something has happened to it. */
async function colony() {
  let news: Partial<Beat> = {};
  let read = 0;
  const between = (store: Store): Store => {
    const fellows: Fellows = {
      newMark: () => 'mark',
      lastSeen: async () => new Map(),
      leave: async () => undefined,
      beat: async () => {
        const { last } = await store.ledger.span();
        const beat = { isSteward: true, silent: [], last, lostUpTo: null, restarted: false, ...news };
        news = {};
        return beat;
      },
    };
    return new Proxy(store, {
      get: (_, name) => {
        if (name === 'fellows') return fellows;
        const value: unknown = Reflect.get(store, name, store);
        if (typeof value !== 'function') return value;
        return (...args: readonly { prefix?: string }[]) => {
          if (name === 'documentsNamed' && args[0]?.prefix === `${EXPERIENCE_SCOPE}/`) read++;
          return value.apply(store, args);
        };
      },
    });
  };
  const { kernel, clock, rest } = await loneKernel(between, {}, true);
  await rest();
  const after = async (happened: Partial<Beat>): Promise<number> => {
    const before = read;
    news = happened;
    await clock.advance(1000);
    await rest();
    return read - before;
  };
  return { kernel, after, rest, reads: () => read };
}

test.each<[string, Partial<Beat>, number]>([
  ['nothing has happened', {}, 0],
  ['it has lost what it had acknowledged', { lostUpTo: 1 }, 1],
  ['it has started anew', { restarted: true }, 1],
])('when %s', async (_, happened, times) => {
  const { after } = await colony();
  expect(await after({})).toBe(0);
  expect(await after(happened)).toBe(times);
});

test('when it was rolled back', async () => {
  const { kernel, rest, reads } = await colony();
  const checkpoint = await kernel.checkpoints.create(null, 'ann');
  await rest();
  const before = reads();
  await kernel.checkpoints.rollback((checkpoint as { id: string }).id, 'ann');
  await rest();
  expect(reads() - before).toBe(1);
});
