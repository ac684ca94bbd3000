import type { Clock, Now } from '../core/clock.ts';
import type { Answer, Assignment, Claim, Command, Rules } from '../core/command.ts';
import { Bug, Refusal, StorageUnavailable } from '../core/errors.ts';
import type { LedgerEntry } from '../core/event.ts';
import type { Store } from '../core/store.ts';
import { fitting, foresee, newlyUnstarted } from './batch.ts';
import type { Change } from './change.ts';
import type { Decision } from './decide/decision.ts';
import { decide, needs } from './decide/index.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { WorkerLink } from './links.ts';
import { Slice } from './slice.ts';

const MOST_TRIES = 50;
const MOST_TORN = 10;
const MOST_ROUNDS = 4;
/** So many share a commit well enough: no need to wait for more. */
const A_FEW = 8;

interface Pending {
  readonly command: Command;
  readonly resolve: (answer: Answer<Command>) => void;
  readonly reject: (error: unknown) => void;
  tries: number;
}

/** A command of a batch, decided and not yet committed. */
interface Decided {
  /** Whom to answer; or the link on whose behalf the dispatcher proposed a claim. */
  readonly for: Pending | WorkerLink;
  readonly answer: Answer<Command>;
  readonly change: Change | null;
  readonly heldBack: boolean;
}

/** What a committed batch amounts to, for those who follow the colony. */
export interface Happened {
  readonly now: Now;
  readonly changes: readonly Change[];
  /** The colony's limit kept a task from a worker. */
  readonly heldBack: boolean;
  readonly entries: readonly LedgerEntry[];
  /** Tasks given to waiting links. */
  readonly served: readonly { readonly link: WorkerLink; readonly answer: Answer<Claim> }[];
  readonly commands: number;
  /** How many units met a conflict: another kernel was faster. */
  readonly conflicts: number;
  /** How long the commit took, in milliseconds. */
  readonly commitMs: number;
}

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

export interface Patience {
  /** How long at the most. */
  readonly ms: number;
  /** Whether somebody wants to know how this task ends. */
  readonly isAwaited: (taskId: string) => boolean;
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
  #waiting: Pending[] = [];
  /** Whether any of them is in a hurry. */
  #urgent = false;
  #running = false;
  #cancelPause: (() => void) | null = null;
  /** Tasks that are queued or pending after the last batch. */
  #unstarted = Number.POSITIVE_INFINITY;
  /** What the commit under way assigns. */
  #doubtful: readonly Assignment[] = [];
  #idle: (() => void)[] = [];

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  get backlog(): number {
    return this.#waiting.length;
  }

  execute<C extends Command>(command: C): Promise<Answer<C>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, resolve: resolve as Pending['resolve'], reject, tries: 0 });
      if (this.#isPatient(command)) this.#pause();
      else this.kick();
    });
  }

  /** Sees to it that a batch runs soon, if only to look whether somebody waits for work. */
  kick(): void {
    this.#urgent = true;
    if (this.#running) return;
    this.#running = true;
    this.#cancelPause?.();
    this.#cancelPause = null;
    setImmediate(() => void this.#run());
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
    if (this.#running || this.#cancelPause) return;
    this.#cancelPause = this.#options.clock.timer(this.#options.patience!.ms, () => this.kick());
  }

  /** Resolves once nothing is waiting or under way. */
  async settled(): Promise<void> {
    if (this.#waiting.length > 0) this.kick();
    if (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #run(): Promise<void> {
    const batch = this.#waiting.splice(0, fitting(this.#waiting));
    this.#urgent = this.#waiting.length > 0;
    let mayServe = true;
    try {
      await this.#process(batch);
    } catch (error) {
      mayServe = false;
      if (error instanceof StorageUnavailable) this.#options.onStoreFailure(error, this.#doubtful);
      else this.#options.onBug(error, 'batch');
      for (const pending of batch) pending.reject(error);
    }
    const isAsked = this.#idle.length > 0 && this.#waiting.length > 0;
    if (this.#urgent || isAsked || (mayServe && this.#options.dispatcher.hasFresh)) {
      setImmediate(() => void this.#run());
      return;
    }
    this.#running = false;
    if (this.#waiting.length > 0) this.#pause();
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #process(batch: readonly Pending[]): Promise<void> {
    const { store, clock, rules } = this.#options;
    const now = clock.now();
    const slice = new Slice(now, rules);
    this.#options.dispatcher.begin();
    // What does not depend on the survey is asked for with it.
    foresee(
      slice,
      batch.filter(({ command }) => command.kind !== 'claim'),
    );
    const [survey] = await Promise.all([store.survey(), this.#fetch(slice)]);
    slice.survey(survey);
    // All commands together, as far as they can tell before the first is decided: each question may be a way to go.
    for (let round = 0; round < MOST_ROUNDS; round++) {
      foresee(slice, batch);
      if (slice.wanted.complete) break;
      await this.#fetch(slice);
    }

    const decided: Decided[] = [];
    for (const pending of batch) {
      const one = await this.#decide(slice, pending.command, pending);
      if (one) decided.push(one);
    }
    try {
      await this.#dispatch(slice, decided);
      await this.#commit(slice, decided, batch.length);
      this.#unstarted =
        survey.tasks.queued +
        survey.tasks.pending +
        newlyUnstarted(decided.flatMap(({ change }) => change?.puts ?? []));
    } catch (error) {
      for (const { for: asker } of decided) if (!('resolve' in asker)) this.#options.dispatcher.settled(asker, false);
      throw error;
    }
  }

  async #dispatch(slice: Slice, decided: Decided[]): Promise<void> {
    const { dispatcher } = this.#options;
    for (const { link, claim } of dispatcher.proposals(slice)) {
      const one = await this.#decide(slice, claim, link);
      if (!one) continue;
      decided.push(one);
      const { answer } = one as { answer: Answer<Claim> };
      dispatcher.served(slice, link, answer instanceof Refusal ? [] : answer.assignments);
    }
  }

  /** Decides one command on what the ones before it left. Null: it failed by a bug, and its caller knows. */
  async #decide(slice: Slice, command: Command, asker: Decided['for']): Promise<Decided | null> {
    try {
      for (needs(slice, command, slice.wanted); !slice.wanted.complete; needs(slice, command, slice.wanted)) {
        await this.#fetch(slice);
      }
      const decision: Decision<object> | Refusal = decide(slice, command);
      if (decision instanceof Refusal) return { for: asker, answer: decision, change: null, heldBack: false };
      const { change, reply } = decision;
      const changes = change !== null && (change.puts.length > 0 || change.events.length > 0);
      if (changes) slice.absorb(change.puts);
      return {
        for: asker,
        answer: reply as Answer<Command>,
        change: changes ? change : null,
        heldBack: change?.heldBack ?? false,
      };
    } catch (error) {
      if (error instanceof StorageUnavailable) throw error;
      if (this.#mayBeTorn(error, asker)) return null;
      this.#options.onBug(error, command.kind);
      if ('resolve' in asker) asker.reject(error);
      return null;
    }
  }

  /**
   * Where other kernels write, one may have done so between two reads: records that never were together fit badly. Then
   * the command is decided anew on what is there now.
   */
  #mayBeTorn(error: unknown, asker: Decided['for']): boolean {
    if (!this.#options.store.fellows || !(error instanceof Bug)) return false;
    if (!('resolve' in asker)) {
      this.#options.dispatcher.settled(asker, false);
      return true;
    }
    if (++asker.tries > MOST_TORN) return false;
    this.#waiting.push(asker);
    this.#urgent = true;
    return true;
  }

  async #fetch(slice: Slice): Promise<void> {
    if (slice.wanted.complete) return;
    const needs = slice.wanted.take();
    slice.add(await this.#options.store.load(needs), needs);
  }

  async #commit({ now, tokenFloor }: Slice, decided: readonly Decided[], commands: number): Promise<void> {
    const limits = { room: this.#room(), tokenFloor };
    const changing = decided.filter((one) => one.change !== null);
    const units = changing.map((one) => one.change!);
    this.#doubtful = decided.flatMap(({ answer }) => ('assignments' in answer ? answer.assignments : []));
    const before = performance.now();
    const { outcomes, entries } =
      units.length > 0 ? await this.#options.store.commit(units, now.wall, limits) : NOTHING;
    const commitMs = performance.now() - before;
    this.#doubtful = [];
    const lost = new Set(changing.filter((_, index) => outcomes[index] === 'conflict'));

    let heldBack = false;
    const served: { link: WorkerLink; answer: Answer<Claim> }[] = [];
    const again: Pending[] = [];
    for (const one of decided) {
      // What was refused may have been refused because of something that has not happened after all.
      if (lost.has(one) || (lost.size > 0 && one.change === null)) this.#tryAgain(one, again);
      else {
        heldBack ||= one.heldBack;
        if ('resolve' in one.for) one.for.resolve(one.answer);
        else {
          this.#options.dispatcher.settled(one.for, true);
          served.push({ link: one.for, answer: one.answer as Answer<Claim> });
        }
      }
    }
    this.#waiting.unshift(...again);
    const changes = units.filter((_, index) => outcomes[index] === 'committed');
    this.#options.onCommitted({ now, changes, heldBack, entries, served, commands, conflicts: lost.size, commitMs });
  }

  /** How many tasks may execute, where other kernels may be assigning some at this moment. */
  #room(): number | undefined {
    const { store, rules } = this.#options;
    return store.fellows && rules.maxConcurrentTasks > 0 ? rules.maxConcurrentTasks : undefined;
  }

  /** Another kernel was faster with one of the records: decide anew on what is there now. */
  #tryAgain({ for: asker }: Decided, again: Pending[]): void {
    if (!('resolve' in asker)) this.#options.dispatcher.settled(asker, false);
    else if (++asker.tries < MOST_TRIES) {
      again.push(asker);
      this.#urgent = true;
    } else asker.reject(new StorageUnavailable('the records are contended; try again'));
  }
}

const NOTHING = { outcomes: [] as const, entries: [] as const };
