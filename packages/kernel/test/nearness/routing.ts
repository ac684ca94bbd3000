import { DEFAULT_WEIGHTS } from '../../src/core/mind-rules.ts';
import type { Worker } from '../../src/core/worker.ts';
import { laneFacts } from '../../src/mind/eligibility.ts';
import { withAttempt } from '../../src/mind/experience.ts';
import { type Common, commonOf, type Example, learn, nearnesses } from '../../src/mind/expertise.ts';
import { best, score } from '../../src/mind/scoring.ts';
import { Random } from '../../src/testing/random.ts';
import { aTask, aWorker } from '../../src/testing/scribe.ts';
import { type Labelled, shuffled } from './labelled.ts';

/** A worker that is good at some kinds of work; the mind does not know which. */
interface Bee {
  worker: Worker;
  readonly kinds: readonly string[];
  examples: readonly Example[];
}

type Texts = ReadonlyMap<string, readonly Labelled[]>;

const NOW = Date.parse('2026-06-01T12:00:00Z');
const LANE = laneFacts('any', {});

/** All equal but in what they are good at, and no kind with two of them. */
function beesFor(texts: Texts, kindsEach: number, random: Random): Bee[] {
  const kinds = shuffled([...texts.keys()], random);
  return Array.from({ length: kinds.length / kindsEach }, (_, at) => {
    const name = `bee-${at}`;
    const profile = { name, capabilities: [], attributes: {}, maxConcurrentTasks: 1 };
    const own = kinds.slice(at * kindsEach, (at + 1) * kindsEach);
    return { worker: aWorker({ id: name, profile }), kinds: own, examples: [] };
  });
}

/** The one that gets a task, as the mind chooses. @param waitedMs in the order of the bees; @param common null: without nearness */
function chosen(
  bees: readonly Bee[],
  { text, vector }: Labelled,
  common: Common | null,
  at: number,
  waitedMs: number[] = [],
): Bee {
  const known = common === null ? null : nearnesses(examplesOf(bees), vector, common, at);
  const contenders = bees.map(({ worker }, of) => ({ worker, taken: 0, waitedMs: waitedMs[of] ?? 0 }));
  const rules = { weights: DEFAULT_WEIGHTS, nearness: () => known };
  return bees[best(score(contenders, aTask({ description: text }), LANE, rules, at))]!;
}

function examplesOf(bees: readonly Bee[]): (readonly Example[])[] {
  return bees.map(({ examples }) => examples);
}

export interface Routing {
  readonly kindsEach: number;
  /** So many past tasks each. */
  readonly past: number;
  /** Of these such a share went to a worker that is not good at them, and failed there. */
  readonly wrong: number;
}

/** The share of tasks that go to the one that is good at them; all else is equal. */
export function routed(texts: Texts, { kindsEach, past, wrong }: Routing, trials: number, isNear = true): number {
  const random = new Random(7);
  // Of the texts of each kind so many are the past; the others are asked for.
  const ofEach = Math.ceil(past / kindsEach);
  let [right, all] = [0, 0];
  for (let trial = 0; trial < trials; trial++) {
    const drawn = new Map([...texts].map(([kind, some]) => [kind, shuffled(some, random)]));
    const bees = beesFor(texts, kindsEach, random);
    for (const bee of bees) {
      for (let n = 0; n < past; n++) {
        const failed = random.chance(wrong);
        const own = bee.kinds[n % kindsEach]!;
        const kind = failed ? random.pick([...texts.keys()].filter((one) => !bee.kinds.includes(one))) : own;
        const turn = failed ? random.between(0, ofEach - 1) : Math.floor(n / kindsEach);
        bee.examples = learn(bee.examples, { ...drawn.get(kind)![turn]!, failed, at: NOW });
      }
    }
    const common = isNear ? commonOf(examplesOf(bees).flat()) : null;
    for (const task of [...drawn.values()].flatMap((some) => some.slice(ofEach))) {
      // Of equals the first is taken: so that it is no use to be the first.
      const mixed = shuffled(bees, random);
      if (chosen(mixed, task, common, NOW).kinds.includes(task.kind)) right++;
      all++;
    }
  }
  return right / all;
}

export interface Work {
  /** How often a worker succeeds at what it is good at, and at what it is not. */
  readonly atHome: number;
  readonly abroad: number;
}

const APART_MS = 1000;
const COMMON_EVERY = 8;

/**
 * The share that succeeds of tasks that come one by one, to workers of which nothing is known at first: what they learn about them,
 * they learn on the way. The second half of the tasks is counted. Every text comes once; and all of what the mind goes by counts.
 */
export function worked(texts: Texts, { atHome, abroad }: Work, trials: number, isNear: boolean): number {
  const random = new Random(11);
  let [done, all] = [0, 0];
  for (let trial = 0; trial < trials; trial++) {
    const bees = shuffled(beesFor(texts, 2, random), random);
    const since = bees.map(() => 0);
    let common: Common | null = null;
    const tasks = shuffled([...texts.values()].flat(), random);
    for (const [n, task] of tasks.entries()) {
      const at = NOW + n * APART_MS;
      if (n % COMMON_EVERY === 0) common = isNear ? commonOf(examplesOf(bees).flat()) : null;
      const waited = since.map((one) => (n - one) * APART_MS);
      const bee = chosen(bees, task, common, at, waited);
      const failed = !random.chance(bee.kinds.includes(task.kind) ? atHome : abroad);
      since[bees.indexOf(bee)] = n;
      const experience = withAttempt(bee.worker.experience, [], { failed, elapsedMs: 1000 }, at);
      bee.worker = { ...bee.worker, experience };
      bee.examples = learn(bee.examples, { ...task, failed, at });
      if (n < tasks.length / 2) continue;
      all++;
      if (!failed) done++;
    }
  }
  return done / all;
}
