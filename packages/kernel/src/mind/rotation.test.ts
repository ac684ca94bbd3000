import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byTurn, type Group, Rotation, RotationAhead } from './rotation.ts';

interface Waiting {
  readonly group: Group;
  readonly priority: number;
  readonly seq: number;
}

const waiting = (groups: readonly Group[]) =>
  fc
    .array(fc.record({ group: fc.constantFrom(...groups), priority: fc.nat(2) }), { maxLength: 40, size: 'max' })
    .map((all) => all.map((one, seq): Waiting => ({ ...one, seq })));

/** Takes all of them, one after the other. */
function serve(all: readonly Waiting[], rotation = new Rotation()): Waiting[] {
  const left = [...all];
  const served: Waiting[] = [];
  while (left.length > 0) {
    const place = (one: Waiting) => ({ ...one, turn: rotation.turnOf(one.group) });
    left.sort((a, b) => byTurn(place(a), place(b)));
    const next = left.shift()!;
    rotation.served(next.group);
    served.push(next);
  }
  return served;
}

test('no group is served twice while another with a task of that priority waits', () => {
  fc.assert(
    fc.property(waiting([null, 'a', 'b', 'c']), waiting([null, 'a', 'b', 'd']), (before, all) => {
      const rotation = new Rotation();
      serve(before, rotation);
      const served = serve(all, rotation);
      for (const [at, { group, priority }] of served.entries()) {
        const again = served.findIndex((one, n) => n > at && one.group === group && one.priority === priority);
        if (again < 0) continue;
        const passedOver = served
          .slice(again + 1)
          .filter((one) => one.priority === priority && !served.slice(at, again).some((s) => s.group === one.group));
        expect(passedOver).toEqual([]);
      }
    }),
  );
});

test('higher priorities come first, and within a group the order is that of submission', () => {
  fc.assert(
    fc.property(waiting([null, 'a', 'b']), (all) => {
      const served = serve(all);
      for (const [at, one] of served.entries()) {
        for (const later of served.slice(at + 1)) {
          expect(later.priority).toBeLessThanOrEqual(one.priority);
          if (later.priority === one.priority && later.group === one.group) expect(later.seq).toBeGreaterThan(one.seq);
        }
      }
    }),
  );
});

test('where there is one group, or none, the order is that of priority and submission', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Group>(null, 'a').chain((group) => waiting([group])),
      (all) => {
        expect(serve(all)).toEqual(all.toSorted((a, b) => b.priority - a.priority || a.seq - b.seq));
      },
    ),
  );
});

test('groups that have not been served take turns by their oldest tasks, and one that was away is first when it comes back', () => {
  const tasks = (...groups: Group[]) => groups.map((group, seq) => ({ group, priority: 5, seq }));
  const rotation = new Rotation();
  const groups = serve(tasks('a', 'a', 'a', null, null, 'b'), rotation).map(({ group }) => group);
  expect(groups).toEqual(['a', null, 'b', 'a', null, 'a']);
  expect(serve(tasks('a', null, 'b', 'new'), rotation).map(({ group }) => group)).toEqual(['new', 'b', null, 'a']);
});

test('what a claim has picked counts as served, and is forgotten with the claim', () => {
  const rotation = new Rotation();
  rotation.served('a');
  const ahead = new RotationAhead(rotation);
  const order = () => ['a', 'b', 'c'].toSorted((a, b) => ahead.turnOf(a) - ahead.turnOf(b));
  expect(order()).toEqual(['b', 'c', 'a']);
  ahead.picked('b');
  expect(order()).toEqual(['c', 'a', 'b']);
  ahead.picked('a');
  expect(order()).toEqual(['c', 'b', 'a']);
  expect(rotation.turnOf('b')).toBe(0);
});

test('it remembers a bounded number of groups, those that were served last', () => {
  const rotation = new Rotation();
  for (let n = 0; n < 10_001; n++) rotation.served(`group ${n}`);
  expect([0, 1, 10_000].map((n) => rotation.turnOf(`group ${n}`) > 0)).toEqual([false, true, true]);
});
