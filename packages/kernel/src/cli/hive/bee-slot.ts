import { BeeProcess } from './bee-process.ts';
import type { BeeOrder, BeeReport } from './bee-protocol.ts';

export type BeeState = 'starting' | 'ready' | 'down' | 'stopped';

const RESTART_MS = 300;
/** A bee that cannot even start will not learn it by being asked again and again. */
const MAX_FALSE_STARTS = 5;

/**
 * A place in the hive, with one bee after the other in it:
 *
 *   starting ──► ready ──killed, or died──► down ──a moment later──► starting
 *       │          └─────── stop ───────► stopped
 *       └── five times in a row without becoming ready: the hive gives up
 */
export class BeeSlot {
  readonly order: BeeOrder;
  state: BeeState = 'starting';
  /** What it is working on, the oldest first. */
  current: string[] = [];
  /** The last one that it was done with. */
  last = '';
  done = 0;
  kills = 0;
  crashes = 0;
  /** How long a lease lives; 0 until the first one. */
  leaseMs = 0;
  lastTrouble: string | undefined;
  /** Workers that were registered and never said goodbye. */
  readonly abandoned: string[] = [];
  readonly #giveUp: (reason: Error) => void;
  #process: BeeProcess | undefined;
  #workerId: string | undefined;
  #falseStarts = 0;
  /** Deaths that were kills of ours. */
  #deaths = 0;
  #stopping = false;
  #restart: NodeJS.Timeout | undefined;
  #onStarted = new Set<() => void>();
  #onReady: (() => void)[] = [];

  constructor(order: BeeOrder, giveUp: (reason: Error) => void) {
    this.order = order;
    this.#giveUp = giveUp;
  }

  start(): void {
    this.state = 'starting';
    this.#process = new BeeProcess(this.order, {
      report: (report) => this.#hear(report),
      gone: (lastWords) => this.#gone(lastWords),
    });
  }

  ready(): Promise<void> {
    return this.state === 'ready' ? Promise.resolve() : new Promise((resolve) => this.#onReady.push(resolve));
  }

  /** Kills it as soon as it begins with a file, or after `patienceMs` if it has nothing to do. Resolves when done. */
  async killAtWork(patienceMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.state !== 'ready') return false;
    await new Promise<void>((resolve) => {
      const now = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', now);
        this.#onStarted.delete(now);
        resolve();
      };
      const timer = setTimeout(now, patienceMs);
      signal.addEventListener('abort', now, { once: true });
      this.#onStarted.add(now);
    });
    if (signal.aborted || this.state !== 'ready') return false;
    this.kills++;
    this.#process?.kill();
    return true;
  }

  /** Lets it finish what it holds, but not for longer than `patienceMs`. */
  async stop(patienceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    if (!this.#process) return;
    const late = setTimeout(() => this.#process?.kill(), patienceMs);
    this.#process.stop();
    await this.#process.gone;
    clearTimeout(late);
  }

  /** For the end of the hive's own process: nothing can be waited for any more. */
  destroy(): void {
    this.#stopping = true;
    this.#process?.kill();
  }

  #hear(report: BeeReport): void {
    switch (report.type) {
      case 'ready':
        this.state = 'ready';
        this.#workerId = report.workerId;
        this.#falseStarts = 0;
        for (const resolve of this.#onReady.splice(0)) resolve();
        break;
      case 'started':
        this.current.push(report.path);
        if (report.leaseMs > 0) this.leaseMs = report.leaseMs;
        for (const now of [...this.#onStarted]) now();
        break;
      case 'ended':
        this.current.splice(this.current.indexOf(report.path), 1);
        if (report.done) this.done++;
        this.last = report.path;
        break;
      case 'trouble':
        this.lastTrouble = report.message;
    }
  }

  #gone(lastWords: string): void {
    const wasReady = this.state === 'ready';
    this.#process = undefined;
    this.current = [];
    if (this.#stopping) {
      this.state = 'stopped';
      return;
    }
    this.state = 'down';
    if (lastWords !== '') this.lastTrouble = lastWords;
    if (this.#workerId !== undefined) this.abandoned.push(this.#workerId);
    this.#workerId = undefined;
    if (wasReady && this.kills > this.#deaths) this.#deaths++;
    else this.crashes++;
    if (!wasReady && ++this.#falseStarts >= MAX_FALSE_STARTS) {
      this.#giveUp(new Error(`${this.order.name} does not start: ${lastWords || 'it ends without a word'}`));
      return;
    }
    this.#restart = setTimeout(() => this.start(), RESTART_MS);
  }
}
