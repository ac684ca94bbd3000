import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Document } from '../../core/document.ts';
import type { JsonObject } from '../../core/json.ts';
import { type MemoryEntry, memoryDocument, memoryFrom, memoryId, vectorText } from '../../core/memory.ts';
import type { MemorySearch } from '../../core/memory-search.ts';
import { lookThrough } from '../looking-through.ts';
import { DAWN, type Scribe } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

const NOTHING = { value: 'null', metadata: {}, text: null, vector: null, embedding: null, hash: '' } as const;
const QUERY: MemorySearch = { scope: 'team', vector: null, text: null, filter: {}, limit: 10, now: DAWN };

type Fields = Partial<MemoryEntry>;

/** Writes entries of memory as they are decided elsewhere. */
class Librarian {
  readonly scribe: Scribe;
  readonly documents = new Map<string, Document>();

  constructor(scribe: Scribe) {
    this.scribe = scribe;
  }

  /** Each replaces what is under its key; `null`: it goes. */
  async write(...changes: readonly (readonly [key: string, fields: Fields | null])[]): Promise<void> {
    const puts = changes.map(([key, fields]) => {
      const id = memoryId(fields?.scope ?? 'team', key);
      const prev = this.documents.get(id) ?? null;
      const next = fields && anEntry(key, fields, (prev?.version ?? 0) + 1);
      if (next) this.documents.set(id, next);
      else this.documents.delete(id);
      return { kind: 'document' as const, prev, next };
    });
    await this.scribe.commit(
      ...puts.filter(({ prev, next }) => prev ?? next).map((put) => ({ puts: [put], events: [] })),
    );
  }

  async finds(query: Partial<MemorySearch>): Promise<{ byVector: string[]; byText: string[] }> {
    const { byVector, byText } = await this.scribe.store.search({ ...QUERY, ...query });
    const keys = (hits: readonly { id: string }[]) => hits.map(({ id }) => id.slice(id.indexOf('/') + 1));
    return { byVector: keys(byVector), byText: keys(byText) };
  }

  /** What is found is what is there. */
  async check(query: MemorySearch): Promise<void> {
    expect(await this.scribe.store.search(query)).toEqual(lookThrough([...this.documents.values()], query));
  }
}

function anEntry(key: string, fields: Fields, version: number): Document {
  const times = { createdAt: DAWN, updatedAt: DAWN, expiresAt: null };
  return memoryDocument({ ...NOTHING, ...times, scope: 'team', key, version, ...fields }, version);
}

async function aLibrary(driver: Driver): Promise<Librarian> {
  return new Librarian(await openFor(driver));
}

const given = (...numbers: number[]) => ({ values: Float32Array.from(numbers), space: 'given' as const });
const toModel = (model: string, ...numbers: number[]) => ({ values: Float32Array.from(numbers), space: { model } });

const texts = fc
  .array(
    fc.constantFrom(
      'plan',
      'the',
      'Café',
      'cafe',
      'straße',
      '猫が',
      '黒猫',
      '🐝',
      'AND',
      '"',
      '*',
      'NEAR(',
      '\0',
      '-',
      '\n',
    ),
    {
      maxLength: 8,
    },
  )
  .map((words) => words.join(' '));
const metadata = fc.record(
  { kind: fc.constantFrom('a', 'b', null, 1), of: fc.constantFrom<JsonObject[]>({ x: 1, y: [] }, { y: [], x: 1 }, {}) },
  { requiredKeys: [] },
);
const number = fc.constantFrom(-2, -1, 0, 1, 2, 1e-20, 1e20);
const vector = (dimension: number) =>
  fc.array(number, { minLength: dimension, maxLength: dimension }).filter((numbers) => numbers.some((n) => n !== 0));
const key = fc.constantFrom('a', 'b', 'c', 'd%20', 'ä', '\u{ffff}', '\u{10000}');
const scope = fc.constantFrom('team', 'others');
const entry = fc.record({
  scope,
  metadata,
  text: fc.option(texts),
  vector: fc.option(fc.oneof(vector(2), vector(17)).map(vectorText)),
  embedding: fc.option(
    fc.record({ model: fc.constantFrom('one', 'two'), vector: fc.oneof(vector(3), vector(4)).map(vectorText) }),
  ),
  expiresAt: fc.option(fc.constantFrom(DAWN, DAWN + 1, DAWN + 1000)),
});
const question = fc.record({
  scope,
  vector: fc.option(
    fc.oneof(
      fc.oneof(vector(2), vector(17)).map((numbers) => given(...numbers)),
      fc.oneof(vector(3), vector(4)).map((numbers) => toModel('one', ...numbers)),
    ),
  ),
  text: fc.option(texts),
  filter: metadata,
  limit: fc.integer({ min: 1, max: 8 }),
  now: fc.constantFrom(DAWN, DAWN + 500),
});

/** What is found in memory: of stores that can search. */
export function searches(driver: Driver): void {
  test('whatever is written, replaced and removed: what is found is what looking through all of it finds', async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.array(fc.tuple(key, entry), { minLength: 1, maxLength: 6 }) },
      { weight: 1, arbitrary: fc.tuple(key).map(([gone]) => [[gone, null] as [string, null]]) },
      { weight: 3, arbitrary: question },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 30, size: 'max' }), question, async (steps, last) => {
        const library = await aLibrary(driver);
        for (const one of [...steps, last]) {
          if (!Array.isArray(one)) await library.check(one);
          else await library.write(...new Map(one.map((change) => [change[0], change])).values());
        }
        if (!driver.reopen) return;
        library.scribe.store = await driver.reopen(library.scribe.store);
        await library.check(last);
      }),
      // Whatever is opened in a file takes a while.
      { numRuns: driver.reopen ? 12 : 60 },
    );
  });

  test('of many vectors the nearest are found, also when some that were near are gone, or have changed', async () => {
    const library = await aLibrary(driver);
    let seed = 1;
    const chance = () => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647 - 0.5;
    };
    const random = () => Array.from({ length: 20 }, chance);
    const put = (n: number): [string, Fields] => [
      `key-${n}`,
      { vector: vectorText(random()), metadata: { third: n % 3 === 0, n: n % 200 } },
    ];
    await library.write(...Array.from({ length: 2000 }, (_, n) => put(n)));
    const checked = async () => {
      for (const filter of [{}, { third: true }, { n: 7 }, { n: 7, third: true }, { n: 'none' }]) {
        for (const limit of [1, 10, 300]) await library.check({ ...QUERY, vector: given(...random()), filter, limit });
      }
    };
    await checked();
    const query = { ...QUERY, vector: given(...random()), limit: 40 };
    const near = lookThrough([...library.documents.values()], query).byVector.map(({ id }) => id.slice(5));
    await library.write(...near.map((one, n): [string, Fields | null] => (n % 2 === 0 ? [one, null] : put(n + 5000))));
    await library.check(query);
    await checked();
    await library.write(
      ...[...library.documents.keys()].slice(0, 1500).map((id): [string, null] => [id.slice(5), null]),
    );
    await checked();
  });

  test('a search sees what was committed before it, and nothing of another scope', async () => {
    const library = await aLibrary(driver);
    const vector = given(1, 0);
    expect(await library.finds({ vector, text: 'plan' })).toEqual({ byVector: [], byText: [] });
    for (const key of ['a', 'b', 'c']) {
      await library.write([key, { text: 'a plan', vector: vectorText([1, 1]) }]);
      await library.write([`${key}-other`, { scope: 'tea', text: 'a plan', vector: vectorText([1, 0]) }]);
      expect((await library.finds({ vector, text: 'plan' })).byVector.at(-1)).toBe(key);
      expect((await library.finds({ vector, text: 'plan' })).byText.at(-1)).toBe(key);
    }
    expect(await library.finds({ scope: 'nowhere', vector, text: 'plan' })).toEqual({ byVector: [], byText: [] });
  });

  test('vectors of another model, or of another length, are not looked at', async () => {
    const library = await aLibrary(driver);
    const embedding = { model: 'one', vector: vectorText([1, 0]) };
    await library.write(['a', { text: 'x', embedding }], ['b', { text: 'x', vector: vectorText([1, 0]) }]);
    expect(await library.finds({ vector: toModel('one', 1, 0) })).toMatchObject({ byVector: ['a'] });
    expect(await library.finds({ vector: toModel('given', 1, 0) })).toMatchObject({ byVector: [] });
    expect(await library.finds({ vector: given(1, 0) })).toMatchObject({ byVector: ['b'] });
    expect(await library.finds({ vector: given(1, 0, 0) })).toMatchObject({ byVector: [] });
    await library.write(['b', { vector: vectorText([1, 0, 1]) }]);
    expect(await library.finds({ vector: given(1, 0, 0) })).toMatchObject({ byVector: ['b'] });
  });

  test('scores are cosines, and grow with the words that are there and their rarity', async () => {
    const library = await aLibrary(driver);
    await library.write(
      ['a', { text: 'common words', vector: vectorText([0, 3]) }],
      ['b', { text: 'common rare', vector: vectorText([-2, 0]) }],
      ['c', { text: 'common word', vector: vectorText([5, 5]) }],
      ['d', { text: 'nothing', vector: vectorText([4, 0]) }],
    );
    const { byVector, byText } = await library.scribe.store.search({
      ...QUERY,
      vector: given(1, 0),
      text: 'rare, COMMON!',
    });
    expect(byVector.map(({ score }) => score)).toEqual([1, expect.closeTo(Math.SQRT1_2, 12), 0, -1]);
    expect(byText.map(({ id }) => id)).toEqual(['team/b', 'team/a', 'team/c']);
    expect(byText[1]!.score).toBe(byText[2]!.score);
    expect(byText[2]!.score).toBeGreaterThan(0);
  });

  test('what is nothing but one word, again and again, is found as well as any other, and holds up nobody', async () => {
    const library = await aLibrary(driver);
    const texts = [254, 255, 256, 1000, 50_000].map((times) => 'bee '.repeat(times));
    await library.write(...texts.map((text, n): [string, Fields] => [`k${n}`, { text }]), [
      'other',
      { text: `${'bee '.repeat(300)}${'wasp '.repeat(300)}` },
    ]);
    await library.check({ ...QUERY, text: 'wasp bee' });
    await library.write(['k4', { text: 'wasp' }], ['k3', null]);
    await library.check({ ...QUERY, text: 'bee' });
  });

  test('nothing that anybody types is an error, or anything but words', async () => {
    const library = await aLibrary(driver);
    await library.write(['a', { text: 'alpha' }], ['b', { text: 'beta not near' }]);
    const finds = async (text: string) => (await library.finds({ text })).byText;
    for (const text of [
      '',
      ' ',
      '"',
      "'",
      '*',
      '"""',
      '(',
      'a* ^',
      '\0',
      '\ud800',
      '{words}: -',
      '-- ;',
      '%_',
      '\u{10ffff}',
    ]) {
      expect(await finds(text)).toEqual([]);
    }
    // Both hold one of the words, and the other one says nothing; "a" is the shorter.
    expect(await finds('alpha" NOT "beta')).toEqual(['a', 'b']);
    expect(await finds('alpha AND gamma')).toEqual(['a']);
    expect(await finds('alp*')).toEqual([]);
    expect(await finds('words : alpha')).toEqual(['a']);
    expect(await finds('NEAR(alpha gamma, 2)')).toEqual(['a', 'b']);
    expect(await finds(`alpha ${'wort '.repeat(20_000)}`)).toEqual(['a']);
    expect(await finds(`alpha ${Array.from({ length: 9000 }, (_, n) => `w${n}`).join(' ')}`)).toEqual(['a']);
    expect(await finds('x'.repeat(100_000))).toEqual([]);
  });

  test('what is written after a checkpoint and taken back is not found any more', async () => {
    const library = await aLibrary(driver);
    await library.write(['a', { text: 'before', vector: vectorText([1, 0]) }]);
    const before = library.documents.get('team/a')!;
    await library.write(['a', { text: 'after', vector: vectorText([0, 1]) }], ['b', { text: 'after' }]);
    await library.write(['a', memoryFrom(before)], ['b', null]);
    expect(await library.finds({ text: 'before after', vector: given(1, 0) })).toEqual({
      byVector: ['a'],
      byText: ['a'],
    });
    await library.check({ ...QUERY, text: 'before after', vector: given(1, 0) });
  });

  test('what was dumped is found where it was restored', async () => {
    const library = await aLibrary(driver);
    await library.write(
      ['a', { text: 'one plan', vector: vectorText([1, 0]), metadata: { kind: 'x' } }],
      ['b', { text: 'plan two', embedding: { model: 'one', vector: vectorText([1, 2, 3]) } }],
    );
    const other = await openFor(driver);
    await other.store.search({ ...QUERY, text: 'plan', vector: given(1, 0) });
    await other.store.restore(library.scribe.store.dump());
    library.scribe.store = other.store;
    await library.check({ ...QUERY, text: 'plan', vector: given(1, 0), filter: { kind: 'x' } });
    await library.check({ ...QUERY, text: 'two', vector: toModel('one', 3, 2, 1) });
    await library.write(['a', { text: 'another' }], ['b', null]);
    await library.check({ ...QUERY, text: 'plan another', vector: given(1, 0) });
  });
}
