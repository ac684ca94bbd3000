import type { Assignment, Command, Fail } from '../core/command.ts';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { toSpec, type TaskInput } from '../core/task.ts';
import type { Consumer, Subscription, WireEvent } from '../body/event-relay.ts';
import type { World } from './simulation.ts';

/** Somebody who uses the kernel. All of them act at every step, and never wait for an answer. */
export interface Actor {
  act(): void;
  /** The kernel was killed: connections are gone, answers under way will never come. */
  disconnected(): void;
  /** From now on it makes no more mistakes, and starts nothing new. */
  heal(): void;
  done(): boolean;
}

/** A submission, repeated under its key until it is acknowledged. */
interface Submission {
  readonly key: string;
  readonly input: TaskInput;
  taskId: string | null;
  asked: boolean;
}

const LANES: readonly JsonObject[] = [{}, { capability: 'a' }, { capability: 'b' }, { cpu: 'medium' }];

export class Submitter implements Actor {
  readonly submissions: Submission[] = [];
  readonly #world: World;
  readonly #name: string;
  #healing = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
  }

  act(): void {
    const { random } = this.#world;
    if (!this.#healing && random.chance(0.7)) this.#begin();
    for (const submission of this.submissions) {
      // Now and then an acknowledged one is sent again: a client that lost the answer cannot know.
      if (!submission.asked && (submission.taskId === null || random.chance(0.02))) void this.#send(submission);
    }
    const id = this.#anyTask();
    if (this.#healing || id === null) return;
    if (random.chance(0.1)) void this.#ask({ kind: 'cancel', actor: this.#name, taskId: id, cascade: random.chance(0.5) });
    if (random.chance(0.1)) void this.#ask({ kind: 'retry', actor: this.#name, taskId: id });
  }

  disconnected(): void {
    for (const submission of this.submissions) submission.asked = false;
  }

  heal(): void {
    this.#healing = true;
  }

  done(): boolean {
    return this.submissions.every((submission) => submission.taskId !== null);
  }

  #begin(): void {
    const { random, clock } = this.#world;
    const input: TaskInput = {
      description: `task ${this.submissions.length} of ${this.#name}`,
      priority: random.between(0, 3),
      requirements: random.pick(LANES),
      max_retries: random.between(0, 2),
      timeout_seconds: random.between(1, 30),
      retry_backoff: { delay_seconds: random.between(0, 3), jitter: random.chance(0.5) },
    };
    if (random.chance(0.2)) input.delay_seconds = random.between(0, 5);
    const ids = this.submissions.flatMap(({ taskId }) => taskId ?? []);
    if (ids.length > 0 && random.chance(0.3)) input.depends_on = [random.pick(ids), random.pick(ids)];
    if (ids.length > 0 && random.chance(0.2)) input.parent_id = random.pick(ids);
    this.submissions.push({ key: random.id(clock.now().steady), input, taskId: null, asked: false });
  }

  async #send(submission: Submission): Promise<void> {
    const { random, clock } = this.#world;
    submission.asked = true;
    const spec = toSpec(submission.input, this.#name, clock.now().wall);
    const json = JSON.stringify(spec);
    const answer = await this.#ask({
      kind: 'submit',
      actor: this.#name,
      idempotency: { key: submission.key, bodyHash: JSON.stringify(submission.input) },
      tasks: [
        {
          id: random.id(clock.now().steady),
          spec,
          json,
          contentHash: 'not looked at',
          lane: JSON.stringify(spec.requirements),
          path: '',
        },
      ],
    });
    submission.asked = false;
    if (answer === null) return;
    if (answer instanceof Refusal) {
      const tooDeep = answer.code === 'validation_failed';
      if (tooDeep) submission.taskId ??= '';
      else this.#world.complaints.push(`a submission was refused: ${answer.code} ${answer.detail}`);
      if (tooDeep) this.submissions.splice(this.submissions.indexOf(submission), 1);
      return;
    }
    const id = (answer as { tasks: { id: string }[] }).tasks[0]!.id;
    if (submission.taskId !== null && submission.taskId !== id) {
      this.#world.complaints.push(`invariant 2: key ${submission.key} gave task ${submission.taskId} and then ${id}`);
    }
    submission.taskId = id;
  }

  #ask(command: Command): Promise<unknown> {
    return ask(this.#world, command);
  }

  #anyTask(): string | null {
    const ids = this.submissions.flatMap(({ taskId }) => taskId ?? []);
    return ids.length > 0 ? this.#world.random.pick(ids) : null;
  }
}

/** Null: the kernel could not say. */
async function ask(world: World, command: Command): Promise<unknown> {
  try {
    return await world.kernel.execute(command);
  } catch (error) {
    if (!(error instanceof StorageUnavailable)) world.complaints.push(String((error as Error).stack));
    return null;
  }
}

interface Held {
  readonly token: number;
  /** Decided on and being told to the kernel, until it answers. */
  outcome: Command | null;
  asked: boolean;
}

/** What a worker was told about an outcome: `completed` ones must be so for ever. */
export class Worker implements Actor {
  /** Acknowledged completions: task id to result. */
  readonly completed = new Map<string, string>();
  /** Never misses a heartbeat, so it must never be given up for lost. */
  readonly steady: boolean;
  id: string | null = null;
  readonly #world: World;
  readonly #number: number;
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
    if (!this.steady && !this.#healing && random.chance(0.04)) this.#misbehave();
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
    this.#silentSteps = random.between(1, 20);
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
      capabilities: this.#number % 3 === 0 ? [{ name: 'a' }, { name: 'b' }] : [{ name: this.#number % 3 === 1 ? 'a' : 'b' }],
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
      const answer = await this.#world.kernel.heartbeat(id, tasks);
      if (answer instanceof Refusal && this.id === id) this.#forgotten(answer);
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) this.#world.complaints.push(String((error as Error).stack));
    }
  }

  #forgotten(answer: Refusal): void {
    if (answer.code !== 'worker_not_found') this.#world.complaints.push(`a heartbeat was refused: ${answer.detail}`);
    else if (this.steady) this.#world.complaints.push('a steady worker was removed');
    this.id = null;
    this.#held.clear();
  }

  async #claim(id: string): Promise<void> {
    const { random, kernel } = this.#world;
    this.#claiming = true;
    try {
      const answer = await kernel.claim(id, random.between(1, 5), random.pick([0, 0, 3000]), new AbortController().signal);
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
    held.outcome ??= this.#healing || random.chance(0.4) ? this.#decideOn(taskId, held.token) : null;
    if (held.outcome) void this.#settle(taskId, held, held.outcome);
    else if (random.chance(0.2)) void this.#progress(taskId, held);
  }

  #decideOn(taskId: string, leaseToken: number): Command {
    const { random } = this.#world;
    const actor = 'anonymous';
    const kind = this.#healing ? 'complete' : random.pick(['complete', 'complete', 'complete', 'fail', 'release'] as const);
    if (kind === 'complete') return { kind, actor, taskId, leaseToken, result: JSON.stringify(`${this.id} ${leaseToken}`) };
    if (kind === 'release') return { kind, actor, taskId, leaseToken };
    return { kind, actor, taskId, leaseToken, error: 'no luck', errorTrace: null, retryable: random.chance(0.8), random: random.next() };
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
    if (!(answer instanceof Refusal)) this.#world.complaints.push(`invariant 5: a stale fail of ${taskId} was accepted`);
    else if (answer.code !== 'stale_lease') this.#world.complaints.push(`a stale fail was answered ${answer.code}`);
  }
}

/** Follows the stream, loses its connection, is slow, and comes back with the last position it saw. */
export class Watcher implements Actor {
  readonly seen: number[] = [];
  readonly #world: World;
  #subscription: Subscription | null = null;
  #backlog = 0;
  #healing = false;

  constructor(world: World) {
    this.#world = world;
  }

  act(): void {
    const { random } = this.#world;
    if (!this.#subscription) this.#connect();
    else if (!this.#healing && random.chance(0.1)) {
      this.#subscription.close();
      this.#subscription = null;
    } else {
      this.#backlog = !this.#healing && random.chance(0.2) ? 1_000_000 : 0;
      if (this.#backlog === 0) this.#subscription.drained();
    }
  }

  disconnected(): void {
    this.#subscription = null;
  }

  heal(): void {
    this.#healing = true;
  }

  done(): boolean {
    return this.seen.at(-1) === this.#world.kernel.store.ledger.head().id;
  }

  #connect(): void {
    let mine: Subscription | null = null;
    const consumer: Consumer = {
      send: (events) => this.#receive(events),
      backlog: () => this.#backlog,
      end: () => {
        if (this.#subscription === mine) this.#subscription = null;
      },
    };
    this.#backlog = 0;
    const answer = this.#world.kernel.relay.subscribe({ since: this.seen.at(-1) ?? 0, types: null, taskId: null }, consumer);
    if (answer instanceof Refusal) this.#world.complaints.push(`invariant 12: ${answer.detail}`);
    else this.#subscription = mine = answer;
  }

  #receive(events: readonly WireEvent[]): void {
    for (const { id } of events) if (id !== null) this.seen.push(id);
  }
}
