import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kernel } from '../body/kernel.ts';
import { InMemoryBus } from '../bus/in-memory.ts';
import type { Piece } from '../core/archive.ts';
import type { Clock } from '../core/clock.ts';
import type { NewTask } from '../core/command.ts';
import type { JsonObject } from '../core/json.ts';
import { TaskMaker } from '../core/task-maker.ts';
import { DEFAULT_POLICY } from '../guardian/default-policy.ts';
import { NgramEmbedder } from '../memory/embedders/ngram-embedder.ts';
import { SqliteStore } from '../store/sqlite/store.ts';
import type { Actor } from './actors/actor.ts';
import { Operator } from './actors/operator.ts';
import { Planner } from './actors/planner.ts';
import { Rememberer } from './actors/rememberer.ts';
import { Reviewer } from './actors/reviewer.ts';
import { Scheduler } from './actors/scheduler.ts';
import { Submitter } from './actors/submitter.ts';
import { Watcher } from './actors/watcher.ts';
import { Worker } from './actors/worker.ts';
import { checkEverything } from './checkers.ts';
import { FaultyStore, NO_FAULTS } from './faulty-store.ts';
import { Random } from './random.ts';
import { RULES } from './rules.ts';
import { atRest, SimClock } from './sim-clock.ts';

/**
 * The real kernel on a real store, in a world that is made of one seed: submitters, workers, watchers, reviewers and operators who
 * make mistakes, schedules, a store that fails, a process that is killed, a machine whose clock jumps. First everything is broken at
 * random; then it heals, and whatever can be finished must be finished. At the end the checkers go over what is
 * stored and what the actors were told.
 */
export interface SimulationOptions {
  readonly seed: number;
  readonly steps?: number;
}

export interface SimulationReport {
  readonly seed: number;
  readonly tasks: number;
  readonly entries: number;
  readonly crashes: number;
  readonly storeFaults: number;
  readonly clockJumps: number;
  readonly rollbacks: number;
  readonly cutRollbacks: number;
  readonly exports: number;
  readonly firings: number;
}

export const LEASE_MS = 10_000;

/** What a seed decides before anything happens: small and large colonies, calm and stormy weather. */
function draw(random: Random) {
  return {
    workers: random.between(1, 6),
    submitters: random.between(1, 3),
    watchers: random.between(1, 3),
    maxConcurrentTasks: random.pick([0, 1, 3, 10]),
    crashRate: random.pick([0, 0.01, 0.05]),
    jumpRate: random.pick([0, 0.02]),
    faults: random.pick([
      NO_FAULTS,
      { commitFails: 0.03, replyLost: 0, loadFails: 0.01, delay: 0.1 },
      { commitFails: 0.02, replyLost: 0.03, loadFails: 0.02, delay: 0.3 },
    ]),
    patienceMs: random.pick([0, 2, 100]),
    checkpointRate: random.pick([0, 0.05, 0.2]),
    checkpointsKept: random.pick([1, 3, 20]),
    exportRate: random.pick([0, 0.05, 0.3]),
  };
}

/** What it decides of groups and bounds; by itself, so that the worlds of before there were any are what they were. */
function drawFairness(random: Random) {
  const limits: readonly JsonObject[] = random.pick([
    [],
    [{ id: 'a', capability: 'a', max_concurrent: 1 }],
    [{ id: 'b', capability: 'b', per_second: 0.5, burst: 2 }],
    [
      { id: 'a', capability: 'a', max_concurrent: 2, per_second: 3 },
      { id: 'b', capability: 'b', max_concurrent: 1 },
    ],
  ]);
  return {
    groups: random.pick<readonly (string | null)[]>([[null], [null, 'acme', 'bolt']]),
    maxConcurrentPerGroup: random.pick([0, 0, 1, 2]),
    priorityAgingMs: random.pick([0, 0, 5000]),
    limits,
  };
}

export class World {
  readonly random: Random;
  /** For what has to do with fairness. */
  readonly dice: Random;
  readonly fairness: ReturnType<typeof drawFairness>;
  /** By the ids that were tried: what tasks are about, as far as bounds are. */
  readonly tried = new Map<string, Pick<NewTask, 'lane' | 'spec'>>();
  readonly clock = new SimClock();
  readonly path: string;
  readonly plan: ReturnType<typeof draw>;
  readonly actors: Actor[] = [];
  /** What should never have happened and was noticed on the way. */
  readonly complaints: string[] = [];
  kernel!: Kernel;
  store!: FaultyStore;
  crashes = 0;
  storeFaults = 0;
  clockJumps = 0;
  rollbacks = 0;
  /** How many rollbacks a crash came into the middle of. */
  cutRollbacks = 0;
  /** How often a schedule has fired. */
  firings = 0;
  /** What was exported to its end. */
  readonly exports: (readonly Piece[])[] = [];
  #real!: SqliteStore;
  #wallError = 0;
  /** Its next crash begins before it is noticed. */
  #isDoomed = false;

  constructor(seed: number, folder: string) {
    this.random = new Random(seed);
    this.plan = draw(this.random);
    this.dice = new Random(seed + 1_000_003);
    this.fairness = drawFairness(this.dice);
    this.path = join(folder, 'colony.db');
  }

  async start(): Promise<void> {
    this.#real = await SqliteStore.open({ path: this.path });
    if ((await this.#real.survey()).saving?.rolling) this.cutRollbacks++;
    this.store = new FaultyStore(this.#real, this.random);
    const guardian = { ...RULES.guardian, participants: ['ann', 'bob', 'eve'] };
    this.kernel = await Kernel.open({
      store: this.store,
      bus: new InMemoryBus(),
      clock: processClock(this.clock, this.random.between(0, 900_000)),
      rules: {
        ...{ ...RULES, guardian, maxConcurrentTasks: this.plan.maxConcurrentTasks, leaseMs: LEASE_MS },
        maxConcurrentPerGroup: this.fairness.maxConcurrentPerGroup,
        priorityAgingMs: this.fairness.priorityAgingMs,
      },
      retention: { taskRetentionMs: null, ledgerRetentionMs: null, workerRetentionMs: 365 * 86_400_000 },
      checkpoints: { keep: this.plan.checkpointsKept, everyMs: null },
      version: 'simulated',
      maker: new NotedMaker(this),
      random: this.random.next,
      embedder: new NgramEmbedder(),
      patienceMs: this.plan.patienceMs,
      observer: {
        committed: () => undefined,
        heldBack: () => undefined,
        storeFailed: () => undefined,
        storeLost: () => undefined,
        storeRepaired: () => undefined,
        fault: (error, about) => this.complaints.push(`${about}: ${(error as Error).stack}`),
      },
    });
  }

  /** All policies of this world have the same limits, if it has any. */
  async setLimits(): Promise<void> {
    const { limits } = this.fairness;
    if (limits.length === 0) return;
    const policy = { rules: DEFAULT_POLICY.rules, limits } as unknown as JsonObject;
    await this.kernel.execute({ kind: 'set_policy', actor: 'reviewer', policy, expected: null });
  }

  /** The process dies with whatever it has under way, and another one takes its place. */
  async crash(): Promise<void> {
    this.crashes++;
    this.storeFaults += this.store.faults;
    this.store.kill();
    await this.#real.close();
    for (const actor of this.actors) actor.disconnected();
    await this.start();
  }

  async step(): Promise<void> {
    const { plan, random } = this;
    if (this.#isDoomed || random.chance(plan.crashRate)) {
      // At rest, or in the middle of whatever it will be doing.
      this.#isDoomed = !this.#isDoomed && random.chance(0.5);
      if (this.#isDoomed) this.doom();
      else await this.crash();
    }
    this.store.rates = random.chance(0.7) ? { ...NO_FAULTS } : { ...plan.faults };
    if (random.chance(plan.jumpRate)) {
      this.clockJumps++;
      this.#setWall(random.between(-10_000_000, 10_000_000));
      // The sweeper looks at the new time before any worker has said a word in it.
      await this.clock.advance(random.between(0, 1000));
    }
    for (const actor of this.actors) actor.act();
    await this.clock.advance(random.between(0, 2000));
  }

  /** It will die at one of the next commits; which is noticed a step later. */
  doom(): void {
    this.#isDoomed = true;
    this.store.killIn(this.random.between(1, 4));
  }

  /** Everything works again; acts on until all that can end has ended. */
  async heal(): Promise<void> {
    if (this.#isDoomed) await this.crash();
    this.store.rates = { ...NO_FAULTS };
    // Whatever the clock was made to believe, every time that a task waits for has now come.
    this.#setWall(20_000_000);
    for (const actor of this.actors) actor.heal();
    for (let turn = 0; turn < 600; turn++) {
      for (const actor of this.actors) actor.act();
      await this.clock.advance(1000);
      if (turn > 20 && (await this.#allDone()) && (await this.#nothingLeft())) break;
    }
    await atRest();
  }

  /** Sets the wall clock to be wrong by this much: hours, not days, or idempotency keys would rightly expire. */
  #setWall(errorMs: number): void {
    this.clock.jump(errorMs - this.#wallError);
    this.#wallError = errorMs;
  }

  async #allDone(): Promise<boolean> {
    for (const actor of this.actors) if (!(await actor.done())) return false;
    return true;
  }

  async #nothingLeft(): Promise<boolean> {
    const { tasks } = await this.store.survey();
    const { nextReadyAt } = await this.store.due(this.clock.now(), 0);
    return tasks.queued === 0 && tasks.executing === 0 && nextReadyAt === null;
  }

  async close(): Promise<void> {
    this.storeFaults += this.store.faults;
    await this.kernel.stop();
  }
}

/** What schedules hand in is tried as well. */
class NotedMaker extends TaskMaker {
  readonly #world: World;

  constructor(world: World) {
    super(() => world.random.id(world.clock.now().steady), 3600);
    this.#world = world;
  }

  override make(...about: Parameters<TaskMaker['make']>): NewTask {
    const task = super.make(...about);
    this.#world.tried.set(task.id, task);
    return task;
  }
}

/** Each process has a steady clock of its own, with a start of its own. */
function processClock(clock: SimClock, offset: number): Clock {
  return {
    now: () => {
      const { wall, steady } = clock.now();
      return { wall, steady: steady - offset };
    },
    timer: (delayMs, run) => clock.timer(delayMs, run),
  };
}

/** Runs one world from beginning to end. Throws with the seed and everything that was found wrong. */
export async function simulate({ seed, steps = 150 }: SimulationOptions): Promise<SimulationReport> {
  const folder = mkdtempSync(join(tmpdir(), 'colony-simulation-'));
  const world = new World(seed, folder);
  try {
    await world.start();
    await world.setLimits();
    for (let n = 0; n < world.plan.submitters; n++) world.actors.push(new Submitter(world, `submitter-${n}`));
    for (let n = 0; n < world.plan.workers; n++) world.actors.push(new Worker(world, n, n === 0));
    for (let n = 0; n < world.plan.watchers; n++) world.actors.push(new Watcher(world));
    world.actors.push(new Planner(world), new Reviewer(world), new Operator(world), new Scheduler(world));
    world.actors.push(new Rememberer(world, seed + 2_000_003));
    for (let step = 0; step < steps; step++) await world.step();
    await world.heal();
    const entries = await checkEverything(world);
    const { tasks } = await world.store.survey();
    await world.close();
    if (world.complaints.length > 0) throw new Error(world.complaints.slice(0, 10).join('\n'));
    return {
      seed,
      tasks: Object.values(tasks).reduce((sum, n) => sum + n, 0),
      entries,
      crashes: world.crashes,
      storeFaults: world.storeFaults,
      clockJumps: world.clockJumps,
      rollbacks: world.rollbacks,
      cutRollbacks: world.cutRollbacks,
      exports: world.exports.length,
      firings: world.firings,
    };
  } catch (error) {
    throw new Error(`seed ${seed} (repeat with: npm run simulate:faults -- --seed ${seed})\n${(error as Error).stack}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
