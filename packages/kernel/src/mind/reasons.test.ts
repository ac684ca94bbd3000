/** Why a worker may not have a task, a sentence a row; and that there is a reason exactly when it does not match. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../core/json.ts';
import type { Capability, Worker } from '../core/worker.ts';
import { aWorker, DAWN } from '../testing/scribe.ts';
import { inWords, read } from './asked.ts';
import { matches } from './matching.ts';
import { hindrances, unmet } from './reasons.ts';
import { word } from './words.ts';

function bee(capabilities: Capability[], attributes: JsonObject = {}, fields: Partial<Worker> = {}): Worker {
  return aWorker({ profile: { name: 'bob', capabilities, attributes, maxConcurrentTasks: 2 }, ...fields });
}

const TRANSLATE: Capability = { name: 'translate', supported_languages: ['en', 'de'], category: 'text' };
const SOLVE: Capability = { name: 'solve', max_complexity: 5 };

const ROWS: readonly (readonly [JsonObject, Worker, readonly string[]])[] = [
  [
    { capability: 'image_processing' },
    bee([{ name: 'text_analysis' }]),
    ['needs capability image_processing; has text_analysis'],
  ],
  [{ capabilities: ['fly', 'swim', 'solve'] }, bee([SOLVE]), ['needs capabilities fly, swim; has solve']],
  [{ capability: 'fly' }, bee([]), ['needs capability fly; has none']],
  [
    { capability: 'translate', language: 'fr' },
    bee([TRANSLATE]),
    ['needs capability translate with language fr; its translate lists en, de'],
  ],
  [
    { capability: 'solve', language: ['fr', 'it'] },
    bee([SOLVE]),
    ['needs capability solve with languages fr, it; its solve lists no language'],
  ],
  [{ capability: 'solve', complexity: 8 }, bee([SOLVE]), ['needs complexity 8 of capability solve; its maximum is 5']],
  [
    { capability: 'translate', category: 'sound' },
    bee([TRANSLATE]),
    ['needs capability translate of category sound; its translate is of category text'],
  ],
  [
    { capability: 'solve', category: 'sound' },
    bee([SOLVE]),
    ['needs capability solve of category sound; its solve has no category'],
  ],
  [
    { category: 'text', language: 'fr' },
    bee([TRANSLATE, SOLVE]),
    ['needs a capability of category text with language fr; has translate, solve, of which none is that'],
  ],
  [{ complexity: 1 }, bee([]), ['needs a capability for complexity 1; has none']],
  [{ region: 'eu' }, bee([], { region: 'us' }), ['needs attribute region eu; has us']],
  [{ gpu: true }, bee([]), ['needs attribute gpu; declares none']],
  [{ gpu: true }, bee([], { gpu: false }), ['needs attribute gpu; has false']],
  [{ ram_gb: 64 }, bee([], { ram_gb: 32 }), ['needs attribute ram_gb of at least 64; has 32']],
  [{ tools: ['git', 'npm'] }, bee([], { tools: ['git'] }), ['needs attribute tools git, npm; has git']],
  [{ cpu: 8 }, bee([]), ['needs attribute cpu of at least 8; declares none, which counts as high']],
  [{ worker: 'alice' }, bee([]), ['is for worker alice; this is bob']],
  [
    { capability: 'fly', region: 'eu', worker: 'alice' },
    bee([]),
    ['needs capability fly; has none', 'is for worker alice; this is bob', 'needs attribute region eu; declares none'],
  ],
  [{ worker: 'bob', cpu: 'high', beeId: 'x', region: null }, bee([]), []],
];

test.each(ROWS)('%j', (requirements, worker, reasons) => {
  expect(unmet(worker, read(requirements))).toEqual(reasons);
});

test('of several capabilities with the same name, the nearest is told of', () => {
  const far: Capability = { name: 'solve', max_complexity: 1, supported_languages: ['en'] };
  const near: Capability = { name: 'solve', max_complexity: 9, supported_languages: ['en'] };
  expect(unmet(bee([far, near]), read({ capability: 'solve', complexity: 5, language: 'fr' }))).toEqual([
    'needs capability solve with language fr; its solve lists en',
  ]);
});

describe('a reason is no longer than one wants to read', () => {
  const many = Array.from({ length: 200 }, (_, n) => ({ name: `${n} ${'x'.repeat(200)}` }));

  test('with many and long names', () => {
    const names = many.map(({ name }) => name.toUpperCase());
    const [reason] = unmet(bee(many), read({ capabilities: names }));
    expect(reason!.length).toBeLessThan(1500);
    expect(reason).toContain('and 190 more; has ');
  });

  test('with many requirements', () => {
    const requirements = Object.fromEntries(many.map(({ name }) => [name, name]));
    expect(unmet(bee([]), read(requirements))).toHaveLength(21);
    expect(unmet(bee([]), read(requirements)).at(-1)).toBe('and more is asked that it does not have');
    expect(inWords(read(requirements)).length).toBeLessThan(4000);
  });

  test('and is found in time, whatever is asked, for as many workers as are told of', () => {
    const letters = Array.from({ length: 200 }, (_, n) => `a${n}`);
    const worker = bee(letters.map((name) => ({ name, supported_languages: letters })));
    const listed = Array.from({ length: 50_000 }, (_, n) => `a${n + 100}`);
    const attributes = Object.fromEntries(listed.map((name) => [name, null as Json])) as JsonObject;
    for (const requirements of [{ capabilities: listed, language: listed }, { language: listed }, attributes]) {
      const asked = read({ ...requirements, ...Object.fromEntries(listed.map((name) => [name, 1])) });
      for (let n = 0; n < 100; n++) expect(unmet(worker, asked)).toHaveLength(21);
    }
  });

  test('and is text, wherever it is cut', () => {
    const [reason] = unmet(bee([]), read({ capability: `${'x'.repeat(58)}${'😀'.repeat(9)}`, region: '\ud800' }));
    expect(reason!.isWellFormed()).toBe(true);
  });
});

test.each([
  [{}, []],
  [{ offline: true, lastHeartbeat: DAWN }, ['is offline since 2026-01-01T00:00:00.000Z']],
  [{ draining: true }, ['is draining']],
  [{ holds: ['a', 'b'] }, ['has no free slot (2 of 2)']],
  [{ quarantine: { until: DAWN, onTrial: false, times: 1 } }, ['is in quarantine until 2026-01-01T00:00:00.000Z']],
  [{ quarantine: { until: DAWN, onTrial: true, times: 1 } }, []],
  [{ quarantine: { until: DAWN, onTrial: true, times: 1 }, holds: ['a'] }, ['has no free slot (1 of 1, on trial)']],
  [{ draining: true, holds: ['a', 'b'] }, ['is draining', 'has no free slot (2 of 2)']],
] satisfies [Partial<Worker>, string[]][])('just now: %j', (fields, reasons) => {
  expect(hindrances(bee([], {}, fields))).toEqual(reasons);
});

test.each([
  [{}, 'nothing in particular'],
  [{ beeId: 'x', region: null, capability: null, capabilities: [] }, 'nothing in particular'],
  [{ capability: 'ocr' }, 'capability ocr'],
  [
    { capabilities: ['ocr', 'fly'], language: 'fr', complexity: 'high' },
    'capabilities ocr, fly with language fr for complexity high',
  ],
  [{ category: 'text' }, 'a capability of category text'],
  [{ language: [] }, 'a capability with any language'],
  [
    { worker: 'alice', gpu: true, ram_gb: 8, region: 'eu' },
    'worker alice, attribute gpu, attribute ram_gb of at least 8, attribute region eu',
  ],
  [{ tools: [], name: '' }, 'attribute tools with an empty list, attribute name ""'],
] satisfies [JsonObject, string][])('what is asked, in words: %j', (requirements, text) => {
  expect(inWords(read(requirements))).toBe(text);
});

const name = fc.constantFrom('a', 'b', 'c');
const level = fc.constantFrom<Json>('low', 'medium', 'high', 1, 5, 9, 'a');
const scalar = fc.oneof(level, name, fc.boolean(), fc.constant(null), fc.constant(''));
const value: fc.Arbitrary<Json> = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.constant({ a: 1 }));
const capability = fc.record(
  {
    name,
    category: fc.option(name),
    supported_languages: fc.option(fc.array(name, { maxLength: 2 })),
    max_complexity: fc.option(level as fc.Arbitrary<string | number>),
  },
  { requiredKeys: ['name'] },
);
const keys = [
  'capability',
  'capabilities',
  'category',
  'language',
  'complexity',
  'worker',
  'beeId',
  'cpu',
  'memory',
  'region',
  'toString',
];
const requirements = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 5 }) as fc.Arbitrary<JsonObject>;
const attributes = fc.dictionary(fc.constantFrom('cpu', 'memory', 'region'), value, {
  maxKeys: 3,
}) as fc.Arbitrary<JsonObject>;

test('there is a reason exactly when it does not match', () => {
  let fitting = 0;
  fc.assert(
    fc.property(
      fc.array(capability, { maxLength: 3 }),
      attributes,
      requirements,
      name,
      (has, declares, asks, called) => {
        const profile = { name: called, capabilities: has, attributes: declares, maxConcurrentTasks: 1 };
        const worker = aWorker({ profile });
        const fits = matches(worker, asks);
        fitting += Number(fits);
        expect(unmet(worker, read(asks)).length === 0).toBe(fits);
      },
    ),
    { numRuns: 5000 },
  );
  expect(fitting).toBeGreaterThan(100);
});

test.each([
  ['a\nb', 'a b'],
  ['\u001b[2J\u0007gone', ' [2J gone'],
  ['abc\u202egnp.exe', 'abc gnp.exe'],
  ['\ud800', '\ufffd'],
  ['', '""'],
])('%j stays on its line, and says nothing to terminals', (value, said) => {
  expect(word(value)).toBe(said);
});
