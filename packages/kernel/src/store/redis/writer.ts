import type { Clock } from '../../core/clock.ts';
import type { LedgerEntry } from '../../core/event.ts';
import type { CommitLimits, Committed, Unit } from '../../core/store.ts';
import type { RedisConnection, Reply } from '../../redis/connection.ts';
import { type NewRow, rowsOf, type Unnumbered, unnumbered } from '../../redis/ledger-rows.ts';
import { Conflict, idOf, judge, type Merged, merge, startedIn, versionOf } from '../units.ts';
import { COMMIT } from './commit-script.ts';
import { type EpochWatch, epochOf } from './epoch.ts';
import type { Keys } from './keys.ts';
import type { RedisLedger } from './ledger.ts';
import { placeTask, placeWorker } from './placing.ts';
import { keyText, stateText, workerText } from './records.ts';
import { Writes } from './writes.ts';

/** How often a commit is taken apart anew because others were faster. After that all of it conflicts. */
const MOST_TRIES = 5;

export interface WriterOptions {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  /** Tells the operations of one writer from those of others. */
  readonly kernel: string;
  readonly clock: Clock;
  readonly epoch: EpochWatch;
  readonly ledger: RedisLedger;
}

/**
 * Writes commits, each with one script. What changes where is worked out here, from the records before and after; the
 * script checks that nobody else was faster. Only if somebody was is the commit taken apart to find which units conflict.
 */
export class Writer {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #kernel: string;
  readonly #clock: Clock;
  readonly #epoch: EpochWatch;
  readonly #ledger: RedisLedger;
  #operation = 0;

  constructor({ redis, keys, kernel, clock, epoch, ledger }: WriterOptions) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#epoch = epoch;
    this.#redis = redis;
    this.#keys = keys;
    this.#kernel = kernel;
  }

  async commit(units: readonly Unit[], at: number, limits: CommitLimits): Promise<Committed> {
    let outcomes: readonly ('committed' | 'conflict')[] = units.map(() => 'committed');
    const stored = new Map<string, number>();
    let left = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const surviving = units.filter((_, index) => outcomes[index] === 'committed');
      if (surviving.length === 0) return { outcomes, entries: [] };
      const merged = mergeable(surviving);
      const events = merged?.events.map((event) => unnumbered(event, at)) ?? [];
      const rows = rowsOf(events);
      const reply = merged ? await this.#write(merged, events, rows, at, limits) : await this.#conflicts(units);
      if (reply[0] === 'committed') return { outcomes, entries: this.#appended(events, rows, reply[1] as number) };
      // Tokens that were given out before a failover may have been given out by others: all is decided anew.
      if (reply[0] === 'epoch') break;
      if (reply[0] === 'full') left = limits.room! - (reply[1] as number);
      else for (const [name, version] of versionsOf(reply)) stored.set(name, version);
      // What nobody objected to is at the version that was expected.
      outcomes = judge(units, (kind, id, expected) => stored.get(`${kind} ${id}`) ?? expected, left);
    }
    return { outcomes: units.map(() => 'conflict'), entries: [] };
  }

  /** The entries with their numbers, which others here want to know, too. */
  #appended(events: readonly Unnumbered[], rows: readonly NewRow[], first: number): LedgerEntry[] {
    const entries = events.map((event, n) => ({ id: first + n, ...event }));
    let at = 0;
    for (const { entries: count, text } of rows) {
      const row = entries.slice(at, at + count);
      this.#ledger.remember(row);
      at += count;
      if (at === entries.length) this.#epoch.remember(`${row.at(-1)!.id}-${count}`, text);
    }
    return entries;
  }

  /** Makes whatever was sent before and has not arrived yet come to nothing. */
  async barrier(): Promise<void> {
    const nothing = { tasks: new Map(), workers: new Map(), idempotency: new Map(), events: [], reads: [] };
    await this.#write(nothing, [], [], 0, {});
  }

  async #write(
    merged: Merged,
    events: readonly Unnumbered[],
    rows: readonly NewRow[],
    at: number,
    limits: CommitLimits,
  ): Promise<Reply[]> {
    return (await this.#redis.run(COMMIT, this.#arguments(merged, events, rows, at, limits))) as Reply[];
  }

  /** What the script would answer, when the units do not even agree with each other. */
  async #conflicts(units: readonly Unit[]): Promise<Reply[]> {
    const { tasks, workers, idempotency } = this.#keys;
    const named = units.flatMap(({ puts, reads = [] }) => [
      ...puts.map((put) => ({ kind: put.kind, id: idOf(put) })),
      ...reads.flatMap(({ kind, id }) => (kind === 'task' ? [{ kind, id }] : [])),
    ]);
    const texts = (await this.#redis.pipeline(
      named.map(({ kind, id }) => ['HGET', { task: tasks, worker: workers, idempotency }[kind], id]),
    )) as (string | null)[];
    return ['conflict', ...named.flatMap(({ kind, id }, at) => [kind, id, texts[at]?.split('\n', 1)[0] ?? '0'])];
  }

  #arguments(
    merged: Merged,
    events: readonly Unnumbered[],
    rows: readonly NewRow[],
    at: number,
    limits: CommitLimits,
  ): string[] {
    const { room, tokenFloor } = limits;
    const writes = new Writes();
    const lanes = new Map<string, string>();
    const histories = historiesOf(events);
    const tasks = [...merged.tasks.values()];
    for (const { first, last } of tasks) placeTask(writes, this.#keys, first, last, lanes);
    const told = [...histories.keys()].filter((id) => !merged.tasks.has(id));
    const workers = [...merged.workers];
    const { steady } = this.#clock.now();
    for (const [id, { first, last }] of workers) placeWorker(writes, this.#keys, id, first, last, steady);
    const records = [...merged.idempotency.values()];
    for (const { last } of records) writes.append(this.#keys.idempotencyByTime, '*', 'key', last.key);

    const list: string[] = [this.#keys.prefix, this.#kernel, String(++this.#operation)];
    const epoch = tokenFloor === undefined ? '' : String(epochOf(tokenFloor));
    list.push(String(room ?? ''), String(startedIn(merged)), epoch, String(tasks.length));
    for (const { last } of tasks) list.push(last.id);
    for (const { first } of tasks) list.push(String(first?.version ?? 0));
    for (const { last } of tasks) list.push(String(last.version));
    for (const { last } of tasks) list.push(histories.get(last.id) ?? '');
    for (const { last } of tasks) list.push(stateText(last));
    list.push(String(told.length), ...told);
    for (const id of told) list.push(histories.get(id)!);
    list.push(String(workers.length));
    for (const [id] of workers) list.push(id);
    for (const [, { first }] of workers) list.push(String(first?.version ?? 0));
    for (const [, { last }] of workers) list.push(last === null ? '' : workerText(last));
    list.push(String(records.length));
    for (const { last } of records) list.push(last.key);
    for (const { first } of records) list.push(String(versionOf(first)));
    for (const { last } of records) list.push(keyText(last));
    const reads = merged.reads.filter((read) => read.kind === 'task');
    list.push(String(reads.length));
    for (const { id } of reads) list.push(id);
    for (const { version } of reads) list.push(String(version));
    const relations = merged.reads.filter((read) => read.kind !== 'task');
    list.push(String(relations.length));
    for (const { kind, id, count } of relations) list.push(kind, id, String(count));
    const calls = writes.calls();
    list.push(String(calls.length));
    for (const call of calls) list.push(String(call.length), ...call);
    list.push(String(lanes.size));
    for (const [lane, requirements] of lanes) list.push(lane, requirements);
    list.push(String(rows.length));
    for (const { entries, text, indexes } of rows) {
      list.push(String(entries), String(at), text, String(indexes.size), ...indexes);
    }
    return list;
  }
}

/** For each task the places of the entries about it, each with a space before it. */
function historiesOf(events: readonly Unnumbered[]): Map<string, string> {
  const histories = new Map<string, string>();
  for (const [index, { taskId }] of events.entries()) {
    if (taskId !== null) histories.set(taskId, `${histories.get(taskId) ?? ''} ${index + 1}`);
  }
  return histories;
}

function mergeable(units: readonly Unit[]): Merged | null {
  try {
    return merge(units);
  } catch (error) {
    if (error instanceof Conflict) return null;
    throw error;
  }
}

/** Out of the script's answer: by kind and id. */
function versionsOf([, ...reply]: Reply[]): Map<string, number> {
  const versions = new Map<string, number>();
  for (let at = 0; at < reply.length; at += 3) versions.set(`${reply[at]} ${reply[at + 1]}`, Number(reply[at + 2]));
  return versions;
}
