/** Who may run what, a sentence a row. */
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../core/json.ts';
import type { Capability } from '../core/worker.ts';
import { aWorker } from '../testing/scribe.ts';
import { matches } from './matching.ts';

interface Who {
  capabilities?: Capability[];
  attributes?: JsonObject;
}

function bee({ capabilities = [], attributes = {} }: Who) {
  return aWorker({ id: 'bee-1', profile: { name: 'Maya', capabilities, attributes, maxConcurrentTasks: 1 } });
}

const RESIZE: Capability = { name: 'resize', category: 'image', supported_languages: ['en', 'de'], max_complexity: 5 };
const OCR: Capability = { name: 'ocr', category: 'text', supported_languages: ['fr'], max_complexity: 'medium' };
const OPEN: Capability = { name: 'anything' };
const both = { capabilities: [RESIZE, OCR] };

type Row = readonly [sentence: string, requirements: JsonObject, who: Who, fits: boolean];

const CAPABILITIES: readonly Row[] = [
  ['who needs nothing gets anybody', {}, {}, true],
  ['a named capability must be there', { capability: 'resize' }, both, true],
  ['a missing one rules out', { capability: 'fly' }, both, false],
  ['all named must be there', { capabilities: ['resize', 'ocr'] }, both, true],
  ['one missing of several rules out', { capabilities: ['resize', 'fly'] }, both, false],
  ['`capabilities` takes a single name, too', { capabilities: 'ocr' }, both, true],
  ['`capability` takes several names, too', { capability: ['ocr', 'fly'] }, both, false],
  ['both keys together need all', { capability: 'resize', capabilities: ['fly'] }, both, false],
  ['an empty list of names asks for nothing', { capabilities: [] }, {}, true],
  ['null asks for nothing', { capability: null, category: null, language: null, complexity: null }, {}, true],
  ['a name is not found by its beginning', { capability: 'res' }, both, false],
  ['a category is found in any capability', { category: 'text' }, both, true],
  ['an unknown category rules out', { category: 'sound' }, both, false],
  ['a named capability must itself be of the category', { capability: 'resize', category: 'text' }, both, false],
  [
    'a capability without a category is of none',
    { capability: 'anything', category: 'image' },
    { capabilities: [OPEN] },
    false,
  ],
  ['a language must be listed', { language: 'de' }, both, true],
  ['a language nobody lists rules out', { language: 'it' }, both, false],
  ['that same capability must list the language', { capability: 'ocr', language: 'en' }, both, false],
  [
    'a capability that lists none speaks none',
    { capability: 'anything', language: 'en' },
    { capabilities: [OPEN] },
    false,
  ],
  ['several languages must all be listed', { capability: 'resize', language: ['en', 'de'] }, both, true],
  ['one language missing rules out', { capability: 'resize', language: ['en', 'fr'] }, both, false],
  ['complexity up to the limit is fine', { capability: 'resize', complexity: 5 }, both, true],
  ['complexity over the limit is not', { capability: 'resize', complexity: 6 }, both, false],
  ['levels compare as levels', { capability: 'ocr', complexity: 'low' }, both, true],
  ['high is more than medium', { capability: 'ocr', complexity: 'high' }, both, false],
  ['no limit takes any complexity', { capability: 'anything', complexity: 9 }, { capabilities: [OPEN] }, true],
  [
    'a limit of null is no limit',
    { complexity: 'high' },
    { capabilities: [{ name: 'x', max_complexity: null }] },
    true,
  ],
  ['details need at least one capability', { complexity: 1 }, {}, false],
  ['one capability must fulfil all details', { category: 'image', language: 'fr' }, both, false],
];

const ATTRIBUTES: readonly Row[] = [
  ['an equal scalar matches', { region: 'eu' }, { attributes: { region: 'eu' } }, true],
  ['another scalar does not', { region: 'eu' }, { attributes: { region: 'us' } }, false],
  ['an undeclared attribute does not', { region: 'eu' }, {}, false],
  ['true is true', { gpu: true }, { attributes: { gpu: true } }, true],
  ['true is not 1, nor "true"', { gpu: true }, { attributes: { gpu: 'true' } }, false],
  ['numbers are at least', { ram_gb: 16 }, { attributes: { ram_gb: 32 } }, true],
  ['less is not enough', { ram_gb: 64 }, { attributes: { ram_gb: 32 } }, false],
  ['a number in quotes is no number', { ram_gb: 16 }, { attributes: { ram_gb: '32' } }, false],
  ['levels are at least', { trust: 'medium' }, { attributes: { trust: 'high' } }, true],
  ['a lower level is not enough', { trust: 'medium' }, { attributes: { trust: 'low' } }, false],
  ['a level and another word differ', { trust: 'low' }, { attributes: { trust: 'total' } }, false],
  [
    'an array needs all its elements',
    { tools: ['git', 'gcc'] },
    { attributes: { tools: ['gcc', 'make', 'git'] } },
    true,
  ],
  ['one element missing rules out', { tools: ['git', 'npm'] }, { attributes: { tools: ['git'] } }, false],
  ['an array may be met by a scalar', { tools: ['git'] }, { attributes: { tools: 'git' } }, true],
  ['a scalar may be met by an array that has it', { region: 'eu' }, { attributes: { region: ['us', 'eu'] } }, true],
  ['an empty array needs the attribute, and nothing of it', { tools: [] }, { attributes: { tools: [] } }, true],
  ['an object must be equal, in any order', { box: { a: 1, b: 2 } }, { attributes: { box: { b: 2, a: 1 } } }, true],
  ['another object is not', { box: { a: 1 } }, { attributes: { box: { a: 1, b: 2 } } }, false],
  ['null asks for nothing', { region: null }, {}, true],
  ['cpu counts as high unless declared', { cpu: 'high' }, {}, true],
  ['memory counts as high unless declared', { memory: 'high' }, {}, true],
  ['a declared cpu counts as declared', { cpu: 'high' }, { attributes: { cpu: 'low' } }, false],
  ['names that every object has are not attributes', { toString: 'x', constructor: 'y' }, {}, false],
  ['all attributes must match', { region: 'eu', gpu: true }, { attributes: { region: 'eu', gpu: false } }, false],
];

const PERSONS: readonly Row[] = [
  ['a worker can be asked for by id', { worker: 'bee-1' }, {}, true],
  ['or by name', { worker: 'Maya' }, {}, true],
  ['and nobody else will do', { worker: 'Willi' }, {}, false],
  ['beeId is a label, whatever it says', { beeId: 'nobody-at-all' }, {}, true],
];

describe.each([
  ['capabilities', CAPABILITIES],
  ['attributes', ATTRIBUTES],
  ['persons', PERSONS],
])('%s', (_, rows) => {
  test.each(rows)('%s: %j', (_sentence, requirements, who, fits) => {
    expect(matches(bee(who), requirements)).toBe(fits);
  });
});

test('of very many names no more are read than it takes to find one that is missing', () => {
  let read = 0;
  const names = new Proxy(
    Array.from({ length: 40_000 }, (_, n) => (n === 0 ? 'resize' : `n${n}`)),
    {
      get(list, key) {
        read++;
        return Reflect.get(list, key);
      },
    },
  );
  expect(matches(bee(both), { capabilities: names })).toBe(false);
  expect(read).toBeLessThan(20);
});
