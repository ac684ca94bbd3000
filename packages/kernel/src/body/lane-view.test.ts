/** A lane as a batch sees it, against a plain list: what the store holds, less what was taken, plus what was queued. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Task } from '../core/task.ts';
import { LaneView } from './lane-view.ts';
import { byRank } from './ranked.ts';

/** Only what a lane looks at. */
function aTask(seq: number, priority: number): Task {
  return { id: `t${seq}`, seq, priority, status: 'queued', version: 1 } as Task;
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('load' as const), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant('queue' as const), priority: fc.nat(3) }),
  fc.record({ kind: fc.constant('take' as const), at: fc.nat(6) }),
  fc.record({ kind: fc.constant('return' as const), which: fc.nat() }),
);

test('it shows the true front of the lane, as far as it covers it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(3), { maxLength: 20, size: 'max' }),
      fc.array(step, { maxLength: 40, size: 'max' }),
      (priorities, steps) => {
        const stored = priorities.map((priority, seq) => aTask(seq, priority)).sort(byRank);
        const view = new LaneView();
        /** What the whole lane holds by now, and what this batch did to single tasks. */
        let lane = [...stored];
        const current = new Map<string, Task>();
        const taken: Task[] = [];
        let loaded = 0;
        let made = priorities.length;
        const enqueue = (task: Task) => {
          lane.push(task);
          current.set(task.id, task);
          if (view.covers(task)) view.add(task);
        };
        for (const one of steps) {
          if (one.kind === 'load') {
            const piece = stored.slice(loaded, loaded + one.count);
            loaded += piece.length;
            view.extend({ tasks: piece, more: loaded < stored.length }, (id) => current.get(id));
            // What was queued beyond the horizon may be within it now: its owner adds it again.
            for (const task of lane) if (current.has(task.id) && view.covers(task)) view.add(task);
          } else if (one.kind === 'queue') enqueue(aTask(made++, one.priority));
          else if (one.kind === 'take') {
            const task = view.at(one.at);
            if (!task) continue;
            view.remove(task);
            lane = lane.filter(({ id }) => id !== task.id);
            current.set(task.id, { ...task, status: 'executing' });
            taken.push(task);
          } else if (taken.length > 0) {
            const [task] = taken.splice(one.which % taken.length, 1);
            enqueue({ ...task!, version: task!.version + 2 });
          }
          const covered = lane.filter((task) => view.covers(task)).sort(byRank);
          const shown = Array.from({ length: view.length }, (_, at) => view.at(at)!);
          expect(shown.map(({ id, version }) => [id, version])).toEqual(
            covered.map(({ id, version }) => [id, version]),
          );
          expect(view.at(view.length)).toBeUndefined();
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('as long as nothing is loaded it covers nothing, and of an empty lane everything', () => {
  const view = new LaneView();
  expect(view.covers(aTask(1, 10))).toBe(false);
  view.extend({ tasks: [], more: false }, () => undefined);
  expect(view.covers(aTask(1, 0))).toBe(true);
});

test('served before: the higher priority, then the earlier submission', () => {
  expect(byRank({ priority: 9, seq: 5 }, { priority: 1, seq: 2 })).toBeLessThan(0);
  expect(byRank({ priority: 1, seq: 2 }, { priority: 1, seq: 5 })).toBeLessThan(0);
  expect(byRank({ priority: 1, seq: 2 }, { priority: 1, seq: 2 })).toBe(0);
});
