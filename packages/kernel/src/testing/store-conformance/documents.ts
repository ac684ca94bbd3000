import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Document, nameOf } from '../../core/document.ts';
import { MOST_EXPIRING } from '../../core/queries.ts';
import type { DocumentQuery, Retention } from '../../core/store.ts';
import { about, aDocument, after, DAWN, type Scribe } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());
const time = fc.option(fc.integer({ min: 0, max: DAWN * 2 }));
const fields = fc.record({
  state: fc.constantFrom('', 'open', 'closed'),
  dueAt: time,
  endedAt: time,
  body: fc.dictionary(text, fc.jsonValue()),
});
const NOTHING: Retention = { endedBefore: null, ledgerBefore: null, idempotencyBefore: 0 };

async function list(scribe: Scribe, query: Partial<DocumentQuery> = {}): Promise<string[]> {
  return (await scribe.store.documents({ collection: 'vote', limit: 100, ...query })).items.map(({ id }) => id);
}

/** What the parts of the colony keep beside tasks and workers. */
export function documents(driver: Driver): void {
  test('one comes back as it went in, whatever it says', async () => {
    const scribe = await openFor(driver);
    let made = 0;
    await fc.assert(
      fc.asyncProperty(fields, fields, text, async (first, second, name) => {
        const id = `${++made}-${name.replaceAll(/\s/g, '')}`;
        const document = await scribe.addDocument({ id, ...(first as Partial<Document>) });
        expect(json(await scribe.store.document('vote', id))).toEqual(json(document));
        const next = await scribe.changeDocument(document, second as Partial<Document>);
        const loaded = (await scribe.store.load({ documents: [nameOf(next)] })).documents;
        expect(json(loaded.get(nameOf(next)))).toEqual(json(next));
      }),
      { numRuns: 40 },
    );
  });

  test('what does not exist is null', async () => {
    const { store } = await openFor(driver);
    expect(await store.document('vote', 'v')).toBeNull();
    expect((await store.load({ documents: ['vote v'] })).documents.get('vote v')).toBeNull();
  });

  test('of those who would make the same one, or change it, one does', async () => {
    const { store, at } = await openFor(driver);
    const commit = async (prev: Document | null, next: Document | null) =>
      (await store.commit([{ puts: [{ kind: 'document', prev, next }], events: [about({ id: 't' })] }], at))
        .outcomes[0];
    const one = aDocument();
    expect(await commit(null, one)).toBe('committed');
    expect(await commit(null, aDocument({ state: 'other' }))).toBe('conflict');
    const next = after(one, { state: 'closed' });
    expect(await commit(one, next)).toBe('committed');
    expect(await commit(one, after(one, { state: 'other' }))).toBe('conflict');
    expect(await commit(one, null)).toBe('conflict');
    expect(await store.document('vote', one.id)).toEqual(next);
    expect(await commit(next, null)).toBe('committed');
    expect(await commit(next, after(next, {}))).toBe('conflict');
    expect(await store.document('vote', one.id)).toBeNull();
    expect((await store.ledger.span()).last).toBe(3);
  });

  test('units of one commit that build on each other write it once', async () => {
    const scribe = await openFor(driver);
    const one = aDocument();
    const two = after(one, { state: 'closed', endedAt: DAWN });
    await scribe.commit(
      { puts: [{ kind: 'document', prev: null, next: one }], events: [] },
      { puts: [{ kind: 'document', prev: one, next: two }], events: [] },
    );
    expect(await scribe.store.document('vote', one.id)).toEqual(two);
    expect(await list(scribe, { state: 'open' })).toEqual([]);
    expect(await list(scribe, { state: 'closed' })).toEqual([one.id]);
  });

  test('a listing has the newest first, of the same moment in the order of their ids, page by page', async () => {
    const scribe = await openFor(driver);
    const made: Document[] = [];
    for (const [n, createdAt] of [3, 1, 2, 2, 2, 1, 0].entries()) {
      made.push(await scribe.addDocument({ id: `v${n}`, createdAt: DAWN + createdAt, state: n % 2 ? 'odd' : 'even' }));
    }
    await scribe.addDocument({ collection: 'policy', id: 'v0' });
    const all = ['v0', 'v4', 'v3', 'v2', 'v5', 'v1', 'v6'];
    expect(await list(scribe)).toEqual(all);
    expect(await list(scribe, { state: 'odd' })).toEqual(['v3', 'v5', 'v1']);
    for (const limit of [1, 2, 3]) {
      const seen: string[] = [];
      for (let before: Document | undefined, more = true; more; before = made.find(({ id }) => id === seen.at(-1))) {
        const page = await scribe.store.documents({ collection: 'vote', limit, ...(before && { before }) });
        seen.push(...page.items.map(({ id }) => id));
        more = page.more;
      }
      expect(seen).toEqual(all);
    }
  });

  test('one whose state changes is listed where it stands now', async () => {
    const scribe = await openFor(driver);
    const one = await scribe.addDocument();
    const other = await scribe.addDocument({ id: 'vote-2' });
    await scribe.changeDocument(one, { state: 'closed' });
    expect(await list(scribe, { state: 'open' })).toEqual([other.id]);
    expect(await list(scribe, { state: 'closed' })).toEqual([one.id]);
    expect(await list(scribe)).toEqual([other.id, one.id]);
  });

  test('those whose time has come are due, the earliest first, until they wait no more', async () => {
    const scribe = await openFor(driver);
    const later = await scribe.addDocument({ id: 'later', dueAt: DAWN + 300 });
    const soon = await scribe.addDocument({ id: 'soon', dueAt: DAWN + 100 });
    const exact = await scribe.addDocument({ id: 'exact', dueAt: DAWN + 200 });
    await scribe.addDocument({ id: 'never' });
    const task = await scribe.add({}, { status: 'pending', pendingReason: 'scheduled', dueAt: DAWN + 250 });
    const due = (limit = 10) => scribe.store.due({ wall: DAWN + 200, steady: 0 }, limit);
    expect((await due()).documents).toEqual([soon, exact]);
    expect((await due(1)).documents).toEqual([soon]);
    expect((await due()).nextReadyAt).toBe(soon.dueAt);
    for (const one of [soon, exact]) await scribe.changeDocument(one, { dueAt: null });
    expect(await due()).toMatchObject({ documents: [], nextReadyAt: task.dueAt });
    await scribe.change(task, { status: 'queued', dueAt: null, pendingReason: null });
    expect(await due()).toMatchObject({ documents: [], nextReadyAt: later.dueAt });
  });

  test('what expires from memory keeps nothing else waiting, and comes in portions', async () => {
    const scribe = await openFor(driver);
    const remember = (id: string, dueAt: number, value = '') =>
      scribe.addDocument({ collection: 'memory', id, state: '', createdAt: 0, dueAt, body: { value } });
    const long = 'x'.repeat(MOST_EXPIRING / 2);
    const entries = [await remember('s/a', DAWN + 1)];
    for (let n = 0; n < 20; n++) entries.push(await remember(`s/b${n}`, DAWN + 2 + n, long));
    const later = await remember('s/c', DAWN + 50);
    const vote = await scribe.addDocument({ id: 'vote', dueAt: DAWN + 30 });
    const due = (limit: number, wall = DAWN + 40) => scribe.store.due({ wall, steady: 0 }, limit);
    expect((await due(1)).documents).toEqual([vote, entries[0]]);
    expect((await due(100)).documents).toEqual([vote, ...entries.slice(0, 2)]);
    expect(await due(0)).toMatchObject({ documents: [], nextReadyAt: DAWN + 1 });
    for (const prev of entries) await scribe.commit({ puts: [{ kind: 'document', prev, next: null }], events: [] });
    expect(await due(100)).toMatchObject({ documents: [vote], nextReadyAt: DAWN + 30 });
    await scribe.changeDocument(vote, { dueAt: null });
    expect(await due(100)).toMatchObject({ documents: [], nextReadyAt: DAWN + 50 });
    expect((await due(100, DAWN + 50)).documents).toEqual([later]);
  });

  test('retention removes those that are of no more use', async () => {
    const scribe = await openFor(driver);
    const [third, first, second] = [
      await scribe.addDocument({ id: 'third', endedAt: DAWN - 1, dueAt: DAWN + 5 }),
      await scribe.addDocument({ id: 'first', endedAt: DAWN - 3 }),
      await scribe.addDocument({ id: 'second', endedAt: DAWN - 2 }),
    ];
    await scribe.addDocument({ id: 'exact', endedAt: DAWN });
    await scribe.addDocument({ id: 'open' });
    expect(await scribe.store.prune(NOTHING, 100)).toBe(0);
    expect(await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 2)).toBe(2);
    for (const { id } of [first, second]) expect(await scribe.store.document('vote', id)).toBeNull();
    expect(await scribe.store.document('vote', third.id)).not.toBeNull();
    expect(await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 2)).toBe(1);
    expect(await list(scribe)).toEqual(['open', 'exact']);
    expect(await list(scribe, { state: 'open' })).toEqual(['open', 'exact']);
    expect((await scribe.store.due({ wall: DAWN * 2, steady: 0 }, 9)).documents).toEqual([]);
    expect(await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 2)).toBe(0);
  });
}

function json(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
