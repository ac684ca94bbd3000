/** Who is named first, and with what score. */
import { expect, test } from 'vitest';
import type { Worker } from '../core/worker.ts';
import { aWorker } from '../testing/scribe.ts';
import { fieldOf } from './candidates.ts';
import { passingFacts } from './eligibility.ts';
import type { Contender } from './scoring.ts';

function bee(id: string, fields: Partial<Worker> = {}, name = 'Maya'): Worker {
  const profile = { name, capabilities: [], attributes: {}, maxConcurrentTasks: 1 };
  return aWorker({ id, profile, ...fields });
}

/** @param waits how long each that asks has waited @param marks what each scores */
function field(workers: readonly Worker[], waits: Record<string, number>, marks: Record<string, number> = {}) {
  const weighed: string[][] = [];
  const found = fieldOf(passingFacts('', { worker: 'Maya' }), {
    workers,
    waitedMs: (id) => waits[id] ?? null,
    mostWeighed: 2,
    weigh(contenders: readonly Contender[]) {
      weighed.push(contenders.map(({ worker }) => worker.id));
      return contenders.map(({ worker }) => ({ worker, score: marks[worker.id] ?? 0, scores: { success: 1 } }));
    },
  });
  return { ...found, order: found.candidates.map(({ workerId }) => workerId), weighed };
}

test('those who ask come first, then the free, the busy, those who are away, and who cannot', () => {
  const workers = [
    bee('other', {}, 'Willi'),
    bee('away', { offline: true }),
    bee('busy', { holds: ['t'] }),
    bee('free'),
    bee('asks'),
  ];
  const { order, candidates, ...counts } = field(workers, { asks: 0, other: 5 }, { away: 1, free: 0.5 });
  expect(order).toEqual(['asks', 'free', 'busy', 'away', 'other']);
  expect(counts).toMatchObject({ total: 5, capable: 4, able: 3, free: 2, asking: 1 });
  expect(candidates.map(({ eligible }) => eligible)).toEqual([true, true, false, false, false]);
  expect(candidates.map(({ score }) => score)).toEqual([0, 0.5, 0, 1, null]);
  expect(candidates.at(-1)).toMatchObject({ scores: {}, reasons: ['is for worker Maya; this is Willi'] });
});

test('of those who ask the better come first, but for those who came too late to be weighed', () => {
  const workers = ['a', 'b', 'c', 'd'].map((id) => bee(id));
  const { order, asking, weighed } = field(workers, { a: 1, b: 9, c: 5, d: 0 }, { a: 0.9, b: 0.1, c: 0.2, d: 1 });
  expect(weighed.at(-1)).toEqual(['b', 'c']);
  expect(order).toEqual(['c', 'b', 'd', 'a']);
  expect(asking).toBe(4);
});
