import { expect, onTestFinished, test } from 'vitest';
import { NotEmpty, type Piece } from '../../core/archive.ts';
import type { Store } from '../../core/store.ts';
import { portrait } from '../portrait.ts';
import { DAWN, Scribe } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';
import { furnish, NAMES, RETENTION } from './furnished.ts';

/** Everything can be taken out of one store and into another. */
export function archive(driver: Driver): void {
  async function empty(): Promise<Store> {
    const store = await driver.open();
    onTestFinished(() => store.close());
    return store;
  }

  async function furnished(): Promise<Scribe> {
    const scribe = await openFor(driver);
    await furnish(scribe);
    return scribe;
  }

  test.each(['a colony', 'a colony after retention'])('%s that was dumped and restored is the same', async (which) => {
    const scribe = await furnished();
    await scribe.store.ledger.seal();
    if (which !== 'a colony') expect(await scribe.store.prune(RETENTION, 100)).toBeGreaterThan(4);
    const before = await portrait(scribe.store, NAMES);
    let copy = await empty();
    await copy.restore(scribe.store.dump());
    expect(await portrait(copy, NAMES, false)).toEqual(await portrait(scribe.store, NAMES, false));
    if (driver.reopen) copy = await driver.reopen(copy);
    expect(await portrait(copy, NAMES, false)).toEqual(await portrait(scribe.store, NAMES, false));
    expect(await portrait(scribe.store, NAMES)).toEqual(before);
  });

  test('it goes on where the other was: sequence numbers, versions, entries and the chain', async () => {
    const scribe = await furnished();
    const copy = new Scribe(await empty());
    await copy.store.restore(scribe.store.dump());
    copy.at = scribe.at;
    const heads = [];
    for (const one of [scribe, copy]) {
      const task = await one.store.task('task-2');
      await one.change(task!, { status: 'cancelled', completedAt: one.at });
      await one.commit({ puts: [], events: [] });
      await one.add({ parent_id: 'task-2' }, { id: 'new' });
      await one.store.ledger.seal();
      heads.push(await one.store.ledger.span());
    }
    expect(heads[1]).toEqual(heads[0]);
    expect(await portrait(copy.store, NAMES, false)).toEqual(await portrait(scribe.store, NAMES, false));
  });

  test("a removed task's sequence number is not used again there either", async () => {
    const scribe = await openFor(driver);
    const gone = await scribe.add({}, { status: 'completed', completedAt: DAWN - 1 });
    await scribe.store.prune(RETENTION, 100);
    const copy = new Scribe(await empty());
    await copy.store.restore(scribe.store.dump());
    if (driver.reopen) copy.store = await driver.reopen(copy.store);
    expect((await copy.draft()).seq).toBeGreaterThan(gone.seq);
  });

  test('a running attempt is not over at once', async () => {
    const scribe = await furnished();
    const copy = await empty();
    await copy.restore(scribe.store.dump());
    const { deadline } = (await copy.task('task-5'))!;
    expect((await copy.due({ wall: 0, steady: deadline! - 1 }, 9)).overdue).toEqual([]);
    expect((await copy.due({ wall: 0, steady: deadline! }, 9)).overdue.map(({ id }) => id)).toEqual(['task-5']);
  });

  test('an empty one can be restored, too', async () => {
    const copy = await empty();
    await copy.restore((await empty()).dump());
    expect(await copy.ledger.span()).toMatchObject({ first: 1, last: 0 });
    expect((await new Scribe(copy).add()).seq).toBe(1);
  });

  test('where there is something already nothing is restored', async () => {
    const scribe = await furnished();
    const other = await openFor(driver);
    await other.addWorker();
    const before = await portrait(other.store, NAMES);
    await expect(other.store.restore(scribe.store.dump())).rejects.toThrow(NotEmpty);
    expect(await portrait(other.store, NAMES)).toEqual(before);
    if (driver.reopen) other.store = await driver.reopen(other.store);
    expect(await portrait(other.store, NAMES)).toEqual(before);
  });

  test('a dump is read as it is asked for', async () => {
    const scribe = await openFor(driver);
    const last = await many(scribe, 1200);
    const tasks: string[] = [];
    for await (const piece of scribe.store.dump()) {
      if (piece.kind !== 'task') continue;
      // What has not been read yet is read as it is by then.
      if (tasks.length === 0) await scribe.change((await scribe.store.task(last))!, { losses: 7 });
      tasks.push(piece.task.id);
      if (piece.task.id === last) expect(piece.task.losses).toBe(7);
    }
    expect(tasks).toEqual(Array.from({ length: 1200 }, (_, n) => `task-${n + 1}`));
  });

  test('what is restored is written as it arrives', async () => {
    const scribe = await openFor(driver);
    await many(scribe, 1200);
    const copy = await empty();
    async function* watched(): AsyncGenerator<Piece> {
      for await (const piece of scribe.store.dump()) {
        if (piece.kind === 'task' && piece.task.id === 'task-1100') expect(await copy.task('task-900')).not.toBeNull();
        yield piece;
      }
    }
    await copy.restore(watched());
    expect((await copy.survey()).tasks.queued).toBe(1200);
  });

  const broken = [
    ['that breaks off', (pieces: Piece[]) => pieces.slice(0, 5), /tasks: 4 arrived where 10 were sent/],
    ['without its head', (pieces: Piece[]) => pieces.slice(1), /has no head/],
    ['of a later format', ([head, ...rest]: Piece[]) => [{ ...head, format: 99 } as Piece, ...rest], /has format 99/],
    ['whose ledger was tampered with', tamper, /ledger is not valid from entry 1 on/],
    ['with nothing in it', () => [], /is empty/],
  ] as const;
  test.each(broken)('an archive %s is refused, and what has arrived of it cannot be opened', async (_, change, why) => {
    const scribe = await furnished();
    const pieces: Piece[] = [];
    for await (const piece of scribe.store.dump()) pieces.push(piece);
    const copy = await empty();
    await expect(copy.restore(from(change(pieces)))).rejects.toThrow(why);
    if (driver.reopen) await expect(driver.reopen(copy)).rejects.toThrow('not all of it arrived');
  });
}

/** Adds many tasks at once; answers the last one's id. */
async function many(scribe: Scribe, count: number): Promise<string> {
  const tasks = [];
  for (let n = 0; n < count; n++) tasks.push(await scribe.draft());
  await scribe.commit({ puts: tasks.map((next) => ({ kind: 'task', prev: null, next })), events: [] });
  return tasks.at(-1)!.id;
}

function tamper(pieces: Piece[]): Piece[] {
  return pieces.map((piece) =>
    piece.kind === 'entries'
      ? { ...piece, entries: piece.entries.map((entry) => ({ ...entry, actor: 'somebody' })) }
      : piece,
  );
}

async function* from(pieces: readonly Piece[]): AsyncGenerator<Piece> {
  yield* pieces;
}
