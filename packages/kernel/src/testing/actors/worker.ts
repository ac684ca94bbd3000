import type { Assignment, Command, Fail } from '../../core/command.ts';
import { Refusal, StorageUnavailable } from '../../core/errors.ts';
import type { World } from '../simulation.ts';
import { type Actor, ask } from './actor.ts';

interface Held {
  readonly token: number;
  /** Decided on and being told to the kernel, until it answers. */
  outcome: Command | null;
  asked: boolean;
}

/** How workers differ: some take long, some come and go, some hardly ever succeed. */
interface Temper {
  /** How likely it is that a task ends at a step. */
  readonly pace: number;
  /** How likely it is that the worker is gone for a while, and for how many steps at the most. */
  readonly absence: number;
  readonly longest: number;
  readonly outcomes: readonly ('complete' | 'fail' | 'release')[];
}

const USUAL: Temper = {
  ...{ pace: 0.4, absence: 0.04, longest: 20 },
  outcomes: ['complete', 'complete', 'complete', 'fail', 'release'],
};
const TEMPERS: readonly Temper[] = [
  USUAL,
  USUAL,
  { ...USUAL, pace: 0.05 },
  { ...USUAL, absence: 0.3, longest: 4 },
  { ...USUAL, outcomes: ['fail', 'fail', 'fail', 'complete'] },
];

/** What a worker was told about an outcome: `completed` ones must be so for ever. */
export class Worker implements Actor {
  /** Acknowledged completions: task id to result. */
  readonly completed = new Map<string, string>();
  /** Never misses a heartbeat, so it must never be given up for lost. */
  readonly steady: boolean;
  id: string | null = null;
  readonly #world: World;
  readonly #number: number;
  readonly #temper: Temper;
  readonly #held = new Map<string, Held>();
  readonly #past: { taskId: string; token: number }[] = [];
  #registering = false;
  #claiming = false;
  #silentSteps = 0;
  #healing = false;

  constructor(world: World, number: number, steady: boolean) {
    this.#world = world;
    this.#number = number;
    this.steady = steady;
    this.#temper = world.random.pick(TEMPERS);
  }

  act(): void {
    const { random } = this.#world;
    if (this.#silentSteps > 0) {
      this.#silentSteps--;
      return;
    }
    if (this.id === null) {
      void this.#register();
      return;
    }
    if (!this.steady && !this.#healing && random.chance(this.#temper.absence)) this.#misbehave();
    void this.#beat(this.id);
    if (!this.#claiming && (this.#healing || random.chance(0.6))) void this.#claim(this.id);
    for (const [taskId, held] of this.#held) this.#work(taskId, held);
    if (!this.#healing && this.#past.length > 0 && random.chance(0.1)) void this.#trySomethingStale();
  }

  disconnected(): void {
    this.#registering = false;
    this.#claiming = false;
    for (const held of this.#held.values()) held.asked = false;
  }

  heal(): void {
    this.#healing = true;
    this.#silentSteps = 0;
  }

  done(): boolean {
    return this.#held.size === 0;
  }

  /** Dies and forgets, or hangs for a while and then goes on as if nothing had happened. */
  #misbehave(): void {
    const { random } = this.#world;
    this.#silentSteps = random.between(1, this.#temper.longest);
    if (random.chance(0.5)) {
      for (const [taskId, { token }] of this.#held) this.#past.push({ taskId, token });
      this.#held.clear();
      if (random.chance(0.5)) this.id = null;
    }
  }

  async #register(): Promise<void> {
    if (this.#registering) return;
    this.#registering = true;
    const { random, clock } = this.#world;
    const id = random.id(clock.now().steady);
    const answer = await ask(this.#world, {
      kind: 'register',
      actor: 'anonymous',
      id,
      name: `worker-${this.#number}`,
      // The first one can do everything, so that nothing is left undone for want of somebody who could.
      capabilities:
        this.#number % 3 === 0 ? [{ name: 'a' }, { name: 'b' }] : [{ name: this.#number % 3 === 1 ? 'a' : 'b' }],
      attributes: {},
      maxConcurrentTasks: random.between(1, 4),
    });
    this.#registering = false;
    if (answer !== null) this.id = id;
  }

  async #beat(id: string): Promise<void> {
    try {
      // Says what it holds: whatever else it was given without ever hearing of it goes back.
      const tasks = this.#claiming ? undefined : [...this.#held.keys()];
      const answer = await this.#world.kernel.workers.heartbeat(id, tasks);
      if (answer instanceof Refusal && this.id === id) this.#forgotten(answer);
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) this.#world.complaints.push(String((error as Error).stack));
    }
  }

  #forgotten(answer: Refusal): void {
    // A rollback is under way.
    if (answer.code === 'storage_unavailable') return;
    if (answer.code !== 'worker_not_found') this.#world.complaints.push(`a heartbeat was refused: ${answer.detail}`);
    else if (this.steady) this.#world.complaints.push('a steady worker was removed');
    this.id = null;
    this.#held.clear();
  }

  async #claim(id: string): Promise<void> {
    const { random, kernel } = this.#world;
    this.#claiming = true;
    try {
      const answer = await kernel.workers.claim(
        id,
        random.between(1, 5),
        random.pick([0, 0, 3000]),
        new AbortController().signal,
      );
      if (!(answer instanceof Refusal)) this.#take(answer, id);
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) this.#world.complaints.push(String((error as Error).stack));
    }
    this.#claiming = false;
  }

  #take(assignments: readonly Assignment[], id: string): void {
    for (const { task, token } of assignments) {
      // It died while it waited: the answer reaches nobody.
      if (this.id === id && this.#silentSteps === 0) this.#held.set(task.id, { token, outcome: null, asked: false });
      else this.#past.push({ taskId: task.id, token });
    }
  }

  #work(taskId: string, held: Held): void {
    const { random } = this.#world;
    if (held.asked) return;
    held.outcome ??= this.#healing || random.chance(this.#temper.pace) ? this.#decideOn(taskId, held.token) : null;
    if (held.outcome) void this.#settle(taskId, held, held.outcome);
    else if (random.chance(0.2)) void this.#progress(taskId, held);
  }

  #decideOn(taskId: string, leaseToken: number): Command {
    const { random } = this.#world;
    const actor = 'anonymous';
    const kind = this.#healing ? 'complete' : random.pick(this.#temper.outcomes);
    if (kind === 'complete')
      return { kind, actor, taskId, leaseToken, result: JSON.stringify(`${this.id} ${leaseToken}`) };
    if (kind === 'release') return { kind, actor, taskId, leaseToken };
    return {
      kind,
      actor,
      taskId,
      leaseToken,
      error: 'no luck',
      errorTrace: null,
      retryable: random.chance(0.8),
      random: random.next(),
    };
  }

  async #settle(taskId: string, held: Held, outcome: Command): Promise<void> {
    held.asked = true;
    const answer = await ask(this.#world, outcome);
    held.asked = false;
    if (answer === null) return;
    if (this.#held.get(taskId) === held) this.#held.delete(taskId);
    this.#past.push({ taskId, token: held.token });
    if (!(answer instanceof Refusal) && outcome.kind === 'complete') this.completed.set(taskId, outcome.result);
  }

  async #progress(taskId: string, held: Held): Promise<void> {
    const { random } = this.#world;
    const answer = await ask(this.#world, {
      kind: 'progress',
      actor: 'anonymous',
      taskId,
      leaseToken: held.token,
      fraction: random.next(),
      message: null,
    });
    if (answer instanceof Refusal && this.#held.get(taskId) === held && !held.outcome) this.#held.delete(taskId);
  }

  /** Comes back with a token of long ago. Whatever the kernel answers, nothing may change by it. */
  async #trySomethingStale(): Promise<void> {
    const { random, store } = this.#world;
    const { taskId, token } = random.pick(this.#past);
    const current = this.#held.get(taskId);
    if (current?.token === token) return;
    const before = await store.task(taskId).catch(() => null);
    if (!before || (before.status === 'executing' && before.leaseToken === token)) return;
    const command: Fail = {
      kind: 'fail',
      actor: 'anonymous',
      taskId,
      leaseToken: token,
      error: 'stale',
      errorTrace: null,
      retryable: true,
      random: 0.5,
    };
    const answer = await ask(this.#world, command);
    if (answer === null) return;
    if (!(answer instanceof Refusal))
      this.#world.complaints.push(`invariant 5: a stale fail of ${taskId} was accepted`);
    else if (answer.code !== 'stale_lease') this.#world.complaints.push(`a stale fail was answered ${answer.code}`);
  }
}
