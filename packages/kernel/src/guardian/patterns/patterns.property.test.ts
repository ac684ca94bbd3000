/** The guardian's own search against the engine whose patterns it runs. */
import fc from 'fast-check';
import { RE2JS, RE2Set } from 're2js';
import { expect, test } from 'vitest';
import type { Json } from '../../core/json.ts';
import { toSpec } from '../../core/task.ts';
import { PatternSet, SEARCH_BUDGET, SEARCHED_FIELDS } from './pattern-set.ts';
import { compile, type Program } from './program.ts';
import { compiledSize, type Tree } from './size.ts';
import { type Place, placesOf, unescaped, visitTexts, visitValues } from './texts.ts';

/** Letters whose case is odd, words, and what JSON escapes. */
const SYMBOLS = [
  ...'aAbkKsſ\u212aßẞµΜςσéÉ0_- \t\n\r\f\u000b\u0000"\\/<\ud800\udc00',
  '😀',
  '𐐀',
  '𐐨',
  'rm',
  'drop',
  '\u2028',
];
const symbol = fc.constantFrom(...SYMBOLS);
const text = fc.array(symbol, { maxLength: 12 }).map((symbols) => symbols.join(''));

const CLASSES = [
  '\\s',
  '\\S',
  '\\d',
  '\\w',
  '\\W',
  '.',
  '[a-k]',
  '[^a]',
  '[^\\x00-\\x7f]',
  '(?s:.)',
  '\\pL',
  '\\PL',
  '(?-i:k)',
];
const ASSERTIONS = ['\\b', '\\B', '^', '$', '\\A', '\\z', '(?m:^)', '(?m:$)'];
const { pattern } = fc.letrec<{ pattern: string }>((tie) => {
  const inner = tie('pattern');
  const group = inner.map((one) => `(?:${one})`);
  return {
    pattern: fc.oneof(
      { maxDepth: 4, depthSize: 'large' },
      symbol.filter((one) => !/[\ud800-\udfff]$/.test(one) || one.length > 1).map((one) => RE2JS.quote(one)),
      fc.constantFrom(...CLASSES),
      fc.constantFrom(...ASSERTIONS),
      fc.array(inner, { minLength: 2, maxLength: 4 }).map((ones) => ones.join('')),
      fc.array(inner, { minLength: 2, maxLength: 3 }).map((ones) => `(?:${ones.join('|')})`),
      fc.tuple(group, fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{0,2}', '*?')).map(([one, times]) => one + times),
      inner.map((one) => `(${one})`),
    ),
  };
});

function compiled(source: string): Program | null {
  try {
    return compile(source, 5000);
  } catch {
    return null; // Such as a repetition of an assertion.
  }
}

/** The strings in the payload of a task, as the search meets them, and where they stand. */
function textsOf(payload: string): { texts: string[]; places: Place[] } {
  const json = `{"description":"-","payload":${payload},"metadata":["-"]}`;
  const texts: string[] = [];
  const members = new Set(['payload']);
  visitTexts(json, members, (begin, end, isEscaped) => {
    return texts.push(isEscaped ? unescaped(json, begin, end) : json.slice(begin, end)) > 0;
  });
  return { texts, places: placesOf(json, members, [...texts.keys()]) };
}

test('it finds what RE2JS finds, whichever patterns are searched together', () => {
  fc.assert(
    fc.property(
      fc.array(pattern, { minLength: 1, maxLength: 4 }),
      fc.array(text, { maxLength: 6 }),
      (sources, texts) => {
        const usable = sources.filter((source) => compiled(source));
        const set = new PatternSet(usable.map((source) => compile(source, 5000)));
        for (const one of texts) {
          const spec = toSpec({ description: one }, '', 0);
          const { hits, unsearched } = set.searchAll(spec, JSON.stringify(spec), SEARCH_BUDGET);
          expect(unsearched).toBeNull();
          const found = new Set(hits.map(({ pattern: index }) => index));
          for (const [index, source] of usable.entries()) {
            const engine = RE2JS.compile(source, RE2JS.CASE_INSENSITIVE);
            const expected = engine.test(one) || engine.test('');
            expect(found.has(index), `${source} in ${JSON.stringify(one)}`).toBe(expected);
          }
        }
      },
    ),
    { numRuns: 1500 },
  );
});

/** A pattern and a text in which it matches, both made of the same parts. */
interface Example {
  readonly pattern: string;
  readonly text: string;
}

const SAMPLES: readonly (readonly [pattern: string, ...texts: string[]])[] = [
  ['k', 'k', 'K', '\u212a'],
  ['s', 's', 'S', 'ſ'],
  ['µ', 'µ', 'μ', 'Μ'],
  ['ß', 'ß', 'ẞ'],
  ['𐐀', '𐐨', '𐐀'],
  ['a', 'a', 'A'],
  ['rm', 'rm', 'RM'],
  ['"', '"'],
  ['\\\\', '\\'],
  ['/', '/'],
  ['\\s', ' ', '\t', '\n', '\f'],
  ['[\\x00-\\x1f]', '\u0000', '\u001b', '\b'],
  ['[^a]', 'b', '"', '\ud800', '😀'],
  ['[0-9a-f]', 'f', '7'],
  ['.', 'x', '\u2028', '\\', '😀'],
  ['\\b', ''],
];

const { example } = fc.letrec<{ example: Example }>((tie) => {
  const inner = tie('example');
  return {
    example: fc.oneof(
      { maxDepth: 4, depthSize: 'large' },
      fc
        .constantFrom(...SAMPLES)
        .chain(([one, ...texts]) => fc.record({ pattern: fc.constant(one), text: fc.constantFrom(...texts) })),
      fc.array(inner, { minLength: 2, maxLength: 5 }).map((ones) => joined(ones)),
      fc.tuple(inner, pattern).map(([one, other]) => ({ pattern: `(?:${one.pattern}|${other})`, text: one.text })),
      fc
        .tuple(inner, inner)
        .map(([one, other]) => ({ pattern: `(?:${one.pattern}|${other.pattern})`, text: other.text })),
      fc.tuple(inner, fc.integer({ min: 0, max: 3 })).map(([one, times]) => ({
        pattern: `(?:${one.pattern})${times === 0 ? '*' : '{1,3}'}`,
        text: one.text.repeat(times),
      })),
    ),
  };
});

function joined(ones: readonly Example[]): Example {
  return { pattern: ones.map((one) => one.pattern).join(''), text: ones.map((one) => one.text).join('') };
}

test('the JSON text never rules out what the engine finds', () => {
  let ruledOut = 0;
  let matched = 0;
  fc.assert(
    fc.property(
      fc.array(example, { minLength: 1, maxLength: 6 }).map(joined),
      text,
      text,
      fc.boolean(),
      (made, before, after, asName) => {
        if (!compiled(made.pattern)) return;
        const set = new PatternSet([compile(made.pattern, 5000)]);
        const engine = RE2JS.compile(made.pattern, RE2JS.CASE_INSENSITIVE);
        for (const one of [before + made.text + after, made.text, before + after]) {
          const payload = asName ? { [one]: 1 } : [one];
          const json = JSON.stringify(toSpec({ description: '-', payload }, 'x', 0));
          const matches = engine.test(one);
          if (matches) matched++;
          if (set.mayMatch(json)) continue;
          ruledOut++;
          expect(matches, `${made.pattern} in ${JSON.stringify(one)}`).toBe(false);
        }
      },
    ),
    { numRuns: 1500 },
  );
  expect(matched).toBeGreaterThan(400);
  expect(ruledOut).toBeGreaterThan(200);
});

test('what it finds, and whether it gives up, does not depend on what was searched before', () => {
  fc.assert(
    fc.property(
      fc.array(pattern, { minLength: 1, maxLength: 3 }),
      fc.array(text, { maxLength: 8 }),
      fc.nat(3000),
      (sources, texts, budget) => {
        const programs = sources.flatMap((source) => compiled(source) ?? []);
        const used = new PatternSet(programs);
        for (const description of texts) {
          const spec = toSpec({ description, tags: [description] }, '', 0);
          const json = JSON.stringify(spec);
          expect(used.searchAll(spec, json, budget)).toEqual(new PatternSet(programs).searchAll(spec, json, budget));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('every string is visited, however deep it lies', () => {
  expect(SEARCHED_FIELDS).not.toContain('metadata');
  const deep = `${'['.repeat(100_000)}"here"${']'.repeat(100_000)}`;
  expect(textsOf(deep).texts).toEqual(['here']);
  expect(textsOf(JSON.stringify({ a: ['b', { c: 'd' }, 1, null], e: true })).texts).toEqual(['a', 'b', 'c', 'd', 'e']);
});

/** What is visited, from the value and not from its text. */
function expectedOf(value: Json, pointer: string): [text: string, pointer: string, isName: boolean][] {
  if (typeof value === 'string') return [[value, pointer, false]];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const inside = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const named: [string, string, boolean][] = Array.isArray(value) ? [] : [[name, inside, true]];
    return [...named, ...expectedOf(member, inside)];
  });
}

test('strings are found in the JSON text as they are in the value, and so is where they stand', () => {
  const awkward = fc.array(fc.oneof(symbol, fc.constantFrom('\\"', ':', '{', '}', '[', ']', ',', '~', '\b')), {
    maxLength: 8,
  });
  const name = awkward.map((symbols) => symbols.join(''));
  const long = fc.oneof(
    name,
    fc.nat(200).map((length) => '\n"x'.repeat(length)),
  );
  const value = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      long,
      fc.constantFrom(null, true, 1.5),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(name, tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(
    fc.property(value, (one) => {
      const { texts, places } = textsOf(JSON.stringify(one));
      const found = texts.map((text, index) => [text, places[index]!.pointer, places[index]!.isName]);
      expect(found).toEqual(expectedOf(one, '/payload'));
      const walked: string[] = [];
      visitValues(one, (text) => walked.push(text) > 0);
      expect(walked).toEqual(texts);
    }),
    { numRuns: 1000 },
  );
});

test('how large a pattern becomes is told before it is compiled', () => {
  const odd = fc.constantFrom(
    '[^\\x{0}-\\x{10ffff}]',
    '',
    '(a*)*',
    '(?:|b)',
    'x{0}',
    '(?:ab){3,5}',
    '(?:[^\\x{0}-\\x{10ffff}])*',
  );
  const made = fc
    .array(fc.oneof(pattern, odd), { maxLength: 5 })
    .chain((parts) =>
      fc.constantFrom(
        parts.join(''),
        `(?:${parts.join('|')})`,
        `(?:${parts.join('|')})*`,
        `(${parts.join('')}){2,4}`,
        `(?:${parts.join('')})+`,
      ),
    );
  fc.assert(
    fc.property(made, (source) => {
      const set = new RE2Set(RE2Set.UNANCHORED, RE2JS.CASE_INSENSITIVE);
      try {
        set.add(source);
      } catch {
        return;
      }
      set.compile();
      expect(compiledSize(set.regexps[0] as Tree)).toBe(set.prog.inst.length);
    }),
    { numRuns: 2000 },
  );
});
