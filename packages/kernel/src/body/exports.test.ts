/** The colony is exported while it goes on. */
import { expect, onTestFinished, test } from 'vitest';
import type { Piece } from '../core/archive.ts';
import { Refusal } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import { openFreshStore } from '../testing/fresh-store.ts';
import { Hive } from '../testing/hive.ts';
import { Pipeline } from '../testing/pipeline.ts';
import { Checkpoints } from './checkpoints.ts';
import { type Export, Exports } from './exports.ts';

const KEEP = 3;

/** A colony with a task that waits, one that is held by `maya` and one that is done. */
async function scene() {
  const hive = await Hive.begin();
  const { store, batcher, clock } = hive.pipeline;
  let made = 0;
  const checkpoints = new Checkpoints({
    ...{ store, batcher, clock, rules: { keep: KEEP, everyMs: null } },
    newId: () => `c${++made}`,
    onRolledBack: async () => undefined,
  });
  const exports = new Exports({ store, clock, book: checkpoints.book });
  await hive.hire('maya', 2);
  await hive.submit('done', { priority: 9 });
  await hive.submit('held', { priority: 8 });
  await hive.submit('waiting');
  const [done, held] = await hive.claim('maya', 2);
  await hive.complete(done!);
  return { hive, store, clock, checkpoints, exports, held: held! };
}
type Scene = Awaited<ReturnType<typeof scene>>;

/** Begins one and reads its first piece, so that it is under way. */
async function underWay({ exports }: Scene) {
  const pieces = ((await exports.begin('ann')) as Export).pieces[Symbol.asyncIterator]();
  const { value: head } = await pieces.next();
  return { pieces, rest: async () => [head, ...(await restOf(pieces))] as Piece[] };
}

async function restOf(pieces: AsyncIterator<Piece>): Promise<Piece[]> {
  const rest: Piece[] = [];
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) rest.push(next.value);
  return rest;
}

async function restored(pieces: readonly Piece[]): Promise<Store> {
  const store = await openFreshStore();
  onTestFinished(() => store.close());
  await store.restore(
    (async function* () {
      yield* pieces;
    })(),
  );
  return store;
}

/** Everything happens that may happen while it is exported. */
async function goOn({ hive, held, checkpoints }: Scene): Promise<void> {
  await hive.complete(held);
  await hive.cancel('waiting');
  await hive.submit('new');
  await hive.hire('willy');
  await hive.take('willy');
  await hive.do({ kind: 'unregister', actor: 'ann', workerId: 'maya', reason: 'unregistered' });
  await checkpoints.create('later', 'ann');
  await hive.retry('waiting');
}

test('an export is the colony as it was just before, however it goes on', async () => {
  const here = await scene();
  const { last } = await here.store.ledger.span();
  const { rest } = await underWay(here);
  await goOn(here);
  const copy = await restored(await rest());
  expect((await copy.survey()).tasks).toMatchObject({ queued: 1, executing: 1, completed: 1, cancelled: 0 });
  expect((await copy.workers()).map(({ id, holds }) => [id, holds])).toEqual([['maya', ['held']]]);
  expect((await copy.ledger.span()).last).toBe(last);
  expect(await copy.ledger.verify()).toMatchObject({ valid: true, entries: last });
  expect((await copy.survey()).saving).toBeNull();
  expect((await copy.documents({ collection: 'checkpoint', limit: 9 })).items).toEqual([]);
});

test('what is made of it goes on where the colony was: leases, tokens and the ledger', async () => {
  const here = await scene();
  const { rest } = await underWay(here);
  await goOn(here);
  const copy = new Hive(new Pipeline(await restored(await rest())));
  await copy.complete(here.held);
  await copy.take('maya');
  expect(await copy.pipeline.store.task('waiting')).toMatchObject({
    status: 'executing',
    leaseToken: 1,
    worker: 'maya',
  });
  expect(await copy.pipeline.store.ledger.verify()).toMatchObject({ valid: true });
});

test('checkpoints come with it, and the way back to them', async () => {
  const here = await scene();
  await here.checkpoints.create('before', 'ann');
  await here.hive.cancel('waiting');
  const { rest } = await underWay(here);
  await here.hive.retry('waiting');
  const store = await restored(await rest());
  const { batcher, clock } = new Pipeline(store);
  const rules = { keep: KEEP, everyMs: null };
  const there = new Checkpoints({
    store,
    batcher,
    clock,
    rules,
    newId: () => 'x',
    onRolledBack: async () => undefined,
  });
  expect((await there.list()).map(({ id, label }) => [id, label])).toEqual([['c1', 'before']]);
  await there.rollback('c1', 'ann');
  expect(await store.task('waiting')).toMatchObject({ status: 'queued' });
});

test('it leaves nothing behind but what the ledger tells of it', async () => {
  const here = await scene();
  const { rest } = await underWay(here);
  expect((await here.checkpoints.list()).map(({ label }) => label)).toEqual(['export']);
  await goOn(here);
  await rest();
  expect((await here.checkpoints.list()).map(({ label }) => label)).toEqual(['later']);
  const told = await here.store.ledger.query({ type: 'checkpoint_deleted', limit: 9 });
  expect(told.map(({ data }) => JSON.parse(data))).toEqual([{ checkpoint_id: 'c1', reason: 'exported' }]);
});

test('whoever stops reading ends it', async () => {
  const here = await scene();
  const { pieces } = await underWay(here);
  await pieces.return!();
  expect(await here.checkpoints.list()).toEqual([]);
});

test('a rollback that is begun meanwhile ends it, also one that is over by then', async () => {
  const here = await scene();
  await here.checkpoints.create('before', 'ann');
  await here.hive.cancel('waiting');
  const { pieces } = await underWay(here);
  expect(await here.checkpoints.rollback('c1', 'ann')).not.toBeInstanceOf(Refusal);
  await expect(restOf(pieces)).rejects.toThrow('a rollback was begun');
  expect((await here.checkpoints.list()).map(({ id }) => id)).toEqual(['c1']);
});

test('going back to its own checkpoint ends it as well', async () => {
  const here = await scene();
  const { pieces } = await underWay(here);
  await goOn(here);
  expect(await here.checkpoints.rollback('c1', 'ann')).not.toBeInstanceOf(Refusal);
  await expect(restOf(pieces)).rejects.toThrow('a rollback was begun');
  expect(await here.store.task('new')).toBeNull();
});

test('who deletes its checkpoint ends it', async () => {
  const here = await scene();
  const { pieces } = await underWay(here);
  expect(await here.checkpoints.remove('c1', 'ann')).toBeNull();
  await expect(restOf(pieces)).rejects.toThrow('the checkpoint of the export is gone');
});

test('nothing is removed for good until it is over', async () => {
  const here = await scene();
  const tend = () => here.checkpoints.tend(here.clock.now().wall);
  expect(await tend()).toEqual({ saving: null });
  const { rest } = await underWay(here);
  expect(await tend()).toBeNull();
  // Nor by somebody who looked just before it was begun.
  await here.hive.cancel('waiting');
  const before = { endedBefore: here.clock.now().wall + 1, ledgerBefore: null, idempotencyBefore: 0 };
  expect(await here.store.prune(before, 100, null)).toBe(0);
  await rest();
  expect(await tend()).toEqual({ saving: null });
  expect(await here.store.prune(before, 100, null)).toBeGreaterThan(0);
});

test('it is held until it is ended, however slowly it is read, or before anybody has begun to', async () => {
  const here = await scene();
  const begun = (await here.exports.begin('ann')) as Export;
  for (let n = 0; n < 8; n++) {
    await here.clock.advance(15_000);
    const until = here.clock.now().wall + 60_000;
    await expect.poll(async () => (await here.checkpoints.list())[0]?.exporting).toBe(until);
    expect(await here.checkpoints.tend(here.clock.now().wall)).toBeNull();
  }
  await Promise.all([begun.end(), begun.end()]);
  expect(await here.checkpoints.list()).toEqual([]);
  await expect(restOf(begun.pieces[Symbol.asyncIterator]())).rejects.toThrow('exported no further');
  for (let n = 0; n < 2; n++) await underWay(here);
});

/** Exports of a kernel that is killed as soon as one is begun. */
function doomed({ store, clock, checkpoints }: Scene): Exports {
  const still = { now: () => clock.now(), timer: () => () => undefined };
  return new Exports({ store, clock: still, book: checkpoints.book });
}

test('of a kernel that was killed over one nothing is left after a minute', async () => {
  const here = await scene();
  const { pieces } = await underWay({ ...here, exports: doomed(here) });
  await here.clock.advance(61_000);
  expect(await here.checkpoints.tend(here.clock.now().wall)).toBeNull();
  expect(await here.checkpoints.list()).toEqual([]);
  expect(await here.checkpoints.tend(here.clock.now().wall)).toEqual({ saving: null });
  await expect(restOf(pieces)).rejects.toThrow('the checkpoint of the export is gone');
});

test.each([
  ['after a rollback', (here: Scene) => here.checkpoints.rollback('c1', 'ann')],
  ['when the clock was put back', async ({ clock }: Scene) => clock.jump(-3_600_000)],
])('of a kernel that was killed over one nothing is left %s', async (_, happen) => {
  const here = await scene();
  await here.checkpoints.create('before', 'ann');
  await doomed(here).begin('ann');
  await happen(here);
  await here.checkpoints.tend(here.clock.now().wall);
  expect((await here.checkpoints.list()).map(({ label }) => label)).toEqual(['before']);
});

test('what is made of one that was begun while another one was under way has nothing of that', async () => {
  const here = await scene();
  const [first, second] = [await underWay(here), await underWay(here)];
  const copy = await restored(await second.rest());
  expect((await copy.documents({ collection: 'checkpoint', limit: 9 })).items).toEqual([]);
  const { batcher, clock } = new Pipeline(copy);
  const rules = { keep: KEEP, everyMs: null };
  const there = new Checkpoints({
    store: copy,
    batcher,
    clock,
    rules,
    newId: () => 'x',
    onRolledBack: async () => undefined,
  });
  await there.tend(clock.now().wall);
  expect((await copy.survey()).saving).toBeNull();
  await first.rest();
});

test('more than two at once are too many', async () => {
  const here = await scene();
  const many = await Promise.all(Array.from({ length: 20 }, () => here.exports.begin('ann')));
  const begun = many.filter((one) => !(one instanceof Refusal)) as Export[];
  expect(begun).toHaveLength(2);
  expect(many.find((one) => one instanceof Refusal)).toMatchObject({ code: 'queue_full', retryAfterSeconds: 10 });
  await begun[0]!.end();
  await (await underWay(here)).rest();
});

test('it is none of the checkpoints of which only so many are kept', async () => {
  const here = await scene();
  const { rest } = await underWay(here);
  for (let n = 0; n <= KEEP; n++) await here.checkpoints.create(`own ${n}`, 'ann');
  expect((await here.checkpoints.list()).length).toBe(KEEP + 1);
  await rest();
  expect((await here.checkpoints.list()).map(({ label }) => label)).toEqual(['own 3', 'own 2', 'own 1']);
});

test('while a rollback is under way none is begun', async () => {
  const here = await scene();
  const { saving } = await here.store.survey();
  const put = { kind: 'saving', prev: saving, next: { number: 5, rolling: true } } as const;
  await here.store.commit([{ puts: [put], events: [] }], 0);
  expect(await here.exports.begin('ann')).toMatchObject({ code: 'storage_unavailable', retryAfterSeconds: 1 });
});
