import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WaitingEntries } from './waiting-entries.ts';

function waiting(...ids: string[]): WaitingEntries {
  const all = new WaitingEntries();
  for (const id of ids) all.add(id);
  return all;
}

const many = (scope: string, count: number) => Array.from({ length: count }, (_, n) => `${scope}/${n}`);

test('who has put one is not kept waiting by who has put thousands', () => {
  const all = waiting(...many('full', 10_000), 'small/1', 'other/1');
  const first = all.take(64);
  expect(first).toHaveLength(64);
  expect(first).toContain('small/1');
  expect(first).toContain('other/1');
  expect(all.take(64)).toEqual(many('full', 126).slice(62));
});

test('where there are more scopes than places, all have their turn', () => {
  const all = waiting(...Array.from({ length: 10 }, (_, scope) => many(`s${scope}`, 3)).flat());
  const [first, second] = [all.take(5), all.take(5)];
  expect(new Set([...first, ...second].map((id) => id.split('/')[0])).size).toBe(10);
});

test('whatever comes and is taken, everything is taken once, and of each scope in its order', () => {
  const id = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(20)).map(([scope, n]) => `${scope}/${n}`);
  const step = fc.oneof(fc.array(id, { maxLength: 12 }), fc.integer({ min: 1, max: 6 }));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const all = new WaitingEntries();
      let expected: string[] = [];
      for (const step of steps) {
        if (typeof step !== 'number') {
          for (const id of step) all.add(id);
          expected = [...new Set([...expected, ...step])];
        } else {
          const taken = all.take(step);
          expect(taken).toHaveLength(Math.min(step, expected.length));
          for (const scope of ['a', 'b', 'c']) {
            const own = (ids: string[]) => ids.filter((id) => id.startsWith(scope));
            expect(own(taken)).toEqual(own(expected).slice(0, own(taken).length));
          }
          expected = expected.filter((id) => !taken.includes(id));
        }
        expect(all.size).toBe(expected.length);
        for (const id of expected) expect(all.has(id)).toBe(true);
        expect(all.has('d/1')).toBe(false);
        for (const scope of ['a', 'b', 'c']) {
          expect(all.countOf(scope)).toBe(expected.filter((id) => id.startsWith(scope)).length);
        }
      }
    }),
  );
});
