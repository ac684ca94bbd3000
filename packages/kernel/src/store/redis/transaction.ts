import { Bug, StorageUnavailable } from '../../core/errors.ts';
import type { Basis } from '../../core/store.ts';
import { isTerminal } from '../../core/task.ts';
import type { Call, RedisConnection, Reply } from '../../redis/connection.ts';
import { Script } from '../../redis/script.ts';
import { savingText } from '../saved.ts';
import { type CommitPlan, historyAfter } from './commit-plan.ts';
import { KEEPING, OPERATION_SECONDS } from './commit-script.ts';
import { documentText } from './documents.ts';
import type { Keys } from './keys.ts';
import { historyTextOf, keyText, rememberHistory, stateText, workerText } from './records.ts';

const KEEP = new Script(`${KEEPING} keepLanes(ARGV[1], 3, #ARGV) keepLastKey(ARGV[1], ARGV[2])`);
const SAVE = new Script(`${KEEPING} keepSaved(ARGV[1], ARGV[2], 3, #ARGV, {})`);

/** A point from which a transaction can go on: what a commit has left, or will have once it is carried out. */
interface Footing {
  /** The connection on which the mark is watched from then on. */
  readonly line: NonNullable<RedisConnection['line']>;
  readonly mark: string;
  /** The ledger's last entry. */
  readonly last: number;
  /** What is to be sent for it has been sent. */
  readonly sent: Promise<void>;
  /** Null as long as it is not known. */
  outcome: Outcome | null;
  readonly settled: Promise<Outcome>;
}

interface Outcome {
  readonly committed: boolean;
  /** It is certain that nobody has touched the mark since it began to be watched. */
  readonly watching: boolean;
}

/** Where transactions are not to be had, that is found out no more often than this. */
const TRY_AGAIN_MS = 200;

const FAILED: Outcome = { committed: false, watching: false };

/**
 * Commits without a script, which costs the server less than half: a plain transaction that is carried out only if the
 * mark has not been touched since it was watched. Nothing of what is written needs to be looked at then, since nobody
 * else was there to change it. What a transaction consists of is sent while the one before is under way; only the word to
 * carry it out waits for that one's answer. It is a way to go about an operation, and no more: whenever it cannot be
 * said that it worked, the script has the last word, which knows whether the operation has been carried out.
 */
export class Transactions {
  /** Nothing else goes over it: what comes behind `MULTI` would be part of the transaction. */
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #kernel: string;
  #footing: Footing | null = null;
  /** After a failure the next try waits for this time. */
  #notBefore = 0;

  constructor(redis: RedisConnection, keys: Keys, kernel: string) {
    this.#redis = redis;
    this.#keys = keys;
    this.#kernel = kernel;
  }

  /** Where transactions went may not be where all else goes. */
  forget(): void {
    this.#footing = null;
    this.#redis.reconnect();
  }

  /** Watches from now on, if the mark is still the one that a commit has left; `last` is its last entry. */
  async watch(mark: string, last: number): Promise<void> {
    this.#footing = null;
    if (performance.now() < this.#notBefore) return;
    this.#notBefore = performance.now() + TRY_AGAIN_MS;
    try {
      const { line } = this.#redis;
      // Nobody is to wait for a connection that may not come: a later commit finds it made.
      if (line === null) return void this.#redis.connected().catch(() => undefined);
      // The empty transaction shows that there may be transactions; what was watched before it would undo it.
      const answers = await this.#redis.once(line, [['UNWATCH'], ['MULTI'], ['EXEC'], ...this.#watching()]);
      const [, begun, done, watched, found] = answers ?? [];
      if (begun !== 'OK' || !Array.isArray(done) || watched !== 'OK' || found !== mark) return;
      this.#notBefore = 0;
      const outcome = { committed: true, watching: true };
      this.#footing = { line, mark, last, outcome, sent: Promise.resolve(), settled: Promise.resolve(outcome) };
    } catch (error) {
      // There is another way, which will tell whether it can be gone.
      if (!(error instanceof StorageUnavailable)) throw error;
    }
  }

  /** Whether this commit can be gone about as a transaction, as things are. */
  fits(plan: CommitPlan, { mark }: Basis): boolean {
    return this.#footing?.mark === mark && isPlain(plan);
  }

  /**
   * Answers the first entry's number; null: it has not worked, or nobody knows. Throws `StorageUnavailable` when there is
   * no answer in time.
   */
  async commit(plan: CommitPlan, { mark, next }: Basis, operation: number): Promise<number | null> {
    const before = this.#footing;
    this.#footing = null;
    if (before?.mark !== mark) return null;
    const { calls, last } = this.#calls(plan, before.last, next, operation);
    const sent = Promise.withResolvers<void>();
    const settled = this.#carryOut(before, [['MULTI'], ...calls], next, sent.resolve);
    settled.catch(() => undefined);
    const footing: Footing = { line: before.line, mark: next, last, outcome: null, sent: sent.promise, settled };
    this.#footing = footing;
    try {
      footing.outcome = await settled;
      return footing.outcome.committed ? before.last + 1 : null;
    } finally {
      if (!footing.outcome?.watching && this.#footing === footing) this.#footing = null;
    }
  }

  async #carryOut(before: Footing, body: readonly Call[], next: string, onSent: () => void): Promise<Outcome> {
    const { line } = before;
    const end: Call[] = [['EXEC'], ...this.#watching()];
    try {
      await before.sent;
      if (before.outcome) {
        if (!before.outcome.watching) return FAILED;
        const answers = this.#redis.once(line, [...body, ...end]);
        onSent();
        return outcomeOf(await answers, next);
      }
      const queued = this.#redis.once(line, body);
      queued.catch(() => undefined);
      const { watching } = await before.settled;
      const answers = this.#redis.once(line, watching ? end : [['DISCARD']]);
      onSent();
      return watching ? outcomeOf(await answers, next) : FAILED;
    } finally {
      onSent();
    }
  }

  #watching(): Call[] {
    return [
      ['WATCH', this.#keys.mark],
      ['GET', this.#keys.mark],
    ];
  }

  #calls(plan: CommitPlan, head: number, next: string, operation: number): { calls: Call[]; last: number } {
    const { merged, rows, at, lanes, lastKey } = plan;
    const { tasks, workers, documents, idempotency, ledger, meta, mark, prefix } = this.#keys;
    const calls: Call[] = [...plan.calls];
    const records: string[] = [];
    for (const { first, last } of merged.tasks.values()) {
      if (last === null) throw new Bug('a removed task is none of what a transaction can write');
      const history = historyAfter(plan, first, last, head)!;
      // Should it not come to this, nobody goes on with what was decided.
      rememberHistory(last, history);
      records.push(last.id, `${last.version}\n${history}\n${stateText(last)}`);
    }
    if (records.length > 0) calls.push(['HSET', tasks, ...records]);
    for (const [id, { last }] of merged.workers) {
      calls.push(last === null ? ['HDEL', workers, id] : ['HSET', workers, id, workerText(last)]);
    }
    for (const [name, { last }] of merged.documents) {
      calls.push(last === null ? ['HDEL', documents, name] : ['HSET', documents, name, documentText(last)]);
    }
    const used: string[] = [];
    for (const [key, { last }] of merged.idempotency) {
      if (last === null) calls.push(['HDEL', idempotency, key]);
      else used.push(key, keyText(last));
    }
    if (used.length > 0) calls.push(['HSET', idempotency, ...used]);
    if (lanes.size > 0 || lastKey !== '') {
      calls.push(['EVAL', KEEP.source, '1', meta, prefix, lastKey, ...[...lanes].flat()]);
    }
    let reached = head;
    for (const { entries, text, indexes } of rows) {
      reached += entries;
      const id = `${reached}-${entries}`;
      calls.push(['XADD', ledger, id, 'at', String(at), 'by', this.#kernel, 'entries', text]);
      for (const index of indexes) calls.push(['XADD', `${prefix}index:${index}`, id, '', '']);
    }
    if (rows.length > 0) calls.push(['HSET', meta, 'last', String(reached)]);
    calls.push(...this.#savingCalls(plan), ['SET', mark, next]);
    const done = `${operation} ${head + 1}`;
    calls.push(['SET', `${prefix}operation:${this.#kernel}`, done, 'EX', String(OPERATION_SECONDS)]);
    return { calls, last: reached };
  }

  #savingCalls({ merged, saving, saved }: CommitPlan): Call[] {
    const keys = this.#keys;
    const calls: Call[] = [];
    if (saving && saved.length > 0) {
      calls.push(['EVAL', SAVE.source, '1', keys.meta, keys.prefix, savingText(saving), ...saved.flat()]);
    }
    if (!merged.saving) return calls;
    const { last } = merged.saving;
    calls.push(['HSET', keys.meta, 'saving', savingText(last)]);
    if (last !== null) calls.push(['ZADD', keys.saved, String(last.number), String(last.number)]);
    return calls;
  }
}

/** @param answers the last of which are those to `EXEC`, `WATCH` and `GET`; null: the connection was lost */
function outcomeOf(answers: readonly (Reply | Error)[] | null, next: string): Outcome {
  const [done, , found] = answers?.slice(-3) ?? [];
  // Nothing that is sent can fail once it is accepted, unless what is stored is not what a kernel has stored.
  const fault = Array.isArray(done) ? (done as unknown[]).find((one) => one instanceof Error) : undefined;
  if (fault) throw fault;
  return { committed: Array.isArray(done), watching: found === next };
}

/**
 * Whether everything that is to be written is known, and nothing of it could have been changed without touching the mark:
 * retention removes what has ended, and what entries are about must be read first when it is not changed.
 */
function isPlain({ merged, told, saving }: CommitPlan): boolean {
  if (saving === undefined || merged.gone.size + merged.back.size + merged.remains.size > 0) return false;
  if (told.length > 0 || merged.reads.some(({ kind }) => kind === 'task')) return false;
  for (const { first } of merged.tasks.values()) {
    if (first !== null && (isTerminal(first) || historyTextOf(first) === undefined)) return false;
  }
  for (const { first } of merged.documents.values()) if (first?.endedAt != null) return false;
  return true;
}
