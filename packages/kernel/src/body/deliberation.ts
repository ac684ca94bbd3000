import type { Answer, Claim, Command } from '../core/command.ts';
import { Bug, Refusal, StorageUnavailable } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import { type Allocated, Allocation, type Looked } from './allocation.ts';
import { foresee } from './batch.ts';
import type { Change, PassedOver } from './change.ts';
import type { Decision } from './decide/decision.ts';
import { decide, needs } from './decide/index.ts';
import { needs as needsPolicy } from './decide/policy.ts';
import { mayGoOn, ROLLING } from './decide/rolling.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { WorkerLink } from './links.ts';
import type { Slice } from './slice.ts';

const MOST_TORN = 10;
const MOST_ROUNDS = 4;

/** A command that waits to be decided, and whoever waits for its answer. */
export interface Pending {
  readonly command: Command;
  readonly resolve: (answer: Answer<Command>) => void;
  readonly reject: (error: unknown) => void;
  tries: number;
  /** How often what it was decided on did not fit together. */
  torn: number;
}

/** A command of a batch, decided and not yet committed. */
export interface Decided {
  /** Whom to answer; or the link on whose behalf the dispatcher proposed a claim. */
  readonly for: Pending | WorkerLink;
  /** Null: what it was decided on does not fit together, because somebody wrote in between. It wants another try. */
  readonly answer: Answer<Command> | null;
  readonly change: Change | null;
}

/** What a batch has come to, and is not committed yet. */
export interface Deliberated {
  readonly decided: readonly Decided[];
  /** The colony's limit keeps a task from a worker that could run it. */
  readonly heldBack: boolean;
  /** Other bounds do. */
  readonly passedOver: readonly PassedOver[];
  /** On behalf of those who wait. */
  readonly looked: Looked;
}

export interface DeliberationOptions {
  readonly store: Store;
  readonly dispatcher: Dispatcher;
  /** Something does not fit together. */
  readonly onTorn: () => void;
  readonly onBug: (error: unknown, about: string) => void;
}

/** How the commands of one batch are decided: one after the other on one slice, each seeing what those before it changed. */
export class Deliberation {
  readonly #options: DeliberationOptions;
  /** How often in a row it could not be said who gets what. */
  #faults = 0;

  constructor(options: DeliberationOptions) {
    this.#options = options;
  }

  /** Decides all of a batch, and then who of those that wait gets what. Those that fail by a bug are told so. */
  async decide(slice: Slice, batch: readonly Pending[]): Promise<Deliberated> {
    const { dispatcher } = this.#options;
    dispatcher.begin(slice.now.steady);
    await this.#load(slice, batch);
    const decided: Decided[] = [];
    try {
      for (const pending of batch) {
        const one = await this.#decide(slice, pending.command, pending);
        if (one) decided.push(one);
      }
      const allocated = await this.#dispatch(slice, decided);
      const changes = decided.map(({ change }) => change);
      return {
        decided,
        heldBack: allocated.heldBack || changes.some((change) => change?.heldBack),
        passedOver: [allocated.passedOver, ...changes.map((change) => change?.passedOver)].filter((one) => one != null),
        looked: allocated.looked,
      };
    } catch (error) {
      for (const { for: asker, answer } of decided) {
        if (!('resolve' in asker)) dispatcher.settled(asker, answer as Answer<Claim> | null, false);
      }
      throw error;
    }
  }

  /** All commands together, as far as they can tell before the first is decided: each question may be a way to go. */
  async #load(slice: Slice, batch: readonly Pending[]): Promise<void> {
    const { store, dispatcher } = this.#options;
    if (!slice.isKept) {
      // What does not depend on the survey is asked for with it, and after it: nothing is older than its mark.
      foresee(
        slice,
        batch.filter(({ command }) => command.kind !== 'claim'),
      );
      // Where others may set a policy, whoever waits is given nothing before it is known.
      if (store.fellows && !dispatcher.waiting().next().done) needsPolicy(slice.wanted);
      const [survey] = await Promise.all([store.survey(), this.#fetch(slice)]);
      slice.survey(survey);
    }
    for (let round = 0; round < MOST_ROUNDS; round++) {
      foresee(slice, batch);
      if (slice.wanted.complete) break;
      await this.#fetch(slice);
    }
  }

  /** Gives what there is to those who wait. */
  async #dispatch(slice: Slice, decided: Decided[]): Promise<Allocated> {
    const { dispatcher } = this.#options;
    const allocated = await this.#allocate(slice);
    for (const { link, claim } of allocated.claims) {
      const one = await this.#decide(slice, claim, link).catch((error: unknown) => {
        dispatcher.lookAnew(allocated.looked);
        throw error;
      });
      if (!one) continue;
      decided.push(one);
      const { answer } = one as { answer: Answer<Claim> | null };
      dispatcher.served(slice, link, answer === null || answer instanceof Refusal ? [] : answer.assignments);
    }
    dispatcher.end(slice, allocated);
    return allocated;
  }

  async #allocate(slice: Slice): Promise<Allocated> {
    const { dispatcher } = this.#options;
    const allocation = new Allocation(slice, dispatcher);
    try {
      for (;;) {
        for (allocation.needs(); !slice.wanted.complete; allocation.needs()) await this.#fetch(slice);
        const allocated = allocation.decide();
        if (allocated) {
          this.#faults = 0;
          return allocated;
        }
        await this.#fetch(slice);
      }
    } catch (error) {
      const mayHelp = error instanceof StorageUnavailable || ++this.#faults <= MOST_TORN;
      if (mayHelp) dispatcher.lookAnew(allocation.looked);
      else dispatcher.lookLater();
      if (error instanceof StorageUnavailable) throw error;
      this.#options.onBug(error, 'allocation');
      return { claims: [], heldBack: false, passedOver: null, looked: { looking: [], lanes: [] } };
    }
  }

  /** Decides one command on what the ones before it left. Null: it failed by a bug, and its caller knows. */
  async #decide(slice: Slice, command: Command, asker: Decided['for']): Promise<Decided | null> {
    try {
      if (!mayGoOn(command, slice.saving)) return { for: asker, answer: ROLLING, change: null };
      for (needs(slice, command, slice.wanted); !slice.wanted.complete; needs(slice, command, slice.wanted)) {
        await this.#fetch(slice);
      }
      const decision: Decision<object> | Refusal = decide(slice, command);
      if (decision instanceof Refusal) return { for: asker, answer: decision, change: null };
      const { change, reply } = decision;
      const changes = change !== null && (change.puts.length > 0 || change.events.length > 0);
      if (changes) slice.absorb(change.puts);
      return { for: asker, answer: reply as Answer<Command>, change: changes ? change : null };
    } catch (error) {
      if (error instanceof StorageUnavailable) throw error;
      if (this.#mayBeTorn(error, asker)) return { for: asker, answer: null, change: null };
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
    const { store, onTorn } = this.#options;
    if (!store.fellows || !(error instanceof Bug)) return false;
    if ('resolve' in asker && ++asker.torn > MOST_TORN) return false;
    onTorn();
    return true;
  }

  async #fetch(slice: Slice): Promise<void> {
    if (slice.wanted.complete) return;
    const needs = slice.wanted.take();
    slice.add(await this.#options.store.load(needs), needs);
  }
}
