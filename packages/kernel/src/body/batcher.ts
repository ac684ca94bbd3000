import type { Clock } from '../core/clock.ts';
import type { Answer, Assignment, Claim, Command, Rules } from '../core/command.ts';
import { StorageUnavailable } from '../core/errors.ts';
import type { LedgerEntry } from '../core/event.ts';
import type { CommitLimits, Committed, Store } from '../core/store.ts';
import { fitting } from './batch.ts';
import type { Change } from './change.ts';
import { type Decided, type Deliberated, Deliberation, type Pending } from './deliberation.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Changed, Happened } from './happened.ts';
import type { WorkerLink } from './links.ts';
import type { Patience } from './patience.ts';
import type { Slice } from './slice.ts';
import { Slices } from './slices.ts';

const MOST_TRIES = 50;
/** So many share a commit well enough: no need to wait for more. */
const A_FEW = 8;

/** Commits one unit; null: another kernel was faster. */
export type CommitAlone = (unit: Changed, limits: CommitLimits) => Promise<readonly LedgerEntry[] | null>;

export interface BatcherOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly rules: Rules;
  readonly dispatcher: Dispatcher;
  /** Called after each commit, after the answers are given. Must not throw. */
  readonly onCommitted: (happened: Happened) => void;
  /**
   * Called when the store fails. Must not throw. Nobody was told of `doubtful`, but the commit that made these
   * assignments may have happened.
   */
  readonly onStoreFailure: (error: StorageUnavailable, doubtful: readonly Assignment[]) => void;
  /** Called when a command, or a whole batch, fails for any other reason: always a bug. */
  readonly onBug: (error: unknown, about: string) => void;
  /** Lets outcomes that nobody waits for wait themselves, for company; absent: nothing waits. */
  readonly patience?: Patience;
}

/**
 * Group commit: whatever is waiting at this moment is loaded together, decided one after the other on one slice, and
 * committed in one transaction with one synchronisation of the disk. Nobody is answered before that.
 *
 * A commit of one costs nearly as much as a commit of a few. So an outcome that frees what nobody waits for (no task
 * is queued or pending, nobody asks for this one) is patient: it leaves with the next commit, or after a moment, or
 * once there are a few of its kind.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #slices: Slices;
  readonly #deliberation: Deliberation;
  #waiting: Pending[] = [];
  /** Whether any of them is in a hurry. */
  #urgent = false;
  /** Somebody wants to be alone: no batch begins until it is done. */
  #held: Promise<void> | null = null;
  #quiet: (() => void)[] = [];
  /** A batch is being decided, or about to be. */
  #running = false;
  /** How many commands each of the commits under way holds. */
  readonly #underWay: number[] = [];
  /** The last commit succeeded: there is no harm in one just to see whether somebody can be served. */
  #mayServe = true;
  #cancelPause: (() => void) | null = null;
  /** Tasks that are queued or pending after the last batch. */
  #unstarted = Number.POSITIVE_INFINITY;
  #idle: (() => void)[] = [];

  constructor(options: BatcherOptions) {
    const { store, rules, dispatcher, onBug } = options;
    this.#options = options;
    this.#slices = new Slices(store, rules);
    this.#deliberation = new Deliberation({ store, dispatcher, onBug, onTorn: () => this.#slices.disturbed() });
  }

  get backlog(): number {
    return this.#waiting.length;
  }

  execute<C extends Command>(command: C): Promise<Answer<C>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, resolve: resolve as Pending['resolve'], reject, tries: 0, torn: 0 });
      if (this.#isPatient(command)) this.#pause();
      else this.kick();
    });
  }

  /** Sees to it that a batch runs soon, if only to look whether somebody waits for work. */
  kick(): void {
    this.#urgent = true;
    this.#start();
  }

  /** Other kernels have committed something: what is known here may not be so any more. */
  disturbed(): void {
    this.#slices.disturbed();
  }

  /** A worker can take more: worth a look at once if there is something to take. */
  credited(): void {
    if (this.#unstarted > 0 || !this.#options.patience) this.kick();
    else this.#pause();
  }

  #isPatient(command: Command): boolean {
    const { patience } = this.#options;
    if (!patience || this.#unstarted > 0 || this.#waiting.length >= A_FEW) return false;
    return (command.kind === 'complete' || command.kind === 'fail') && !patience.isAwaited(command.taskId);
  }

  /** A batch will run before long, unless one does anyway. */
  #pause(): void {
    if (this.#isBusy || this.#cancelPause) return;
    this.#cancelPause = this.#options.clock.timer(this.#options.patience!.ms, () => this.kick());
  }

  /**
   * Lets somebody commit by itself while no batch is being decided or committed, here. What it commits others learn of as
   * of any commit; null: another kernel was faster.
   */
  async alone<T>(act: (commit: CommitAlone) => Promise<T>): Promise<T> {
    while (this.#held) await this.#held;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    try {
      if (this.#isBusy) await new Promise<void>((quiet) => this.#quiet.push(quiet));
      return await act((unit, limits) => this.#commitAlone(unit, limits));
    } finally {
      this.#held = null;
      this.#slices.disturbed();
      resolve();
      if (this.#waiting.length > 0 || this.#urgent) this.kick();
    }
  }

  async #commitAlone(unit: Changed, limits: CommitLimits): Promise<readonly LedgerEntry[] | null> {
    const { store, clock, onCommitted } = this.#options;
    const now = clock.now();
    const before = performance.now();
    const { outcomes, entries } = await store.commit([unit], now.wall, limits).catch((error: unknown) => {
      if (error instanceof StorageUnavailable) this.#options.onStoreFailure(error, []);
      throw error;
    });
    if (outcomes[0] === 'conflict') return null;
    const commitMs = performance.now() - before;
    const nothing = { heldBack: false, passedOver: [], served: [], commands: 0, conflicts: 0 };
    onCommitted({ now, changes: [unit], ...nothing, entries, commitMs });
    return entries;
  }

  /** Resolves once nothing is waiting or under way. */
  async settled(): Promise<void> {
    if (this.#waiting.length > 0) this.kick();
    if (this.#isBusy) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  get #isBusy(): boolean {
    return this.#running || this.#underWay.length > 0;
  }

  async #run(): Promise<void> {
    const batch = this.#waiting.splice(0, fitting(this.#waiting));
    this.#urgent = this.#waiting.length > 0;
    const { clock } = this.#options;
    const slice = this.#slices.next(clock.now());
    try {
      const deliberated = await this.#deliberation.decide(slice, batch);
      const carriedOut = this.#carryOut(slice, deliberated, batch);
      if (!this.#slices.goesOn) await carriedOut;
    } catch (error) {
      this.#failed(slice, batch, error, []);
    }
    this.#running = false;
    this.#goOn();
  }

  /** Begins another batch if there is reason to. */
  #goOn(): void {
    const isAsked = this.#idle.length > 0 && this.#waiting.length > 0;
    if (this.#urgent || isAsked || (this.#mayServe && this.#options.dispatcher.hasFresh)) this.#start();
    if (this.#running) return;
    if (this.#held && this.#underWay.length === 0) for (const resolve of this.#quiet.splice(0)) resolve();
    if (this.#waiting.length > 0 && !this.#held) this.#pause();
    if (this.#underWay.length === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #start(): void {
    if (this.#running || this.#held || !this.#mayStart()) return;
    this.#running = true;
    this.#cancelPause?.();
    this.#cancelPause = null;
    setImmediate(() => void this.#run());
  }

  /**
   * A batch begins when the one before is committed; or before that, when it goes on with what that one knows, and is
   * about as large: two commits that share the time are no gain when they share the commands as well.
   */
  #mayStart(): boolean {
    const [before] = this.#underWay;
    if (before === undefined) return true;
    if (!this.#slices.goesOn || this.#underWay.length > 1) return false;
    return this.#waiting.length >= Math.max(A_FEW, before / 2);
  }

  /** Commits what was decided, and answers. Never fails itself. */
  async #carryOut(slice: Slice, deliberated: Deliberated, batch: readonly Pending[]): Promise<void> {
    const { decided } = deliberated;
    this.#underWay.push(batch.length);
    const doubtful = decided.flatMap(({ answer }) => (answer && 'assignments' in answer ? answer.assignments : []));
    try {
      await this.#commit(slice, deliberated, batch.length);
      this.#unstarted = slice.unstarted;
      this.#mayServe = true;
    } catch (error) {
      for (const one of decided) this.#unsettle(one);
      this.#options.dispatcher.lookAnew(deliberated.looked);
      this.#failed(slice, batch, error, doubtful);
    }
    this.#underWay.shift();
    this.#goOn();
  }

  #failed(slice: Slice, batch: readonly Pending[], error: unknown, doubtful: readonly Assignment[]): void {
    this.#mayServe = false;
    this.#slices.settled(slice, false);
    const all = [...batch];
    if (error instanceof StorageUnavailable) {
      this.#options.onStoreFailure(error, doubtful);
      // Those who wait would only meet the same, after as long a wait.
      all.push(...this.#waiting.splice(0));
      this.#urgent = false;
    } else this.#options.onBug(error, 'batch');
    for (const pending of all) pending.reject(error);
  }

  async #commit(slice: Slice, { decided, looked, ...held }: Deliberated, commands: number): Promise<void> {
    const { now } = slice;
    const changing = decided.filter((one) => one.change !== null);
    const units = changing.map((one) => one.change!);
    const before = performance.now();
    const { outcomes, entries, isCertain } = await this.#write(slice, units, decided.length);
    const commitMs = performance.now() - before;
    const lost = new Set(changing.filter((_, index) => outcomes[index] === 'conflict'));

    const served: { link: WorkerLink; answer: Answer<Claim> }[] = [];
    const again: Pending[] = [];
    for (const one of decided) {
      // What was refused may have been refused because of something that has not happened after all.
      const isOff = !isCertain || lost.has(one) || (lost.size > 0 && one.change === null);
      if (isOff || one.answer === null) this.#tryAgain(one, again);
      else {
        if ('resolve' in one.for) one.for.resolve(one.answer);
        else {
          const answer = one.answer as Answer<Claim>;
          this.#options.dispatcher.settled(one.for, answer, true);
          served.push({ link: one.for, answer });
        }
      }
    }
    // What others were given instead, or what was not there for them, they may be given now.
    const isTorn = decided.some(({ answer }) => answer === null);
    if (!isCertain || lost.size > 0 || isTorn) this.#options.dispatcher.lookAnew(looked);
    this.#waiting.unshift(...again);
    const changes = units.filter((_, index) => outcomes[index] === 'committed');
    this.#options.onCommitted({ now, changes, ...held, entries, served, commands, conflicts: lost.size, commitMs });
  }

  /** Whether it is certain that what was decided on was so, also where nothing came of it. */
  async #write(slice: Slice, units: readonly Change[], decided: number): Promise<Committed & { isCertain: boolean }> {
    const { store } = this.#options;
    const { isKept, now, epoch, saving } = slice;
    // Where there is nobody else, nobody else has committed.
    const isAlone = store.fellows === null;
    if (units.length === 0 && (isAlone || !isKept || decided === 0))
      return { outcomes: [], entries: [], isCertain: true };
    const caps = isAlone ? undefined : slice.headroom.caps();
    const limits = { room: this.#room(), caps, epoch, saving, basis: this.#slices.basis(slice, units.length > 0) };
    const committed = await store.commit(units, now.wall, limits);
    const undisturbed = isAlone || (committed.undisturbed ?? false);
    this.#slices.settled(slice, undisturbed);
    return { ...committed, isCertain: undisturbed || !isKept };
  }

  /** How many tasks may execute, where other kernels may be assigning some at this moment. */
  #room(): number | undefined {
    const { store, rules } = this.#options;
    return store.fellows && rules.maxConcurrentTasks > 0 ? rules.maxConcurrentTasks : undefined;
  }

  /** Another kernel was faster with one of the records: decide anew on what is there now. */
  #tryAgain(one: Decided, again: Pending[]): void {
    const asker = one.for;
    if (!('resolve' in asker)) this.#unsettle(one);
    else if (++asker.tries < MOST_TRIES) {
      again.push(asker);
      this.#urgent = true;
    } else asker.reject(new StorageUnavailable('the records are contended; try again'));
  }

  /** A claim that was proposed came to nothing. */
  #unsettle({ for: asker, answer }: Decided): void {
    if (!('resolve' in asker)) this.#options.dispatcher.settled(asker, answer as Answer<Claim> | null, false);
  }
}
