import fc from 'fast-check';
import { expect, test } from 'vitest';
import { criticalPath, cycleText, type Knot, orderOf } from './plans-graph.ts';

/** Any graph: cycles, and tasks that wait for themselves, included. */
const graph = fc
  .integer({ min: 1, max: 12 })
  .chain((size) =>
    fc
      .array(fc.uniqueArray(fc.nat(size - 1), { maxLength: 3 }), { minLength: size, maxLength: size })
      .map((edges) => edges.map((to, n): Knot => ({ key: `k${n}`, dependsOn: to.map((m) => `k${m}`) }))),
  );

/** Tasks that wait only for earlier ones, shuffled. */
const acyclic = fc
  .array(fc.uniqueArray(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .map((edges) =>
    edges.map((to, n): Knot => {
      const dependsOn = n === 0 ? [] : [...new Set(to.map((m) => `k${m % n}`))];
      return { key: `k${n}`, dependsOn };
    }),
  )
  .chain((knots) => fc.shuffledSubarray(knots, { minLength: knots.length }));

function keysOf(knots: readonly Knot[], order: readonly number[]): string[] {
  return order.map((place) => knots[place]!.key);
}

/** Whether somebody waits for itself, by going every way there is. */
function isCyclic(knots: readonly Knot[]): boolean {
  const byKey = new Map(knots.map((knot) => [knot.key, knot]));
  const reaches = (from: Knot, to: Knot, seen = new Set<string>()): boolean =>
    from.dependsOn.some((key) => {
      if (key === to.key) return true;
      if (seen.has(key)) return false;
      seen.add(key);
      return reaches(byKey.get(key)!, to, seen);
    });
  return knots.some((knot) => reaches(knot, knot));
}

test('there is an order exactly when there is no cycle, and in it everything comes after what it depends on', () => {
  fc.assert(
    fc.property(graph, (knots) => {
      const found = orderOf(knots);
      expect('cycle' in found).toBe(isCyclic(knots));
      if ('cycle' in found) {
        const { cycle } = found;
        expect(cycle.length).toBeGreaterThan(1);
        expect(cycle.at(-1)).toBe(cycle[0]);
        expect(new Set(cycle).size).toBe(cycle.length - 1);
        // Each waits for the next.
        for (const [at, key] of cycle.slice(0, -1).entries()) {
          expect(knots.find((knot) => knot.key === key)!.dependsOn).toContain(cycle[at + 1]);
        }
        return;
      }
      expect([...found.order].sort((a, b) => a - b)).toEqual(knots.map((_, place) => place));
      const keys = keysOf(knots, found.order);
      for (const { key, dependsOn } of knots) {
        for (const other of dependsOn) expect(keys.indexOf(other)).toBeLessThan(keys.indexOf(key));
      }
    }),
    { numRuns: 500 },
  );
});

test('the critical path is a chain, and no chain takes longer', () => {
  fc.assert(
    fc.property(acyclic, fc.array(fc.option(fc.nat(20)), { minLength: 12, maxLength: 12 }), (knots, seconds) => {
      const found = orderOf(knots);
      const order = 'order' in found ? found.order : [];
      const timeOf = (key: string) => seconds[knots.findIndex((knot) => knot.key === key)] ?? 0;
      const dependsOn = (key: string) => knots.find((knot) => knot.key === key)!.dependsOn;
      const longest = (key: string): [seconds: number, tasks: number] => {
        const ways = dependsOn(key).map(longest);
        const [before, tasks] = ways.sort((a, b) => b[0] - a[0] || b[1] - a[1])[0] ?? [0, 0];
        return [before + timeOf(key), tasks + 1];
      };
      const best = knots.map(({ key }) => longest(key)).sort((a, b) => b[0] - a[0] || b[1] - a[1])[0]!;
      const path = criticalPath(knots, order, (place) => seconds[place] ?? null);
      for (const [at, key] of path.keys.entries()) {
        if (at > 0) expect(dependsOn(key)).toContain(path.keys[at - 1]);
      }
      const time = path.keys.reduce((sum, key) => sum + timeOf(key), 0);
      expect([time, path.keys.length]).toEqual(best);
      const isKnown = knots.some((_, place) => seconds[place] != null);
      expect(path.seconds).toBe(isKnown ? time : null);
    }),
    { numRuns: 300 },
  );
});

test('a chain may be as long as a plan, and a cycle, too', () => {
  const chain = Array.from(
    { length: 10_000 },
    (_, n): Knot => ({ key: `k${n}`, dependsOn: n === 0 ? [] : [`k${n - 1}`] }),
  );
  const found = orderOf(chain);
  const order = 'order' in found ? found.order : [];
  expect(order).toHaveLength(10_000);
  expect(criticalPath(chain, order, () => null).keys).toHaveLength(10_000);
  const ring = orderOf([{ key: 'k0', dependsOn: ['k9999'] }, ...chain.slice(1)]);
  expect('cycle' in ring && ring.cycle).toHaveLength(10_001);
});

test('a cycle is named in the order in which its tasks wait, and not without end', () => {
  expect(cycleText(['a', 'b', 'a'])).toBe('a → b → a');
  const long = [...Array.from({ length: 100 }, (_, n) => `k${n}`), 'k0'];
  expect(cycleText(long)).toMatch(/^k0 → k1 → .* → k18 → … → k0$/);
});
