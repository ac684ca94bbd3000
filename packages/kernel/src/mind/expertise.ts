/**
 * What a worker has shown it can do, by what that meant: a few of its tasks that stand for all that were like them, each with how
 * often such a task was done, and how often it failed. Newer ones count more: half after thirty days.
 *
 * How near a task is to that depends on the model, whose vectors all resemble each other more or less; so only what is beyond that
 * counts. What all examples of all workers have in common is taken off, and what is left of a likeness is held against how
 * much any two examples resemble each other. Of several workers the nearest is the measure for the others.
 */
export interface Example {
  /** Its place, from 0: an example that has gone leaves it to another one. */
  readonly slot: number;
  readonly text: string;
  /** Of length 1. */
  readonly vector: Float32Array;
  /** How often such a task was done, and how often it failed, as of `at` (wall time). */
  readonly done: number;
  readonly failed: number;
  readonly at: number;
}

/** So many stand for all that a worker has done. */
export const MOST_EXAMPLES = 24;
const HALF_LIFE_MS = 30 * 24 * 60 * 60 * 1000;
/** Texts that are so near to each other say the same, to any model. */
const ALIKE = 0.9;
/** What counts less than that has faded away. */
const FADED = 0.05;

/** How a task ended: one of those that a worker has shown. */
export interface Outcome {
  readonly text: string;
  readonly vector: Float32Array;
  readonly failed: boolean;
  /** Wall time. */
  readonly at: number;
}

/** What the worker has shown then. */
export function learn(examples: readonly Example[], { text, vector, failed, at }: Outcome): readonly Example[] {
  const known = examples.map((one) => aged(one, at)).filter(({ done, failed }) => done + failed > FADED);
  const counted = { done: failed ? 0 : 1, failed: failed ? 1 : 0 };
  const [nearest, likeness] = nearestTo(known, vector);
  if (nearest && likeness >= ALIKE) return known.map((one) => (one === nearest ? together(one, counted) : one));
  const kept = known.length < MOST_EXAMPLES ? known : withoutOne(known);
  return [...kept, { slot: freeSlot(kept), text, vector, ...counted, at }];
}

function aged(example: Example, at: number): Example {
  if (at <= example.at) return example;
  const left = 0.5 ** ((at - example.at) / HALF_LIFE_MS);
  return { ...example, done: example.done * left, failed: example.failed * left, at };
}

function nearestTo(examples: readonly Example[], vector: Float32Array): [Example | null, number] {
  let nearest: Example | null = null;
  let likeness = Number.NEGATIVE_INFINITY;
  for (const one of examples) {
    const found = dot(one.vector, vector);
    if (found > likeness) [nearest, likeness] = [one, found];
  }
  return [nearest, likeness];
}

function together(example: Example, { done, failed }: Pick<Example, 'done' | 'failed'>): Example {
  return { ...example, done: example.done + done, failed: example.failed + failed };
}

/** Of the two that are nearest to each other the one that counts more stands for both. */
function withoutOne(examples: readonly Example[]): Example[] {
  let [first, second, likeness] = [examples[0]!, examples[1]!, Number.NEGATIVE_INFINITY];
  for (const [at, a] of examples.entries()) {
    for (const b of examples.slice(at + 1)) {
      const found = dot(a.vector, b.vector);
      if (found > likeness) [first, second, likeness] = [a, b, found];
    }
  }
  const [kept, gone] = amount(second) > amount(first) ? [second, first] : [first, second];
  return examples.filter((one) => one !== gone).map((one) => (one === kept ? together(one, gone) : one));
}

function freeSlot(examples: readonly Example[]): number {
  const taken = new Set(examples.map(({ slot }) => slot));
  for (let slot = 0; ; slot++) if (!taken.has(slot)) return slot;
}

function amount({ done, failed }: Example): number {
  return done + failed;
}

/** What the examples of all workers have in common. */
export interface Common {
  readonly mean: Float32Array;
  readonly meanSquared: number;
  /** How much two of them resemble each other beyond that: the square of a cosine, on average. */
  readonly spread: number;
  /** What vectors have in common with the mean, as far as it was asked before. */
  readonly along: WeakMap<Float32Array, number>;
}

/** Of few examples it is not known what they have in common: as if there were so many more, without anything. */
const STRANGERS = 4;
const USUAL_SPREAD = 0.01;
const USUAL_PAIRS = 16;
/** So many examples, and so many pairs, say enough. */
const MOST_COMMON = 512;
const MOST_PAIRS = 2000;

export function commonOf(all: readonly Example[]): Common {
  const examples = someOf(all);
  const sums = new Float64Array(examples[0]?.vector.length ?? 0);
  for (const { vector } of examples) for (let at = 0; at < sums.length; at++) sums[at]! += vector[at]!;
  const mean = Float32Array.from(sums, (sum) => sum / (examples.length + STRANGERS));
  const known = { mean, meanSquared: dot(mean, mean), spread: USUAL_SPREAD, along: new WeakMap() };
  let squares = USUAL_SPREAD * USUAL_PAIRS;
  let pairs = USUAL_PAIRS;
  for (let apart = 1; apart < examples.length && pairs < MOST_PAIRS; apart++) {
    for (let at = apart; at < examples.length && pairs < MOST_PAIRS; at++, pairs++) {
      squares += beyond(examples[at]!.vector, examples[at - apart]!.vector, known) ** 2;
    }
  }
  return { ...known, spread: squares / pairs };
}

/** From all parts, and not each so many-th, since workers have about as many each. */
function someOf(all: readonly Example[]): readonly Example[] {
  if (all.length <= MOST_COMMON) return all;
  return Array.from({ length: MOST_COMMON }, (_, at) => all[Math.floor((at * all.length) / MOST_COMMON)]!);
}

/** The cosine of what two vectors have beyond what is common. */
function beyond(a: Float32Array, b: Float32Array, common: Common): number {
  const { meanSquared } = common;
  const [ofA, ofB] = [alongMean(a, common), alongMean(b, common)];
  const lengths = (1 - 2 * ofA + meanSquared) * (1 - 2 * ofB + meanSquared);
  return lengths <= 1e-9 ? 0 : (dot(a, b) - ofA - ofB + meanSquared) / Math.sqrt(lengths);
}

function alongMean(vector: Float32Array, { mean, along }: Common): number {
  let found = along.get(vector);
  if (found === undefined) {
    found = dot(vector, mean);
    along.set(vector, found);
  }
  return found;
}

/** So much speaks for anybody. */
const DOUBT = 0.5;

/**
 * How near a task is to what each of some workers did well, from 0 to 1, in their order: the nearest is near 1 if there is much to it,
 * the others by how much less they are; null: nothing is known of a worker.
 */
export function nearnesses(
  workers: readonly (readonly Example[])[],
  vector: Float32Array,
  common: Common,
  at: number,
): (number | null)[] {
  const found = workers.map((examples) => (examples.length === 0 ? null : evidence(examples, vector, common, at)));
  const most = found.reduce<number>((most, one) => Math.max(most, one ?? 0), 0);
  return found.map((one) => (one === null ? null : one / (most + DOUBT)));
}

/** What speaks for a worker, at least 0. It grows with what is shown, more slowly than that. */
export function evidence(examples: readonly Example[], vector: Float32Array, common: Common, at: number): number {
  let sum = 0;
  let all = 0;
  for (const example of examples) {
    const { done, failed } = aged(example, at);
    // However often: to have done it once is half of what there is to show.
    all += (done + failed) / (done + failed + 1);
    const likeness = beyond(example.vector, vector, common);
    if (likeness > 0) sum += ((likeness * likeness) / common.spread) * ((done - failed) / (done + failed + 1));
  }
  return Math.max(0, sum) / Math.sqrt(Math.max(1, all));
}

/** Four sums side by side: none has to wait for the one before. */
function dot(a: Float32Array, b: Float32Array): number {
  const { length } = a;
  let [one, two, three, four] = [0, 0, 0, 0];
  let at = 0;
  for (; at + 3 < length; at += 4) {
    one += a[at]! * b[at]!;
    two += a[at + 1]! * b[at + 1]!;
    three += a[at + 2]! * b[at + 2]!;
    four += a[at + 3]! * b[at + 3]!;
  }
  for (; at < length; at++) one += a[at]! * b[at]!;
  return one + two + three + four;
}
