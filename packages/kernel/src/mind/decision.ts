import { TERMS, type Term } from '../core/mind-rules.ts';
import type { Scored, Scores } from './scoring.ts';

/**
 * Why a task went where it went, as it is kept with the task: short, since it is written with every assignment.
 *
 *   [the one that got it, others that could have had it, the best first …]
 *
 * each of them `[id, name, score, terms …]` in thousandths, null for a term of which nothing could be said. Of the one that
 * got it the id is left out: the task has it.
 */
export interface Decision {
  readonly chosen: Considered;
  readonly others: readonly (Considered & { readonly workerId: string })[];
}

export interface Considered {
  readonly name: string;
  readonly score: number;
  readonly scores: Scores;
}

/** Enough to see why; with a hundred workers nobody wants to read them all. */
const MOST_OTHERS = 9;
const ORDER: readonly (Term | 'wait')[] = [...TERMS, 'wait'];

type Row = [id: string, name: string, score: number, ...terms: (number | null)[]];

export function decisionText(scored: readonly Scored[], chosen: number): string {
  let text = `[${rowText(scored[chosen]!, '')}`;
  if (scored.length > 1) {
    const others = scored.filter((_, at) => at !== chosen).sort((a, b) => b.score - a.score);
    for (const other of others.slice(0, MOST_OTHERS)) text += `,${rowText(other, other.worker.id)}`;
  }
  return `${text}]`;
}

/** A row as JSON, the terms in their order. Written by hand: it is one for every task that goes anywhere. */
function rowText({ worker, score, scores }: Scored, id: string): string {
  const terms = ORDER.map((term) => thousandths(scores[term])).join();
  return `[${JSON.stringify(id)},${JSON.stringify(worker.profile.name)},${thousandths(score)},${terms}]`;
}

function thousandths(value: number | undefined): string {
  return value === undefined ? 'null' : String(Math.round(value * 1000));
}

/** What was decided; null: nothing yet, or the text says something else. */
export function decisionFrom(text: string | null): Decision | null {
  const rows = text === null ? null : (JSON.parse(text) as Row[] | object);
  if (!Array.isArray(rows)) return null;
  const [chosen, ...others] = (rows as Row[]).map(considered);
  return { chosen: chosen!, others };
}

function considered([workerId, name, score, ...terms]: Row): Considered & { workerId: string } {
  const told = ORDER.flatMap((term, at) => (terms[at] == null ? [] : [[term, terms[at] / 1000]]));
  return { workerId, name, score: score / 1000, scores: Object.fromEntries(told) as Scores };
}
