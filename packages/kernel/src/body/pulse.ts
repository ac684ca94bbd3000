import type { Clock } from '../core/clock.ts';
import type { Fellows } from '../core/fellows.ts';
import type { EventRelay } from './event-relay.ts';
import type { Presence } from './presence.ts';

const BEAT_EVERY_MS = 250;
const SHORTEST_REST_MS = 5;
/** A store that has not answered a beat for this long may be gone. */
const LONGEST_BEAT_MS = 500;

export interface PulseOptions {
  /** Null where no other kernel can be. */
  readonly fellows: Fellows | null;
  readonly clock: Clock;
  readonly presence: Presence;
  readonly relay: EventRelay;
  /** How long a worker may be silent. */
  readonly leaseMs: number;
  /** Workers that are surely there at the moment, which is a sign of life. */
  readonly present: () => Iterable<string>;
  readonly isBroken: () => boolean;
  /** There is something to sweep. */
  readonly onDue: () => void;
  /** What was acknowledged up to this entry is gone, at least in part. */
  readonly onLoss: (lostUpTo: number) => Promise<void>;
  /** The store is another one, or has started anew: it may not hold what this kernel believes. */
  readonly onRestart: () => Promise<void>;
  readonly onFault: (error: unknown) => void;
}

/**
 * The beat of one kernel among its fellows: says whom it heard of, and learns who was silent, whether it is the steward,
 * and whether something was lost. It has a timer of its own, so the office and the leases of workers do not depend on how
 * long a sweep takes. Without fellows it only knows who is silent.
 */
export class Pulse {
  readonly #options: PulseOptions;
  #cancelTimer: () => void = () => undefined;
  #beating: Promise<void> | null = null;
  #isLate = false;
  /** Whom the last beat found silent, until somebody sees to them; null: another kernel is the steward. */
  #silent: readonly string[] | null = null;
  /** The ledger's end at the last beat: what the bus has not brought by the next one got lost. */
  #lastAtBeat = 0;
  /** What is yet to be put right: entries up to this one are lost; and the store is not the one it was. */
  #lostUpTo = 0;
  #restarted = false;
  #mending: Promise<void> | null = null;
  #stopped = false;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.fellows) this.#arm(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.#beating;
    await this.#mending;
    await this.#options.fellows?.leave().catch(() => undefined);
  }

  /** Why the store may be gone, before that is certain; null: it answers. */
  get problem(): string | null {
    return this.#isLate ? 'the store has not answered for a while' : null;
  }

  /** The workers that were silent for a whole lease, each time they are found; null when sweeping is another's office. */
  takeSilent(): readonly string[] | null {
    const { fellows, clock, presence } = this.#options;
    if (!fellows) {
      this.#touchPresent();
      return presence.silent(clock.now());
    }
    const silent = this.#silent;
    if (silent !== null) this.#silent = [];
    return silent?.filter((id) => !presence.isNews(id)) ?? null;
  }

  #touchPresent(): void {
    const { clock, present, presence } = this.#options;
    const now = clock.now();
    for (const id of present()) presence.touch(id, now);
  }

  #arm(delayMs: number): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    this.#cancelTimer = clock.timer(Math.max(SHORTEST_REST_MS, delayMs), () => {
      const begunAt = clock.now().steady;
      const cancelWatch = this.#watch();
      this.#beating = this.#beat().then(() => {
        this.#beating = null;
        this.#isLate = false;
        cancelWatch();
        this.#arm(BEAT_EVERY_MS - (clock.now().steady - begunAt));
      });
    });
  }

  /** Looks whether a beat takes long. An answer that has arrived while this very process was held up counts as in time. */
  #watch(): () => void {
    const { clock } = this.#options;
    let cancel = clock.timer(LONGEST_BEAT_MS, () => {
      cancel = clock.timer(SHORTEST_REST_MS, () => {
        this.#isLate = true;
      });
    });
    return () => cancel();
  }

  async #beat(): Promise<void> {
    const { fellows, presence, relay, leaseMs, isBroken, onDue, onFault } = this.#options;
    const wasSteward = this.#silent !== null;
    if (isBroken()) {
      this.#silent = null;
      return;
    }
    this.#touchPresent();
    const heard = presence.takeHeard();
    const head = relay.head;
    try {
      // What was heard since the last beat is known to others at this one only.
      const beat = await fellows!.beat(heard, leaseMs + BEAT_EVERY_MS);
      this.#silent = beat.isSteward ? beat.silent : null;
      if (beat.isSteward && (!wasSteward || beat.silent.length > 0)) onDue();
      this.#restarted ||= beat.restarted;
      this.#lostUpTo = Math.max(this.#lostUpTo, beat.lostUpTo ?? 0);
      // What was seen here and is gone is lost, whoever it was acknowledged to.
      if (beat.last < head && !this.#mending) this.#lostUpTo = Math.max(this.#lostUpTo, head);
      if (this.#lostUpTo > 0 || this.#restarted) {
        this.#mending ??= this.#mend().finally(() => {
          this.#mending = null;
        });
      } else if (this.#lastAtBeat > relay.head) await relay.catchUp();
      this.#lastAtBeat = beat.last;
    } catch (error) {
      presence.notTold(heard);
      this.#silent = null;
      onFault(error);
    }
  }

  /** Beats go on meanwhile. What does not succeed is tried again. */
  async #mend(): Promise<void> {
    const lostUpTo = this.#lostUpTo;
    this.#lostUpTo = 0;
    this.#restarted = false;
    try {
      if (lostUpTo > 0) await this.#options.onLoss(lostUpTo);
      else await this.#options.onRestart();
    } catch (error) {
      this.#lostUpTo = Math.max(this.#lostUpTo, lostUpTo);
      this.#restarted = true;
      this.#options.onFault(error);
    }
  }
}
