import { expect, onTestFinished } from 'vitest';
import { Kernel } from '../body/kernel.ts';
import { InMemoryBus } from '../bus/in-memory.ts';
import type { Rules } from '../core/command.ts';
import type { LedgerEntry } from '../core/event.ts';
import type { BusListener } from '../core/event-bus.ts';
import type { Store } from '../core/store.ts';
import { TaskMaker } from '../core/task-maker.ts';
import { NgramEmbedder } from '../memory/embedders/ngram-embedder.ts';
import { openFreshStore } from './fresh-store.ts';
import { Hive } from './hive.ts';
import { Pipeline } from './pipeline.ts';
import { RULES } from './rules.ts';
import { atRest, SimClock } from './sim-clock.ts';

/** A bus on which a test speaks for the other kernels. */
class OverheardBus extends InMemoryBus {
  readonly #listeners = new Set<BusListener>();

  /** What another kernel has committed. */
  hear(entries: readonly LedgerEntry[]): void {
    for (const listener of this.#listeners) listener.entries(entries, false);
  }

  override subscribe(listener: BusListener): () => void {
    const leave = super.subscribe(listener);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      leave();
    };
  }
}

/** Knows what a store was asked and has not answered yet. */
class Watched {
  readonly store: Store;
  #asked = 0;
  #open = 0;

  constructor(real: Store) {
    this.store = new Proxy(real, {
      get: (_, name) => {
        const value: unknown = Reflect.get(real, name, real);
        return typeof value === 'function' ? (...args: unknown[]) => this.#note(value.apply(real, args)) : value;
      },
    });
  }

  #note(answer: unknown): unknown {
    if (!(answer instanceof Promise)) return answer;
    this.#asked++;
    this.#open++;
    return answer.finally(() => this.#open--);
  }

  /** Resolves once nothing is under way, and nothing follows from what was. */
  async rest(): Promise<void> {
    for (let before = -1; this.#open > 0 || before !== this.#asked; ) {
      before = this.#asked;
      await atRest();
    }
  }
}

export interface LoneKernel {
  readonly kernel: Kernel;
  /** On it time stands still, and nothing is swept, until it is told to go on. */
  readonly clock: SimClock;
  readonly store: Store;
  /** Resolves once the kernel has done all that it was led to do. */
  rest(): Promise<void>;
  /** Another kernel on the same store. What it commits nobody hears of until it is said. */
  readonly elsewhere: Hive;
  /** Says what was committed elsewhere and not said yet. */
  tell(): void;
  /** What it says should never happen; a test that expects some takes it out. */
  readonly faults: unknown[];
  /** Has a worker wait for a task; answers the ids of what it was given so far. */
  wait(workerId: string): readonly string[];
}

/**
 * A kernel without a face, on a store of its own, that must meet no bug.
 * @param between what stands between it and its store
 * @param learns whether what workers do well becomes experience
 */
export async function loneKernel(
  between: (store: Store) => Store = (store) => store,
  rules: Partial<Rules> = {},
  learns = false,
): Promise<LoneKernel> {
  const [store, bus, clock] = [await openFreshStore(), new OverheardBus(), new SimClock()];
  const watched = new Watched(between(store));
  const faults: unknown[] = [];
  let made = 0;
  const kernel = await Kernel.open({
    embedder: new NgramEmbedder(),
    learns,
    ...{
      store: watched.store,
      bus,
      clock,
      rules: { ...RULES, ...rules },
      version: 'test',
      random: () => 0.5,
      patienceMs: 0,
    },
    maker: new TaskMaker(() => `made-${++made}`, 3600),
    retention: { taskRetentionMs: null, ledgerRetentionMs: null, workerRetentionMs: 1e12 },
    checkpoints: { keep: 20, everyMs: null },
    observer: {
      committed: () => undefined,
      heldBack: () => undefined,
      storeFailed: () => undefined,
      storeRepaired: () => undefined,
      storeLost: () => undefined,
      fault: (error) => faults.push(error),
    },
  });
  onTestFinished(async () => {
    await kernel.stop();
    expect(faults).toEqual([]);
  });
  const elsewhere = new Hive(new Pipeline(store));
  return {
    ...{ kernel, clock, store, elsewhere, faults },
    rest: () => watched.rest(),
    tell() {
      bus.hear(elsewhere.pipeline.happened.splice(0).flatMap(({ entries }) => entries));
    },
    wait(workerId) {
      const given: string[] = [];
      const signal = new AbortController();
      onTestFinished(() => signal.abort());
      const claimed = kernel.workers.claim(workerId, 1, 60_000, signal.signal) as Promise<
        readonly { task: { id: string } }[]
      >;
      void claimed.then((assignments) => given.push(...assignments.map(({ task }) => task.id)));
      return given;
    },
  };
}
