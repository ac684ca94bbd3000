import type { Basis } from '../../core/store.ts';
import { isTerminal } from '../../core/task.ts';
import type { Call, RedisConnection } from '../../redis/connection.ts';
import { Script } from '../../redis/script.ts';
import { type CommitPlan, historyAfter } from './commit-plan.ts';
import { KEEPING, OPERATION_SECONDS } from './commit-script.ts';
import type { Keys } from './keys.ts';
import { historyTextOf, keyText, rememberHistory, stateText, workerText } from './records.ts';

const KEEP = new Script(`${KEEPING} keepLanes(ARGV[1], 3, #ARGV) keepLastKey(ARGV[1], ARGV[2])`);

/** The connection on which the mark is being watched, what it is, and the ledger's last entry. */
interface Watch {
  readonly line: NonNullable<RedisConnection['line']>;
  readonly mark: string;
  readonly last: number;
}

/**
 * Commits without a script, which costs the server less than half: a plain transaction that is carried out only if the
 * mark has not been touched since it was watched. Nothing of what is written needs to be looked at then, since nobody
 * else was there to change it. It is a way to go about an operation, and no more: whenever it cannot be said that it
 * worked, the script has the last word, which knows whether the operation has been carried out.
 */
export class Transactions {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #kernel: string;
  #watch: Watch | null = null;

  constructor(redis: RedisConnection, keys: Keys, kernel: string) {
    this.#redis = redis;
    this.#keys = keys;
    this.#kernel = kernel;
  }

  /** Watches from now on, if the mark is still the one that a commit has left; `last` is its last entry. */
  async watch(mark: string, last: number): Promise<void> {
    this.#watch = null;
    const { line } = this.#redis;
    if (line === null) return;
    // The empty transaction ends whatever was watched, and shows that there may be transactions.
    const [, , , found] = (await this.#redis.once(line, [['MULTI'], ['EXEC'], ...this.#watching()])) ?? [];
    if (found === mark) this.#watch = { line, mark, last };
  }

  /** Answers the first entry's number; null: it has not worked, or nobody knows. */
  async commit(plan: CommitPlan, { mark, next }: Basis, operation: number): Promise<number | null> {
    const watch = this.#watch;
    this.#watch = null;
    if (watch?.mark !== mark || !isPlain(plan)) return null;
    const { calls, last } = this.#calls(plan, watch.last, next, operation);
    const replies = await this.#redis.once(watch.line, [['MULTI'], ...calls, ['EXEC'], ...this.#watching()]);
    if (replies === null) return null;
    const [done, , found] = replies.slice(calls.length + 1);
    if (!Array.isArray(done)) return null;
    if (found === next) this.#watch = { line: watch.line, mark: next, last };
    return watch.last + 1;
  }

  #watching(): Call[] {
    return [
      ['WATCH', this.#keys.mark],
      ['GET', this.#keys.mark],
    ];
  }

  #calls(plan: CommitPlan, head: number, next: string, operation: number): { calls: Call[]; last: number } {
    const { merged, rows, at, lanes, lastKey } = plan;
    const { tasks, workers, idempotency, ledger, meta, mark, prefix } = this.#keys;
    const calls: Call[] = [...plan.calls];
    const records: string[] = [];
    for (const moved of merged.tasks.values()) {
      const { last } = moved;
      const history = historyAfter(plan, moved, head)!;
      // Should it not come to this, nobody goes on with what was decided.
      rememberHistory(last, history);
      records.push(last.id, `${last.version}\n${history}\n${stateText(last)}`);
    }
    if (records.length > 0) calls.push(['HSET', tasks, ...records]);
    for (const [id, { last }] of merged.workers) {
      calls.push(last === null ? ['HDEL', workers, id] : ['HSET', workers, id, workerText(last)]);
    }
    const used = [...merged.idempotency.values()].flatMap(({ last }) => [last.key, keyText(last)]);
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
    calls.push(['SET', mark, next]);
    const done = `${operation} ${head + 1}`;
    calls.push(['SET', `${prefix}operation:${this.#kernel}`, done, 'EX', String(OPERATION_SECONDS)]);
    return { calls, last: reached };
  }
}

/**
 * Whether everything that is to be written is known, and nothing of it could have been changed without touching the mark:
 * retention removes what has ended, and what entries are about must be read first when it is not changed.
 */
function isPlain({ merged, told }: CommitPlan): boolean {
  if (told.length > 0 || merged.reads.some(({ kind }) => kind === 'task')) return false;
  for (const { first } of merged.tasks.values()) {
    if (first !== null && (isTerminal(first) || historyTextOf(first) === undefined)) return false;
  }
  return true;
}
