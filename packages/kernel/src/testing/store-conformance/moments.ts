import { setImmediate as breathe } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Moment, Piece } from '../../core/archive.ts';
import { type Document, nameOf } from '../../core/document.ts';
import type { Store } from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import type { Worker } from '../../core/worker.ts';
import { portrait } from '../portrait.ts';
import { Random } from '../random.ts';
import { aDocument, after, aWorker, DAWN, plain, type Scribe } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';
import { furnish, NAMES } from './furnished.ts';

/** Makes a checkpoint; answers the moment before it. */
async function mark(scribe: Scribe, number: number): Promise<Moment> {
  const { saving } = await scribe.store.survey();
  const document = aDocument({ collection: 'checkpoint', id: `checkpoint-${number}`, state: '' });
  const { entries } = await scribe.commit({
    puts: [
      { kind: 'document', prev: null, next: document },
      { kind: 'saving', prev: saving, next: { number, rolling: false } },
    ],
    events: [{ type: 'checkpoint_created', source: 'kernel', actor: 'kernel', data: {} }],
  });
  return { number, document: nameOf(document), saving, lastEntry: entries[0]!.id - 1 };
}

/** What a dump comes to, however it is cut into pieces, and whatever comes twice. */
async function contents(pieces: AsyncIterable<Piece>): Promise<string[]> {
  const lines = new Set<string>();
  for await (const piece of pieces) {
    if (piece.kind === 'head') lines.add(JSON.stringify({ ...piece, sequence: 0, contents: null }));
    else if (piece.kind === 'task') lines.add(text({ ...piece, task: plain(piece.task) }));
    else if (piece.kind === 'entries') for (const entry of piece.entries) lines.add(text(entry));
    else lines.add(text(piece));
  }
  return [...lines].sort();
}

/** Stores give the members in orders of their own. */
function text(value: object): string {
  return JSON.stringify(value, (_, one) =>
    one !== null && typeof one === 'object' && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}

async function changeWorker(scribe: Scribe, prev: Worker, fields: Partial<Worker> | null): Promise<void> {
  const next = fields && after(prev, fields);
  await scribe.commit({ puts: [{ kind: 'worker', prev, next }], events: [] });
}

async function removeDocument(scribe: Scribe, prev: Document): Promise<void> {
  await scribe.commit({ puts: [{ kind: 'document', prev, next: null }], events: [] });
}

/** Changes something of every kind in a furnished store, and then once more under a later number. */
async function goOn(scribe: Scribe, number: number): Promise<void> {
  const { store } = scribe;
  const task = (id: string) => store.task(id) as Promise<Task>;
  const document = (collection: Document['collection'], id: string) =>
    store.document(collection, id) as Promise<Document>;
  const [bee1, bee2] = await Promise.all(['bee-1', 'bee-2'].map((id) => store.worker(id) as Promise<Worker>));
  await scribe.change(await task('task-2'), { status: 'cancelled', completedAt: DAWN + 9, queuedAt: null });
  await scribe.change(await task('task-5'), {
    status: 'completed',
    completedAt: DAWN + 9,
    result: '1',
    deadline: null,
  });
  await changeWorker(scribe, bee1!, { holds: [], completed: 1, recent: '0' });
  await changeWorker(scribe, bee2!, null);
  await scribe.changeDocument(await document('policy', 'current'), { body: { other: true } });
  await removeDocument(scribe, await document('vote', 'vote-1'));
  await scribe.addDocument({ collection: 'quarantine', id: 'bee-1' });
  await scribe.addWorker({ id: 'bee-3' });
  const young = await scribe.add({ parent_id: 'task-2', tags: ['a'] }, { depth: 1 });
  const prev = (await store.load({ idempotency: ['k1'] })).idempotency.get('k1')!;
  await scribe.commit({
    puts: [
      { kind: 'idempotency', prev, next: { ...prev, at: DAWN + 5, taskIds: [young.id] } },
      { kind: 'idempotency', prev: null, next: { ...prev, key: 'k9' } },
    ],
    events: [],
  });
  await scribe.save({ number, rolling: false });
  await scribe.change(await task('task-2'), { losses: 3 });
  await scribe.change(await task('task-8'), { losses: 3 });
  await changeWorker(scribe, (await store.worker('bee-1'))!, { completed: 2 });
  await scribe.changeDocument(await document('policy', 'current'), { body: {} });
  await removeDocument(scribe, await document('quarantine', 'bee-1'));
}

/** A dump can be of a moment that is past. */
export function moments(driver: Driver): void {
  async function furnished(): Promise<Scribe> {
    const scribe = await openFor(driver);
    await furnish(scribe);
    await scribe.store.ledger.seal();
    return scribe;
  }

  async function restored(pieces: AsyncIterable<Piece>): Promise<Store> {
    const store = await driver.open();
    onTestFinished(() => store.close());
    await store.restore(pieces);
    return store;
  }

  test('whatever has changed since, a dump of a moment is what a dump at that moment was', async () => {
    const scribe = await furnished();
    const was = await contents(scribe.store.dump());
    const copy = await restored(scribe.store.dump());
    const moment = await mark(scribe, 10);
    expect(await contents(scribe.store.dump(moment))).toEqual(was);
    await goOn(scribe, 20);
    await scribe.store.ledger.seal();
    expect(await contents(scribe.store.dump(moment))).toEqual(was);
    const late = await restored(scribe.store.dump(moment));
    expect(await portrait(late, NAMES, false)).toEqual(await portrait(copy, NAMES, false));
  });

  test('of an earlier moment, when there is a later one', async () => {
    const scribe = await furnished();
    const moment = await mark(scribe, 10);
    const was = await contents(scribe.store.dump(moment));
    await goOn(scribe, 20);
    const later = await mark(scribe, 30);
    const is = await contents(scribe.store.dump(later));
    await scribe.change((await scribe.store.task('task-8'))!, { losses: 9 });
    expect(await contents(scribe.store.dump(moment))).toEqual(was);
    expect(await contents(scribe.store.dump(later))).toEqual(is);
    expect(is).not.toEqual(was);
  });

  test('what is made behind the place that was reached, and changed before it under a later number, does not show', async () => {
    const scribe = await openFor(driver);
    const votes = Array.from({ length: 400 }, (_, n) => aDocument({ id: `vote-${n}` }));
    await scribe.commit({ puts: votes.map((next) => ({ kind: 'document', prev: null, next })), events: [] });
    await scribe.store.ledger.seal();
    const was = await contents(scribe.store.dump());
    const moment = await mark(scribe, 10);
    for (const vote of votes) await scribe.changeDocument(vote, { state: 'x' });
    const seen = new Set<string>();
    async function* disturbed(): AsyncGenerator<Piece> {
      for await (const piece of scribe.store.dump(moment)) {
        yield piece;
        if (piece.kind !== 'document' || seen.has('late')) continue;
        const { id } = piece.document;
        // It comes once more: by now it is what was kept that is read.
        if (seen.has(id)) {
          seen.add('late');
          const late = await scribe.addDocument({ id: 'aaa' });
          await scribe.save({ number: 20, rolling: false });
          await scribe.changeDocument(late, { state: 'x' });
        }
        seen.add(id);
      }
    }
    expect(await contents(disturbed())).toEqual(was);
    expect(seen).toContain('late');
  });

  test.each([1, 2, 3, 4])('what changes while it is read does not show in it (%i)', async (seed) => {
    const random = new Random(seed);
    const scribe = await openFor(driver);
    const { store } = scribe;
    const drafts = [];
    for (let n = 0; n < 1300; n++) drafts.push(await scribe.draft({ tags: [`tag-${n % 3}`] }));
    await scribe.commit({ puts: drafts.map((next) => ({ kind: 'task', prev: null, next })), events: [] });
    const ids = drafts.map(({ id }) => id);
    const votes = Array.from({ length: 700 }, (_, n) => aDocument({ id: `vote-${n}` }));
    const workers = Array.from({ length: 30 }, (_, n) => aWorker({ id: `bee-${n}` }));
    await scribe.commit({ puts: votes.map((next) => ({ kind: 'document', prev: null, next })), events: [] });
    await scribe.commit({ puts: workers.map((next) => ({ kind: 'worker', prev: null, next })), events: [] });
    await store.ledger.seal();
    const was = await contents(store.dump());
    const moment = await mark(scribe, 10);

    let number = 10;
    let made = 0;
    const deeds: (() => Promise<unknown>)[] = [
      async () =>
        scribe.change((await store.task(random.pick(ids)))!, {
          status: random.pick(['queued', 'failed', 'executing']),
        }),
      async () => scribe.change((await store.task(random.pick(ids)))!, { losses: 1 }),
      () => scribe.add(),
      async () => {
        const worker = await store.worker(random.pick(workers).id);
        if (worker) await changeWorker(scribe, worker, random.chance(0.5) ? null : { completed: worker.completed + 1 });
      },
      async () => {
        const vote = await store.document('vote', random.pick(votes).id);
        if (vote)
          await (random.chance(0.5) ? removeDocument(scribe, vote) : scribe.changeDocument(vote, { state: 'x' }));
      },
      () => scribe.save({ number: ++number, rolling: false }),
      () => scribe.addDocument({ id: `late-${++made}` }),
      () => scribe.addWorker({ id: `late-${++made}` }),
      async () => {
        const late = await store.document('vote', `late-${random.between(1, made + 1)}`);
        if (late)
          await (random.chance(0.5) ? removeDocument(scribe, late) : scribe.changeDocument(late, { state: 'y' }));
      },
    ];
    let isRead = false;
    async function disturb(): Promise<void> {
      while (!isRead) {
        await random.pick(deeds)();
        await breathe();
      }
    }
    async function* read(): AsyncGenerator<Piece> {
      for await (const piece of store.dump(moment)) {
        yield piece;
        if (random.chance(0.02)) await breathe();
      }
      isRead = true;
    }
    const [found] = await Promise.all([contents(read()), disturb()]);
    expect(found).toEqual(was);
  });
}
