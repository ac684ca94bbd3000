import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NamedQuery } from '../../core/store.ts';
import { aDocument, type Scribe } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

const ALL = { collection: 'memory', prefix: '', limit: 1000, maxCharacters: 1e9 } as const;

/** All ids, page by page. */
async function listed(scribe: Scribe, query: Partial<NamedQuery> = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let more = true; more; ) {
    const behind = ids.length === 0 ? {} : { after: ids.at(-1)! };
    const page = await scribe.store.documentsNamed({ ...ALL, ...query, ...behind });
    ids.push(...page.items.map(({ id }) => id));
    more = page.more;
    if (more) expect(page.items.length).toBeGreaterThan(0);
  }
  return ids;
}

const add = (scribe: Scribe, id: string, body = {}) => scribe.addDocument({ collection: 'memory', id, body });
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Documents that are listed by their ids as well. */
export function namedDocuments(driver: Driver): void {
  test('a listing by ids has those that begin so, in the order of their bytes, in pages of whatever size', async () => {
    const piece = fc.constantFrom('a', 'b', 'ab', 'ä', 'z', '~', '%20', '/', '\u{ffff}', '\u{10000}', '\u{10ffff}');
    const name = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(name, { maxLength: 40, size: 'max' }),
        fc.oneof(fc.constant(''), name),
        fc.integer({ min: 1, max: 7 }),
        async (names, prefix, limit) => {
          const scribe = await openFor(driver);
          await scribe.commit(
            ...names.map((id) => ({
              puts: [{ kind: 'document' as const, prev: null, next: aDocument({ collection: 'memory', id }) }],
              events: [],
            })),
          );
          const due = names.filter((id) => id.startsWith(prefix)).sort(byBytes);
          expect(await listed(scribe, { prefix, limit })).toEqual(due);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('it knows no others, changes with what there is, and what was put away is not in it', async () => {
    const scribe = await openFor(driver);
    await scribe.addDocument({ collection: 'vote', id: 'a' });
    await scribe.addDocument({ collection: 'memory_scope', id: 'a' });
    const [one] = [await add(scribe, 'b'), await add(scribe, 'a')];
    expect(await listed(scribe)).toEqual(['a', 'b']);
    const next = await scribe.changeDocument(one!, { body: { n: 1 } });
    expect((await scribe.store.documentsNamed(ALL)).items.at(-1)).toEqual(next);
    await scribe.commit({ puts: [{ kind: 'document', prev: next, next: null }], events: [] });
    expect(await listed(scribe)).toEqual(['a']);
    expect(await listed(scribe, { collection: 'memory_scope' })).toEqual(['a']);
  });

  test('a page ends early when what its documents say is long, and holds one at least', async () => {
    const scribe = await openFor(driver);
    for (const id of ['a', 'b', 'c']) await add(scribe, id, { value: 'x'.repeat(1000) });
    const page = await scribe.store.documentsNamed({ ...ALL, maxCharacters: 2500 });
    expect(page).toMatchObject({ items: [{ id: 'a' }, { id: 'b' }], more: true });
    expect(await scribe.store.documentsNamed({ ...ALL, maxCharacters: 1 })).toMatchObject({ items: [{ id: 'a' }] });
    expect(await listed(scribe, { maxCharacters: 1 })).toEqual(['a', 'b', 'c']);
  });
}
