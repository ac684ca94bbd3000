import { randomUUID } from 'node:crypto';
import type { Answer, CancelPlan, Command, Rules } from '../core/command.ts';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import type { EventBus } from '../core/event-bus.ts';
import type { Store } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import type { TaskMaker } from '../core/task-maker.ts';
import { Aftermath } from './aftermath.ts';
import { Alarm } from './alarm.ts';
import { Batcher } from './batcher.ts';
import { Checkpoints } from './checkpoints.ts';
import { ROLLING } from './decide/rolling.ts';
import { Dispatcher } from './dispatcher.ts';
import { Elsewhere } from './elsewhere.ts';
import { EventRelay } from './event-relay.ts';
import { Exports } from './exports.ts';
import { fireAhead } from './firing.ts';
import { GuardianDesk } from './guardian-desk.ts';
import type { KernelObserver, KernelOptions } from './kernel-options.ts';
import type { MemoryDesk } from './memory-desk.ts';
import { MindDesk } from './mind-desk.ts';
import { PlanDesk } from './plan-desk.ts';
import { Presence } from './presence.ts';
import { Pulse } from './pulse.ts';
import { Recovery } from './recovery.ts';
import { Remembering } from './remembering.ts';
import { type Retried, type RetryMany, retryMany } from './retrying.ts';
import { withSoundNearness } from './sound-rules.ts';
import { Sweeper } from './sweeper.ts';
import { TaskWaiters } from './task-waiters.ts';
import { Turns } from './turns.ts';
import { WorkerDesk } from './worker-desk.ts';

/**
 * ColonyKernel, the body: takes commands, lets them be decided, makes them durable, and sees to it that what they
 * bring about reaches workers and watchers. It holds no state of the colony itself but who is connected and who was
 * heard of; everything else is the store's.
 */
export class Kernel {
  readonly store: Store;
  readonly relay: EventRelay;
  readonly bus: EventBus;
  readonly rules: Rules;
  readonly startedAt: number;
  readonly random: () => number;
  readonly maker: TaskMaker;
  readonly guardian: GuardianDesk;
  readonly memory: MemoryDesk;
  readonly mind: MindDesk;
  readonly checkpoints: Checkpoints;
  readonly exports: Exports;
  readonly workers: WorkerDesk;
  readonly plans: PlanDesk;

  readonly #observer: KernelObserver;
  readonly #version: string;
  readonly #dispatcher = new Dispatcher();
  readonly #presence: Presence;
  readonly #batcher: Batcher;
  readonly #pulse: Pulse;
  readonly #sweeper: Sweeper;
  readonly #taskWaiters: TaskWaiters;
  readonly #recovery: Recovery;
  readonly #remembering: Remembering;
  readonly #alarm: Alarm;
  #storeProblem: string | null = null;
  #stopping = false;

  /** Starts a kernel on an open store: running attempts are recovered, `kernel_started` is in the ledger. */
  static async open(options: KernelOptions): Promise<Kernel> {
    const kernel = new Kernel(options);
    await kernel.#recovery.start();
    await kernel.checkpoints.resume();
    await kernel.#announce('kernel_started');
    await kernel.guardian.refresh();
    kernel.#remembering.start();
    kernel.#pulse.start();
    kernel.#sweeper.start();
    return kernel;
  }

  private constructor(options: KernelOptions) {
    const { store, bus, clock, observer, random, embedder, learns = false } = options;
    this.#remembering = new Remembering({
      ...{ store, clock, embedder, learns, waiting: () => this.#dispatcher.waiting() },
      execute: (command) => this.execute(command),
      onFault: (error, about) => this.#failed(error, about),
    });
    this.memory = this.#remembering.desk;
    const rules = withSoundNearness(options.rules, observer, this.#remembering.nearness);
    this.store = store;
    this.bus = bus;
    this.rules = rules;
    this.random = random;
    this.plans = new PlanDesk(store, () => new Promise((resolve) => setImmediate(resolve)));
    this.maker = options.maker;
    this.guardian = new GuardianDesk(store, rules.guardian, new Turns(setImmediate));
    this.#observer = observer;
    this.#version = options.version;
    this.startedAt = clock.now().wall;
    this.#presence = new Presence(rules.leaseMs);
    this.#taskWaiters = new TaskWaiters(store, clock);
    this.relay = new EventRelay(
      () => store.ledger,
      bus,
      (error) => observer.fault(error, 'event stream'),
    );
    const parts = {
      ...{ store, clock, rules, dispatcher: this.#dispatcher, presence: this.#presence },
      ...{ relay: this.relay, taskWaiters: this.#taskWaiters, leaseMs: rules.leaseMs },
      isBroken: () => this.#storeProblem !== null,
      expect: (delayMs: number) => this.#sweeper.expect(delayMs),
      kick: () => this.#lookForWork(),
    };
    this.#alarm = new Alarm(clock, () => this.#lookForWork());
    const elsewhere = new Elsewhere({
      ...parts,
      onRollback: () => void this.#rolledBack().catch((error) => this.#failed(error, 'rollback')),
    });
    bus.subscribe({
      entries: (entries, fromHere) => {
        if (fromHere) return;
        if (entries.some(({ type }) => type === 'policy_updated')) void this.#refreshPolicy();
        this.#batcher.disturbed();
        elsewhere.follow(entries);
        this.#remembering.hear(entries);
      },
      ephemeral: () => undefined,
    });
    const aftermath = new Aftermath({
      ...parts,
      bus,
      giveBack: (assignments) =>
        void this.#recovery.giveBack(assignments).catch((error) => observer.fault(error, 'give back')),
      onHeldBack: (by) => observer.heldBack(by),
      onRemembered: (document) => this.#remembering.follow(document),
      onEnded: (before, task) => this.#remembering.ended(before, task),
      look: (delayMs) => this.#alarm.set(delayMs),
    });
    this.#batcher = new Batcher({
      ...parts,
      onCommitted: (happened) => {
        aftermath.follow(happened);
        observer.committed(happened);
      },
      onStoreFailure: (error, doubtful) => {
        this.#recovery.doubt(doubtful);
        this.#storeFailed(error);
      },
      onBug: (error, about) => observer.fault(error, about),
      ...(options.patienceMs > 0
        ? { patience: { ms: options.patienceMs, isAwaited: (taskId) => this.#taskWaiters.isAwaited(taskId) } }
        : {}),
    });
    this.#recovery = new Recovery({ ...parts, batcher: this.#batcher, isStopping: () => this.stopping });
    this.checkpoints = new Checkpoints({
      ...{ store, clock, batcher: this.#batcher, rules: options.checkpoints, newId: randomUUID },
      onRolledBack: () => this.#rolledBack(),
    });
    this.exports = new Exports({ store, clock, book: this.checkpoints.book });
    this.workers = new WorkerDesk({
      ...parts,
      bus,
      execute: (command) => this.execute(command),
      refusal: () => (this.stopping ? SHUTTING_DOWN : null),
      kick: () => this.#batcher.kick(),
      credited: () => {
        if (this.#isUsable) this.#batcher.credited();
      },
      giveBack: (assignments) => this.#recovery.giveBack(assignments),
    });
    this.mind = new MindDesk({
      ...{ store, clock, rules, guardian: this.guardian },
      prepare: (task) => this.#remembering.prepare(task),
      asHeard: (workers) => this.workers.asHeard(workers),
      waitedMs: (workerId) => this.#dispatcher.waitedMs(workerId, clock.now().steady),
    });
    this.#pulse = new Pulse({
      ...parts,
      fellows: store.fellows,
      present: () => this.#dispatcher.present(),
      onDue: () => this.#sweeper.expect(0),
      onLoss: async (lostUpTo) => {
        observer.storeLost(lostUpTo);
        await this.#recovery.resync(lostUpTo);
        this.#remembering.startAnew();
      },
      onRestart: () => this.#rolledBack(),
      onFault: (error) => this.#failed(error, 'beat'),
    });
    this.#sweeper = new Sweeper({
      ...parts,
      batcher: this.#batcher,
      pulse: this.#pulse,
      checkpoints: this.checkpoints,
      rules: options.retention,
      random,
      fire: (document) => fireAhead(document, this.maker, clock, this.guardian),
      look: (steady) => this.#remembering.look(steady),
      onRepaired: () => this.#storeRepaired(),
      onFault: (error) => this.#failed(error, 'sweep'),
    });
  }

  #announce(event: 'kernel_started' | 'kernel_stopped'): Promise<unknown> {
    return this.#batcher.execute({ kind: 'announce', actor: 'kernel', event, data: { version: this.#version } });
  }

  /**
   * Carries out a command; the answer comes when it is durable. A refusal is a value. Throws `StorageUnavailable`:
   * then it may or may not have happened, and nothing was acknowledged.
   */
  async execute<C extends Command>(command: C): Promise<Answer<C>> {
    if (this.#isUsable) {
      const ahead = this.guardian.lookAhead(command);
      if (ahead !== null) await ahead;
      const meant = this.#remembering.lookAhead(command);
      if (meant !== null) await meant;
    }
    if (this.stopping) return SHUTTING_DOWN;
    if (this.#storeProblem !== null) throw new StorageUnavailable(this.#storeProblem);
    if (command.kind === 'cancel_plan') return this.#callOff(command) as Promise<Answer<C>>;
    const answer = this.#batcher.execute(command);
    if (command.kind === 'set_policy') await answer.finally(() => this.guardian.refresh());
    return answer;
  }

  /** A large plan is called off in portions, between which others have their turn. */
  async #callOff(command: CancelPlan): Promise<Answer<CancelPlan>> {
    let answer = await this.#batcher.execute(command);
    while (!(answer instanceof Refusal) && answer.plan.ending !== undefined) {
      if (this.stopping) return SHUTTING_DOWN;
      answer = await this.#batcher.execute({ ...command, goesOn: 'asked' });
    }
    return answer;
  }

  async #rolledBack(): Promise<void> {
    await this.#recovery.catchUp();
    this.#remembering.startAnew();
  }

  /** Another kernel has set one: what its limits kept back may start now. */
  async #refreshPolicy(): Promise<void> {
    await this.guardian.refresh();
    this.#lookForWork();
  }

  #lookForWork(): void {
    if (this.#isUsable) this.#batcher.kick();
  }

  get #isUsable(): boolean {
    return !this.stopping && this.#storeProblem === null;
  }

  /** The task once it has ended, or as it is after `waitMs` or when `signal` aborts. Null: no such task. */
  waitForTask(taskId: string, waitMs: number, signal: AbortSignal): Promise<Task | null> {
    return this.#taskWaiters.wait(taskId, waitMs, signal);
  }

  /** Retries the newest ended tasks that can be: see `retryMany`. */
  retryMany(which: RetryMany, actor: string): Promise<Retried | Refusal> {
    return retryMany(which, {
      store: this.store,
      retry: (taskId) => this.execute({ kind: 'retry', actor, taskId }),
      isStop: (refusal) => refusal === SHUTTING_DOWN || refusal === ROLLING,
    });
  }

  /** Whether it can serve, and what is the matter if not. */
  health(): { healthy: boolean; checks: Record<string, string> } {
    const checks = {
      store: this.#storeProblem ?? this.#pulse.problem ?? 'ok',
      bus: this.bus.problem ?? 'ok',
      kernel: this.stopping ? 'stopping' : 'ok',
    };
    return { healthy: Object.values(checks).every((check) => check === 'ok'), checks };
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Commands waiting to be decided, or to be looked at by the guardian before. */
  backlog(): number {
    return this.#batcher.backlog + this.guardian.waiting;
  }

  /**
   * Takes nothing more, lets what is under way be answered, says so in the ledger, and closes the store. Whoever holds a
   * claim or waits for a task is expected to let go by itself.
   */
  async stop(): Promise<void> {
    if (this.stopping) return;
    this.#stopping = true;
    this.#alarm.stop();
    await this.#remembering.stop();
    await Promise.all([this.#sweeper.stop(), this.#pulse.stop()]);
    await this.#batcher.settled();
    if (this.#storeProblem === null) await this.#announce('kernel_stopped').catch(() => undefined);
    await this.#batcher.settled();
    await this.bus.delivered();
    this.relay.stop();
    await this.bus.close();
    await this.store.close();
  }

  #failed(error: unknown, about: string): void {
    if (error instanceof StorageUnavailable) this.#storeFailed(error);
    else this.#observer.fault(error, about);
  }

  #storeFailed(error: StorageUnavailable): void {
    if (this.#storeProblem === null) this.#observer.storeFailed(error);
    this.#storeProblem = error.message;
  }

  /** The store can be used again. What a failed commit may have done after all is looked up, and put right. */
  async #storeRepaired(): Promise<void> {
    await this.#recovery.catchUp();
    this.#storeProblem = null;
    this.#observer.storeRepaired();
    await this.#recovery.settleDoubts();
    this.#batcher.kick();
  }
}

const SHUTTING_DOWN = new Refusal('shutting_down', 'The kernel is shutting down; try again once it is back.', {
  retryAfterSeconds: 1,
});
