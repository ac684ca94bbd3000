import { Batcher } from '../body/batcher.ts';
import { Dispatcher } from '../body/dispatcher.ts';
import type { Happened } from '../body/happened.ts';
import type { Patience } from '../body/patience.ts';
import { contentHash } from '../core/chain.ts';
import type { Answer, Command, NewTask, Rules } from '../core/command.ts';
import { laneOf, requirementsKey } from '../core/lane.ts';
import type { Store } from '../core/store.ts';
import { type TaskInput, toSpec } from '../core/task.ts';
import { joinFreshStore, openFreshStore } from './fresh-store.ts';
import { RULES } from './rules.ts';
import { SimClock } from './sim-clock.ts';

/** The body without its shell: commands in, answers out; on a clock that stands still and a store in memory. */
export class Pipeline {
  readonly store: Store;
  readonly clock: SimClock;
  readonly dispatcher = new Dispatcher();
  readonly batcher: Batcher;
  /** What was committed, in order. */
  readonly happened: Happened[] = [];
  readonly storeFailures: unknown[] = [];

  static async open(rules: Partial<Rules> = {}, patience?: Patience): Promise<Pipeline> {
    return new Pipeline(await openFreshStore(), rules, patience);
  }

  /** The same colony, as another kernel serves it at the same time; null where there can be only one. */
  async beside(rules: Partial<Rules>): Promise<Pipeline | null> {
    const store = await joinFreshStore(this.store);
    return store && new Pipeline(store, rules, undefined, this.clock);
  }

  constructor(store: Store, rules: Partial<Rules> = {}, patience?: Patience, clock = new SimClock()) {
    this.store = store;
    this.clock = clock;
    this.batcher = new Batcher({
      store,
      clock: this.clock,
      rules: { ...RULES, ...rules },
      dispatcher: this.dispatcher,
      onCommitted: (happened) => this.happened.push(happened),
      onStoreFailure: (error) => this.storeFailures.push(error),
      // Whoever asked gets the error as well.
      onBug: () => undefined,
      ...(patience ? { patience } : {}),
    });
  }

  /** Hands in commands at the same moment: they are decided in one batch and committed together. */
  together(commands: readonly Command[]): Promise<Answer<Command>[]> {
    return Promise.all(commands.map((command) => this.batcher.execute(command)));
  }

  run<C extends Command>(command: C): Promise<Answer<C>> {
    return this.batcher.execute(command);
  }
}

/** A task to submit, as the API would prepare it. */
export function newTask(id: string, input: Partial<TaskInput>, now: number): NewTask {
  const spec = toSpec({ description: id, ...input }, 'anonymous', now);
  const json = JSON.stringify(spec);
  return {
    id,
    spec,
    json,
    contentHash: contentHash(json),
    lane: laneOf(requirementsKey(spec.requirements), input.group ?? null),
    path: '',
  };
}
