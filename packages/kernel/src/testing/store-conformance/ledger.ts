import { expect, test } from 'vitest';
import { canonicalEntry, chainHash, GENESIS } from '../../core/chain.ts';
import type { NewEvent } from '../../core/event.ts';
import type { Unit } from '../../core/store.ts';
import { about, DAWN, type Scribe } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

export function tell(...events: NewEvent[]): Unit {
  return { puts: [], events };
}

/** Appends `count` entries, `perCommit` in each commit. */
export async function fill(scribe: Scribe, count: number, perCommit: number): Promise<void> {
  for (let n = 0; n < count; n += perCommit) {
    const events = Array.from({ length: Math.min(perCommit, count - n) }, (_, index) =>
      about({ id: `t${n + index + 1}` }),
    );
    await scribe.commit(tell(...events));
  }
}

/** invariant 11: in commit order, gapless from 1, chained. */
export function ledger(driver: Driver): void {
  test('an empty ledger has no head but the genesis, and is valid', async () => {
    const { store } = await openFor(driver);
    expect(await store.ledger.span()).toEqual({ first: 1, last: 0, sealedTo: 0, hash: GENESIS });
    expect(await store.ledger.seal()).toBe(0);
    expect(await store.ledger.read(0, 10)).toEqual([]);
    expect(await store.ledger.verify()).toEqual({ valid: true, entries: 0, head: GENESIS, firstInvalidId: null });
  });

  test('entries are numbered from 1 without a gap, over units and commits', async () => {
    const scribe = await openFor(driver);
    const one = await scribe.commit(tell(about({ id: 'a' }), about({ id: 'b' })), tell(), tell(about({ id: 'c' })));
    const two = await scribe.commit(tell(about({ id: 'd' })));
    expect([...one.entries, ...two.entries].map(({ id, taskId }) => [id, taskId])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
      [4, 'd'],
    ]);
    expect((await scribe.store.ledger.span()).last).toBe(4);
  });

  test('what is read is what the commit answered, with the chain that anybody can recompute', async () => {
    const scribe = await openFor(driver);
    const odd: NewEvent = {
      type: 'worker_registered',
      source: 'worker:bee-1',
      actor: 'ann "the\nqueen" 👑',
      data: { list: [1, { a: null }], name: 'Blüm\u0000chen\u2028\n', worker_id: 'bee-1' },
    };
    const { entries } = await scribe.commit(tell(about({ id: 'a' }), odd, about({ id: 'b' })));
    expect(await scribe.store.ledger.seal()).toBe(3);
    const read = await scribe.store.ledger.read(0, 10);
    expect(read.map(({ prevHash, hash, ...entry }) => entry)).toEqual(entries);
    expect(read[1]).toMatchObject({ workerId: 'bee-1', taskId: null, at: DAWN, data: JSON.stringify(odd.data) });
    let prev = GENESIS;
    for (const entry of read) {
      expect(entry.prevHash).toBe(prev);
      prev = chainHash(prev, canonicalEntry(entry));
      expect(entry.hash).toBe(prev);
    }
    expect(await scribe.store.ledger.span()).toEqual({ first: 1, last: 3, sealedTo: 3, hash: prev });
  });

  test('an entry carries the time of its commit, also when the clock went back', async () => {
    const scribe = await openFor(driver);
    await scribe.commit(tell(about({ id: 'a' })));
    scribe.at -= 60_000;
    await scribe.commit(tell(about({ id: 'b' })));
    expect((await scribe.store.ledger.read(0, 10)).map((entry) => entry.at)).toEqual([DAWN, DAWN - 60_000]);
    expect((await scribe.store.ledger.verify()).valid).toBe(true);
  });

  test.each([1, 3, 300])('can be read from anywhere in pieces of any size, written %i at a time', async (perCommit) => {
    const scribe = await openFor(driver);
    const count = perCommit === 1 ? 40 : 600;
    await fill(scribe, count, perCommit);
    for (const [after, limit] of [
      [0, 1],
      [0, count + 5],
      [1, 2],
      [count - 1, 5],
      [count, 5],
      [127, 3],
      [Math.floor(count / 2), 17],
    ] as const) {
      const expected = Array.from({ length: count }, (_, n) => n + 1).slice(after, after + limit);
      expect((await scribe.store.ledger.read(after, limit)).map((entry) => entry.id)).toEqual(expected);
    }
    await scribe.store.ledger.seal();
    let prev: string | null = GENESIS;
    for (const entry of await scribe.store.ledger.read(0, count)) {
      expect(entry).toMatchObject({ prevHash: prev, taskId: `t${entry.id}` });
      prev = entry.hash;
    }
    expect(await scribe.store.ledger.verify()).toEqual({
      valid: true,
      entries: count,
      head: prev,
      firstInvalidId: null,
    });
  });

  test('verifying while others write finds nothing wrong', async () => {
    const scribe = await openFor(driver);
    await fill(scribe, 500, 1);
    const verification = scribe.store.ledger.verify();
    await fill(scribe, 50, 1);
    expect(await verification).toMatchObject({ valid: true });
    expect((await scribe.store.ledger.verify()).entries).toBe(550);
  });
}
