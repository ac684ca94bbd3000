/**
 * Plans as graphs: tasks by their keys, and which of them each depends on. Nothing here calls itself: a chain may be as long
 * as a plan is large.
 */

export interface Knot {
  readonly key: string;
  /** Keys of the same plan. */
  readonly dependsOn: readonly string[];
}

/** Where each stands in a list such that nothing stands before what it depends on; or a cycle, the first key once more at its end. */
export type Order = { readonly order: readonly number[] } | { readonly cycle: readonly string[] };

export function orderOf(knots: readonly Knot[]): Order {
  const places = new Map(knots.map(({ key }, place) => [key, place]));
  const unmet = knots.map(({ dependsOn }) => dependsOn.length);
  const dependents = dependentsOf(knots, places);
  const order = knots.flatMap((_, place) => (unmet[place] === 0 ? place : []));
  for (const place of order) {
    for (const dependent of dependents[place]!) if (--unmet[dependent]! === 0) order.push(dependent);
  }
  if (order.length === knots.length) return { order };
  return { cycle: cycleAmong(knots, places, new Set(order)) };
}

function dependentsOf(knots: readonly Knot[], places: ReadonlyMap<string, number>): number[][] {
  const dependents = knots.map((): number[] => []);
  for (const [place, { dependsOn }] of knots.entries()) {
    for (const key of dependsOn) dependents[places.get(key)!]!.push(place);
  }
  return dependents;
}

/** What could not be put in order depends on something else that could not: whoever goes on from one comes round. */
function cycleAmong(
  knots: readonly Knot[],
  places: ReadonlyMap<string, number>,
  inOrder: ReadonlySet<number>,
): string[] {
  const way: string[] = [];
  const met = new Map<string, number>();
  for (let at = knots.find((_, place) => !inOrder.has(place))!; ; ) {
    const before = met.get(at.key);
    if (before !== undefined) return [...way.slice(before), at.key];
    met.set(at.key, way.length);
    way.push(at.key);
    const next = at.dependsOn.find((key) => !inOrder.has(places.get(key)!))!;
    at = knots[places.get(next)!]!;
  }
}

/** As people read it: `a → b → a`, where an arrow means "depends on". */
export function cycleText(cycle: readonly string[]): string {
  const shown = cycle.length > MOST_SHOWN ? [...cycle.slice(0, MOST_SHOWN - 1), '…', cycle[0]!] : cycle;
  return shown.join(' → ');
}

const MOST_SHOWN = 20;

export interface CriticalPath {
  /** From what begins to what ends. */
  readonly keys: readonly string[];
  /** Null: of none of the plan's tasks it is known how long it took. */
  readonly seconds: number | null;
}

/**
 * The chain of dependencies that takes longest: by the time its tasks took, as far as that is known of any; between chains
 * that take as long, and where no time is known, the one of the most tasks.
 * @param secondsOf how long each has taken; null: not known
 */
export function criticalPath(
  knots: readonly Knot[],
  order: readonly number[],
  secondsOf: (place: number) => number | null,
): CriticalPath {
  const places = new Map(knots.map(({ key }, place) => [key, place]));
  const chains = knots.map((): Chain => ({ seconds: 0, tasks: 0, before: null }));
  let isKnown = false;
  let longest: number | null = null;
  for (const place of order) {
    let before: number | null = null;
    for (const key of knots[place]!.dependsOn) {
      const other = places.get(key)!;
      if (before === null || isLonger(chains[other]!, chains[before]!)) before = other;
    }
    const seconds = secondsOf(place);
    isKnown ||= seconds !== null;
    const base = before === null ? { seconds: 0, tasks: 0 } : chains[before]!;
    chains[place] = { seconds: base.seconds + (seconds ?? 0), tasks: base.tasks + 1, before };
    if (longest === null || isLonger(chains[place]!, chains[longest]!)) longest = place;
  }
  const keys: string[] = [];
  for (let at = longest; at !== null; at = chains[at]!.before) keys.push(knots[at]!.key);
  keys.reverse();
  return { keys, seconds: isKnown && longest !== null ? Math.round(chains[longest]!.seconds * 1000) / 1000 : null };
}

interface Chain {
  readonly seconds: number;
  readonly tasks: number;
  /** The place of the last but one. */
  readonly before: number | null;
}

function isLonger(one: Chain, other: Chain): boolean {
  return one.seconds === other.seconds ? one.tasks > other.tasks : one.seconds > other.seconds;
}
