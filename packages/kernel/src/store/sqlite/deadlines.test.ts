/** The heap of deadlines against a plain list that is sorted whenever somebody asks. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Deadlines } from './deadlines.ts';

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), id: fc.nat(15), at: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), id: fc.nat(15) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ask' as const), now: fc.nat(45), limit: fc.nat(20) }) },
);

test('whatever is set, moved and deleted, the earliest come first, each once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const deadlines = new Deadlines();
      const list = new Map<string, number>();
      for (const one of steps) {
        if (one.kind === 'set') {
          deadlines.set(`t${one.id}`, one.at);
          list.set(`t${one.id}`, one.at);
        } else if (one.kind === 'delete') {
          deadlines.delete(`t${one.id}`);
          list.delete(`t${one.id}`);
        } else {
          const due = [...list].filter(([, at]) => at <= one.now).sort(([, a], [, b]) => a - b);
          const over = deadlines.over(one.now, one.limit);
          expect(over.map((id) => list.get(id))).toEqual(due.slice(0, one.limit).map(([, at]) => at));
          expect(new Set(over).size).toBe(over.length);
          // Asking takes nothing away.
          expect(deadlines.over(one.now, one.limit).length).toBe(over.length);
        }
        expect(deadlines.next()).toBe(list.size === 0 ? null : Math.min(...list.values()));
      }
    }),
    { numRuns: 300 },
  );
});

test('an attempt that comes back to a deadline it had before is over once', () => {
  const deadlines = new Deadlines();
  for (const at of [10, 20, 10]) deadlines.set('a', at);
  deadlines.set('b', 10);
  expect(deadlines.over(10, 9).sort()).toEqual(['a', 'b']);
});
