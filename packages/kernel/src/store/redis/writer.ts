import type { Clock } from '../../core/clock.ts';
import type { LedgerEntry } from '../../core/event.ts';
import type { Saving } from '../../core/saved.ts';
import { type Basis, type Cap, type CommitLimits, type Committed, REMOVED, type Unit } from '../../core/store.ts';
import type { RedisConnection, Reply } from '../../redis/connection.ts';
import { rowsOf, type Unnumbered, unnumbered } from '../../redis/ledger-rows.ts';
import { KnownSaved } from '../saved.ts';
import { Conflict, idOf, judge, type Left, type Merged, merge, NO_LIMIT } from '../units.ts';
import { type CommitPlan, historyAfter, planOf, scriptArguments } from './commit-plan.ts';
import { COMMIT } from './commit-script.ts';
import type { EpochWatch } from './epoch.ts';
import type { Keys } from './keys.ts';
import type { RedisLedger } from './ledger.ts';
import { rememberHistory } from './records.ts';
import type { Transactions } from './transaction.ts';

/** How often a commit is taken apart anew because others were faster. After that all of it conflicts. */
const MOST_TRIES = 5;

/** A commit before it is carried out. */
interface Draft {
  readonly events: readonly Unnumbered[];
  readonly plan: CommitPlan;
}

type ExclusiveLimits = CommitLimits & { readonly basis: Basis };

export interface WriterOptions {
  readonly redis: RedisConnection;
  readonly transactions: Transactions;
  readonly keys: Keys;
  /** Tells the operations of one writer from those of others. */
  readonly kernel: string;
  readonly clock: Clock;
  readonly epoch: EpochWatch;
  readonly ledger: RedisLedger;
}

/**
 * Writes commits, each with one script; or with a transaction, where nobody else commits. What changes where is worked out
 * before, from the records as they were and as they will be; the script checks that nobody else was faster. Only if
 * somebody was is the commit taken apart to find which units conflict.
 */
export class Writer {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #kernel: string;
  readonly #clock: Clock;
  readonly #epoch: EpochWatch;
  readonly #ledger: RedisLedger;
  readonly #transactions: Transactions;
  readonly #known = new KnownSaved();
  #operation = 0;
  /** Over when the last exclusive commit that was begun is. */
  #turn: Promise<void> = Promise.resolve();

  constructor({ redis, transactions, keys, kernel, clock, epoch, ledger }: WriterOptions) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#epoch = epoch;
    this.#redis = redis;
    this.#keys = keys;
    this.#kernel = kernel;
    this.#transactions = transactions;
  }

  async commit(units: readonly Unit[], at: number, limits: CommitLimits): Promise<Committed> {
    const { basis } = limits;
    if (basis?.exclusive) return this.#inTurn(units, at, { ...limits, basis });
    let outcomes: readonly ('committed' | 'conflict')[] = units.map(() => 'committed');
    const stored = new Map<string, number>();
    let left: Left = NO_LIMIT;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const surviving = units.filter((_, index) => outcomes[index] === 'committed');
      if (surviving.length === 0) return { outcomes, entries: [] };
      const draft = this.#draft(surviving, at, limits.saving);
      const reply = draft ? await this.#run(draft.plan, limits, ++this.#operation) : await this.#conflicts(units);
      if (draft && reply[0] === 'committed') {
        const entries = this.#appended(draft, reply[1] as number);
        return { outcomes, entries, undisturbed: tries === 0 && reply[2] === 1 };
      }
      // Tokens that were given out before a failover may have been given out by others, and what was decided before a
      // checkpoint is not kept for it: all is decided anew.
      if (reply[0] === 'epoch' || reply[0] === 'saving') break;
      if (reply[0] === 'full') left = { ...left, room: limits.room! - (reply[1] as number) };
      else if (reply[0] === 'capped') left = { ...left, pools: leftIn(limits.caps!, reply) };
      else for (const [name, version] of versionsOf(reply)) stored.set(name, version);
      // What nobody objected to is at the version that was expected.
      outcomes = judge(units, (kind, id, expected) => stored.get(`${kind} ${id}`) ?? expected, left);
    }
    return { outcomes: units.map(() => 'conflict'), entries: [] };
  }

  /** Over when nothing exclusive is under way any more: what is read from then on knows of it. */
  get settled(): Promise<void> {
    return this.#turn;
  }

  /** One after the other: what each of these rests on is what the one before leaves. */
  async #inTurn(units: readonly Unit[], at: number, limits: ExclusiveLimits): Promise<Committed> {
    const draft = this.#draft(units, at, limits.saving);
    const operation = ++this.#operation;
    const before = this.#turn;
    const { promise, resolve: end } = Promise.withResolvers<void>();
    this.#turn = promise;
    try {
      const first = draft && (await this.#commitAlone(draft, limits, operation, before));
      if (first === null) return { outcomes: units.map(() => 'conflict'), entries: [], undisturbed: false };
      return { outcomes: units.map(() => 'committed'), entries: this.#appended(draft!, first), undisturbed: true };
    } finally {
      await before;
      end();
    }
  }

  /** All or nothing: whatever stands in the way, somebody else was there. Answers the first entry's number, or null. */
  async #commitAlone(
    { plan, events }: Draft,
    limits: ExclusiveLimits,
    operation: number,
    before: Promise<void>,
  ): Promise<number | null> {
    const { basis } = limits;
    if (basis.mark === basis.next) {
      await before;
      return (await this.#redis.send('GET', this.#keys.mark)) === basis.mark ? 0 : null;
    }
    // At once, if the one before is a transaction; or when it is over, if it has left something to go on from.
    const isEarly = this.#transactions.fits(plan, basis);
    const early = isEarly ? await this.#transactions.commit(plan, basis, operation) : null;
    await before;
    const isLate = !isEarly && this.#transactions.fits(plan, basis);
    const first = isLate ? await this.#transactions.commit(plan, basis, operation) : early;
    if (first !== null) return first;
    const reply = await this.#run(plan, limits, operation);
    if (reply[0] !== 'committed') return null;
    await this.#transactions.watch(basis.next, (reply[1] as number) + events.length - 1);
    return reply[1] as number;
  }

  #draft(units: readonly Unit[], at: number, saving: Saving | undefined): Draft | null {
    const merged = mergeable(units);
    if (merged === null) return null;
    const events = merged.events.map((event) => unnumbered(event, at));
    const rows = rowsOf(events);
    const { steady } = this.#clock.now();
    return { events, plan: planOf(merged, events, rows, { keys: this.#keys, at, steady, saving, known: this.#known }) };
  }

  /** The entries with their numbers, which others here want to know, too. */
  #appended({ events, plan: { rows, saving, saved } }: Draft, first: number): LedgerEntry[] {
    if (saving) this.#known.add(saving.number, nameOfEach(saved));
    const entries = events.map(({ type, source, actor, at: time, data, taskId, workerId }, n) => {
      return { id: first + n, type, source, actor, at: time, data, taskId, workerId };
    });
    let at = 0;
    for (const { entries: count, text } of rows) {
      const row = entries.slice(at, at + count);
      this.#ledger.remember(row);
      at += count;
      if (at === entries.length) this.#epoch.remember(`${row.at(-1)!.id}-${count}`, text);
    }
    return entries;
  }

  /** What was kept may not be there any more. */
  forget(): void {
    this.#known.forget();
  }

  /** Makes whatever was sent before and has not arrived yet come to nothing. */
  async barrier(): Promise<void> {
    await this.#run(this.#draft([], 0, undefined)!.plan, {}, ++this.#operation);
  }

  async #run(plan: CommitPlan, { room, caps, epoch, basis }: CommitLimits, operation: number): Promise<Reply[]> {
    const { prefix } = this.#keys;
    const header = { prefix, kernel: this.#kernel, operation, room, caps, epoch, basis };
    const reply = (await this.#redis.run(COMMIT, scriptArguments(plan, header))) as Reply[];
    if (reply[0] !== 'committed') return reply;
    for (const { first, last } of plan.merged.tasks.values()) {
      const history = last && historyAfter(plan, first, last, (reply[1] as number) - 1);
      if (last && history != null) rememberHistory(last, history);
    }
    return reply;
  }

  /** What the script would answer, when the units do not even agree with each other. */
  async #conflicts(units: readonly Unit[]): Promise<Reply[]> {
    const { tasks, workers, documents, idempotency } = this.#keys;
    const named = units.flatMap(({ puts, reads = [] }) => [
      ...puts.flatMap((put) =>
        put.kind === 'saving' || put.kind === 'remains' ? [] : [{ kind: put.kind, id: idOf(put) }],
      ),
      ...reads.flatMap((read) =>
        'version' in read && read.version !== REMOVED ? [{ kind: read.kind, id: read.id }] : [],
      ),
    ]);
    const texts = (await this.#redis.pipeline(
      named.map(({ kind, id }) => [
        'HGET',
        { task: tasks, worker: workers, document: documents, idempotency }[kind],
        id,
      ]),
    )) as (string | null)[];
    return ['conflict', ...named.flatMap(({ kind, id }, at) => [kind, id, texts[at]?.split('\n', 1)[0] ?? '0'])];
  }
}

function nameOfEach(saved: CommitPlan['saved']): string[] {
  return saved.map(([name]) => name);
}

function mergeable(units: readonly Unit[]): Merged | null {
  try {
    return merge(units);
  } catch (error) {
    if (error instanceof Conflict) return null;
    throw error;
  }
}

/** How much room the pools have that the script's answer tells of. */
function leftIn(caps: readonly Cap[], [, ...reply]: Reply[]): Left['pools'] {
  const most = new Map(caps.map((cap) => [cap.pool, cap.most]));
  const left = new Map<string, number>();
  for (let at = 0; at < reply.length; at += 2) {
    const pool = reply[at] as string;
    left.set(pool, most.get(pool)! - (reply[at + 1] as number));
  }
  return left;
}

/** Out of the script's answer: by kind and id. */
function versionsOf([, ...reply]: Reply[]): Map<string, number> {
  const versions = new Map<string, number>();
  for (let at = 0; at < reply.length; at += 3) versions.set(`${reply[at]} ${reply[at + 1]}`, Number(reply[at + 2]));
  return versions;
}
