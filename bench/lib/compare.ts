import type { Peer } from '../peers/peer.ts';
import { median, medianRatio, show } from './stats.ts';

export type Figures = Readonly<Record<string, number>>;

/** What each contestant measured, round by round. */
export class Comparison {
  readonly #runs = new Map<string, Figures[]>();

  add(name: string, figures: Figures): void {
    this.#runs.set(name, [...(this.#runs.get(name) ?? []), figures]);
  }

  values(name: string, figure: string): number[] {
    return (this.#runs.get(name) ?? []).map((figures) => figures[figure] ?? Number.NaN);
  }

  median(name: string, figure: string): number {
    return median(this.values(name, figure));
  }

  /** How many times theirs ours is: the median over rounds, each compared with its neighbour in time. */
  ratio(ours: string, theirs: string, figure: string): number {
    const [mine, others] = [this.values(ours, figure), this.values(theirs, figure)];
    return mine.length === 0 || others.length === 0 ? Number.NaN : medianRatio(mine, others);
  }

  /** A row of medians for each contestant; with the range, so that a reader sees how far they can be trusted. */
  rows(figures: readonly string[]): string[][] {
    return [...this.#runs.keys()].map((name) => [
      name,
      ...figures.map((figure) => {
        const values = this.values(name, figure);
        const range = values.length > 1 ? ` (${show(Math.min(...values))}–${show(Math.max(...values))})` : '';
        return show(median(values)) + range;
      }),
    ]);
  }
}

/** Everybody comes first once, so that nobody always runs in the wake of the same neighbour. */
export function rotated<T>(all: readonly T[], round: number): T[] {
  const first = all.length === 0 ? 0 : (round - 1) % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

/** Measures the peers in turns, A B C then B C A, and leaves out (with the reason) those that cannot be measured here. */
export async function inTurns<P extends Peer>(
  peers: readonly P[],
  rounds: number,
  measure: (peer: P) => Promise<Figures>,
): Promise<{ comparison: Comparison; missing: string[] }> {
  const comparison = new Comparison();
  const present: P[] = [];
  const missing: string[] = [];
  for (const peer of peers) {
    const reason = await peer.unavailable();
    if (reason === null) present.push(peer);
    else missing.push(`${peer.name} was not measured: ${reason}.`);
  }
  for (let round = 1; round <= rounds; round++) {
    for (const peer of rotated(present, round)) {
      const figures = await measure(peer);
      comparison.add(peer.name, figures);
      const shown = Object.entries(figures).map(([name, value]) => `${name} ${show(value)}`);
      console.error(`  ${round}/${rounds} ${peer.name}: ${shown.join(', ')}`);
    }
  }
  return { comparison, missing };
}
