import type { Clock } from '../core/clock.ts';
import type { Document } from '../core/document.ts';
import { StorageUnavailable } from '../core/errors.ts';
import { memoryFrom } from '../core/memory.ts';
import type { FireSchedule } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { Batcher } from './batcher.ts';
import type { Checkpoints } from './checkpoints.ts';
import { IDEMPOTENCY_MS } from './decide/submit.ts';
import type { EventRelay } from './event-relay.ts';
import type { Presence } from './presence.ts';
import type { Pulse } from './pulse.ts';
import { Unroutable } from './unroutable.ts';

/** The sweeper never rests longer than this, so that a lost hint delays nothing by more. */
const LONGEST_REST_MS = 250;
const SHORTEST_REST_MS = 5;
const RETENTION_EVERY_MS = 1000;
/** While the store is broken, every so many sweeps it is tried: about once a second. */
const SWEEPS_TO_PROBE = 4;
const MOST_AT_ONCE = 500;
const MOST_PRUNED = 200;

export interface SweepRules {
  /** Null keeps for ever. */
  readonly taskRetentionMs: number | null;
  readonly ledgerRetentionMs: number | null;
  readonly workerRetentionMs: number;
}

export interface SweeperOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly batcher: Batcher;
  readonly presence: Presence;
  readonly pulse: Pulse;
  readonly checkpoints: Checkpoints;
  readonly relay: EventRelay;
  readonly rules: SweepRules;
  readonly random: () => number;
  /** What is to be done about a schedule that is due; null: nothing any more. */
  readonly fire: (document: Document) => Promise<FireSchedule | null>;
  /** Whether there are texts in memory of which nobody finds out what they mean. @param steady the time */
  readonly look: (steady: number) => Promise<void>;
  readonly isBroken: () => boolean;
  readonly onRepaired: () => Promise<void>;
  readonly onFault: (error: unknown) => void;
}

/**
 * Time's deputy: looks what has become due, and issues commands like anybody else. Lost workers, attempts over their
 * timeout, delayed and retrying tasks, retention; and, while the store is broken, the attempt to use it again.
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #unroutable: Unroutable;
  #cancelTimer: () => void = () => undefined;
  /** Steady time of the next sweep. */
  #nextAt = Number.POSITIVE_INFINITY;
  #sweeping: Promise<void> | null = null;
  #stopped = false;
  #retentionAt = 0;
  #workersAt = 0;
  #sweepsToProbe = 0;

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#unroutable = new Unroutable(options.store);
  }

  start(): void {
    this.#arm(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.#sweeping;
  }

  /** Something will be due in `delayMs`: sweep by then at the latest. */
  expect(delayMs: number): void {
    if (this.#stopped || this.#sweeping || this.#options.clock.now().steady + delayMs >= this.#nextAt) return;
    this.#arm(delayMs);
  }

  #arm(delayMs: number): void {
    if (this.#stopped) return;
    this.#cancelTimer();
    const delay = Math.max(SHORTEST_REST_MS, Math.min(LONGEST_REST_MS, Math.ceil(delayMs)));
    this.#nextAt = this.#options.clock.now().steady + delay;
    this.#cancelTimer = this.#options.clock.timer(delay, () => {
      this.#sweeping = this.#sweep().then((next) => {
        this.#sweeping = null;
        this.#arm(next);
      });
    });
  }

  /** Answers in how many milliseconds to come back. */
  async #sweep(): Promise<number> {
    const { store, relay, clock, pulse, isBroken, onFault } = this.#options;
    try {
      const now = clock.now();
      relay.check(now.steady);
      if (isBroken()) {
        await this.#repair();
        return LONGEST_REST_MS;
      }
      const silent = pulse.takeSilent();
      if (silent === null) return LONGEST_REST_MS;
      await this.#sweepWorkers(silent);
      const due = await store.due(clock.now(), MOST_AT_ONCE);
      await Promise.all([
        ...due.ready.map(({ id }) => this.#issue({ kind: 'promote', actor: 'kernel', taskId: id })),
        ...due.overdue.map(({ id, leaseToken }) =>
          this.#issue({ kind: 'end_attempt', actor: 'kernel', taskId: id, leaseToken, random: this.#options.random() }),
        ),
      ]);
      await Promise.all(due.documents.map((document) => this.#issueFor(document)));
      await this.#options.look(now.steady);
      await this.#sweepRetention(now.steady);
      await store.ledger.seal();
      return await this.#rest(due.ready.length + due.overdue.length + due.documents.length >= MOST_AT_ONCE);
    } catch (error) {
      onFault(error);
      return LONGEST_REST_MS;
    }
  }

  async #rest(isMore: boolean): Promise<number> {
    if (isMore) return 0;
    const { store, clock } = this.#options;
    const now = clock.now();
    const { nextReadyAt, nextDeadline } = await store.due(now, 0);
    return Math.min(
      nextReadyAt === null ? LONGEST_REST_MS : nextReadyAt - now.wall,
      nextDeadline === null ? LONGEST_REST_MS : nextDeadline - now.steady,
    );
  }

  async #issueFor(document: Document): Promise<void> {
    const { collection, id } = document;
    if (collection === 'vote') await this.#issue({ kind: 'expire_vote', actor: 'kernel', voteId: id });
    else if (collection === 'quarantine') await this.#issue({ kind: 'try_worker', actor: 'kernel', workerId: id });
    else if (collection === 'schedule') await this.#fire(document);
    else if (collection === 'memory') await this.#expire(document);
    else if (collection === 'releasing') await this.#issue({ kind: 'go_on_releasing', actor: 'kernel', taskId: id });
    else if (collection === 'plan')
      await this.#issue({ kind: 'cancel_plan', actor: 'kernel', planId: id, goesOn: 'due' });
  }

  async #fire(document: Document): Promise<void> {
    const command = await this.#options.fire(document).catch(this.#options.onFault);
    if (command) await this.#issue(command);
  }

  async #expire(document: Document): Promise<void> {
    const { scope, key, expiresAt } = memoryFrom(document);
    await this.#issue({ kind: 'expire_memory', actor: 'kernel', scope, key, expiresAt: expiresAt! });
  }

  async #sweepWorkers(silent: readonly string[]): Promise<void> {
    const { presence, clock, store, rules } = this.#options;
    const now = clock.now();
    await Promise.all(silent.map((workerId) => this.#issue({ kind: 'lose_worker', actor: 'kernel', workerId })));
    if (now.steady < this.#workersAt) return;
    const workers = await store.workers();
    // All of them are looked at: the more there are, the less often.
    this.#workersAt = now.steady + Math.max(RETENTION_EVERY_MS, workers.length);
    for (const worker of workers) {
      const silentMs = now.steady - (presence.lastSeen(worker.id)?.steady ?? now.steady);
      if (!worker.offline || worker.holds.length > 0 || silentMs < rules.workerRetentionMs) continue;
      await this.#issue({ kind: 'unregister', actor: 'kernel', workerId: worker.id, reason: 'retention' });
    }
    const marks = await this.#unroutable.look(workers, now);
    await Promise.all(marks.map((mark) => this.#issue(mark)));
  }

  async #sweepRetention(steady: number): Promise<void> {
    if (steady < this.#retentionAt) return;
    const { store, rules, clock, checkpoints } = this.#options;
    const { wall } = clock.now();
    this.#retentionAt = steady + RETENTION_EVERY_MS;
    const may = await checkpoints.tend(wall);
    if (may === null) return;
    const removed = await store.prune(
      {
        endedBefore: rules.taskRetentionMs === null ? null : wall - rules.taskRetentionMs,
        ledgerBefore: rules.ledgerRetentionMs === null ? null : wall - rules.ledgerRetentionMs,
        idempotencyBefore: wall - IDEMPOTENCY_MS,
      },
      MOST_PRUNED,
      may.saving,
    );
    if (removed >= MOST_PRUNED) this.#retentionAt = 0;
  }

  /** Counted in sweeps rather than in time, which may stand still as long as the store is away. */
  async #repair(): Promise<void> {
    if (this.#sweepsToProbe-- > 0) return;
    this.#sweepsToProbe = SWEEPS_TO_PROBE - 1;
    try {
      await this.#options.store.probe();
      await this.#options.onRepaired();
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error;
    }
  }

  /** What cannot be carried out now is due again at the next sweep. */
  async #issue(command: Parameters<Batcher['execute']>[0]): Promise<void> {
    try {
      await this.#options.batcher.execute(command);
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) this.#options.onFault(error);
    }
  }
}
