import type { Hit, MemoryFound } from '../core/memory-search.ts';
import { isBefore } from '../core/order.ts';

/** One that was found, and by what. */
export interface Fused {
  readonly id: string;
  readonly score: number;
  /** Null: it is not among what was found by that. */
  readonly scores: { readonly vector: number | null; readonly text: number | null };
}

/** From the paper; it keeps the first places of one list from outweighing all of the other. */
const K = 60;

/**
 * One ranking out of two: each place in a list counts 1 / (60 + place). Scores of different kinds cannot be added up, places can.
 * (Cormack, Clarke, Büttcher: Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods, SIGIR 2009)
 * @param isHybrid both kinds were asked for; else what was found keeps the scores of its kind
 */
export function fuse({ byVector, byText }: MemoryFound, isHybrid: boolean, limit: number): Fused[] {
  const fused = new Map<string, { score: number; scores: { vector: number | null; text: number | null } }>();
  const add = (hits: readonly Hit[], kind: 'vector' | 'text') => {
    for (const [place, { id, score }] of hits.entries()) {
      const one = fused.get(id) ?? { score: 0, scores: { vector: null, text: null } };
      one.score = isHybrid ? one.score + 1 / (K + place + 1) : score;
      one.scores[kind] = score;
      fused.set(id, one);
    }
  };
  add(byVector, 'vector');
  add(byText, 'text');
  const all = Array.from(fused, ([id, one]) => ({ id, ...one }));
  return all.sort((a, b) => b.score - a.score || (isBefore(a.id, b.id) ? -1 : 1)).slice(0, limit);
}
