import type { Now } from '../../core/clock.ts';
import { MOST_EXPIRING } from '../../core/queries.ts';
import { BEYOND_COUNTING, type Due, type Page, type QueueRank, type TaskQuery } from '../../core/store.ts';
import { TASK_STATUSES, type Task } from '../../core/task.ts';
import type { RedisConnection, Reply } from '../../redis/connection.ts';
import { sizeOf } from '../task-size.ts';
import { type Documents, EXPIRING_FROM } from './documents.ts';
import type { Keys } from './keys.ts';
import { FITTING } from './load-scripts.ts';
import type { Loader } from './loader.ts';
import { NOBODY, rankScore } from './records.ts';
import { LOWEST_SCORE } from './writes.ts';

/** How many tasks a listing looks at in one go, at the most. */
const MOST_IN_PIECE = 250;
const LANES_IN_PIECE = 500;

/** Listings and look-outs: every one a range of a sorted set. */
export class Queries {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #loader: Loader;
  readonly #documents: Documents;

  constructor(redis: RedisConnection, keys: Keys, loader: Loader, documents: Documents) {
    this.#redis = redis;
    this.#keys = keys;
    this.#loader = loader;
    this.#documents = documents;
  }

  async tasks(query: TaskQuery): Promise<Page<Task>> {
    const sets = this.#sets(query);
    const items: Task[] = [];
    let bytes = 0;
    let before = query.before;
    for (;;) {
      const piece = Math.min(MOST_IN_PIECE, query.limit + 1);
      const found = await this.#newest(sets, before, piece);
      const ids = found.slice(0, await this.#fitting(found, query.maxBytes));
      for (const task of await this.#loader.tasks(ids.map(({ id }) => id))) {
        if (!fits(task, query)) continue;
        bytes += sizeOf(task);
        if (items.length === query.limit || (items.length > 0 && bytes > query.maxBytes)) return { items, more: true };
        items.push(task);
      }
      if (found.length < piece && ids.length === found.length) return { items, more: false };
      before = ids.at(-1)!.seq;
    }
  }

  /** How many of these, from the first on, come to no more than so many bytes; one at least, if there is one. */
  async #fitting(found: readonly { readonly id: string }[], maxBytes: number): Promise<number> {
    if (found.length === 0) return 0;
    // "Infinity" is no number there.
    const most = String(Math.min(maxBytes, Number.MAX_SAFE_INTEGER));
    const args = [this.#keys.prefix, most, ...found.map(({ id }) => id)];
    return (await this.#redis.together([{ script: FITTING, args }]))[0] as number;
  }

  /** The sets that together hold what the most selective of the conditions leaves. */
  #sets({ planId, tag, workerId, createdBy, status }: TaskQuery): string[] {
    if (planId !== undefined) return [this.#keys.plan(planId)];
    if (tag !== undefined) return [this.#keys.tag(tag)];
    if (workerId !== undefined) return [this.#keys.worker(workerId)];
    if (createdBy !== undefined && createdBy !== NOBODY) return [this.#keys.creator(createdBy)];
    return (status === undefined ? TASK_STATUSES : [status]).map((one) => this.#keys.status(one));
  }

  async #newest(sets: readonly string[], before: number | undefined, limit: number) {
    const replies = await this.#redis.pipeline(
      sets.map((set) => [
        ...['ZREVRANGEBYSCORE', set, before === undefined ? '+inf' : `(${before}`, LOWEST_SCORE],
        ...['WITHSCORES', 'LIMIT', '0', String(limit)],
      ]),
    );
    // A task may change its status while it is being looked for, and then stand in two of them.
    const found = new Map(replies.flatMap((reply) => scored(reply)));
    return [...found]
      .map(([id, seq]) => ({ id, seq }))
      .sort((a, b) => b.seq - a.seq)
      .slice(0, limit);
  }

  async due(now: Now, limit: number): Promise<Due> {
    const { due, deadlines, documentsDue } = this.#keys;
    const until = (set: string, time: number, from = LOWEST_SCORE) => [
      ...['ZRANGEBYSCORE', set, from, String(time)],
      ...['LIMIT', '0', String(limit)],
    ];
    const first = (set: string, from?: string) => [...firstOf(set, from), 'WITHSCORES'];
    const fromExpiring = String(EXPIRING_FROM);
    const [ready, overdue, documents, expiring, nextReady, nextDocument, nextExpiring, nextDeadline] =
      await this.#redis.pipeline([
        until(due, now.wall),
        until(deadlines, now.steady),
        until(documentsDue, now.wall),
        until(documentsDue, EXPIRING_FROM + now.wall, fromExpiring),
        first(due),
        first(documentsDue),
        first(documentsDue, fromExpiring),
        first(deadlines),
      ]);
    const next = [nextReady!, nextDocument!, nextExpiring!].flatMap((reply) => scored(reply).map(([, at]) => at));
    return {
      ready: await this.#loader.tasks(ready as string[]),
      overdue: await this.#loader.tasks(overdue as string[]),
      documents: [
        ...(await this.#documents.named(documents as string[])),
        ...(await this.#documents.first(expiring as string[], MOST_EXPIRING)).found,
      ],
      nextReadyAt: next.length > 0 ? Math.min(...next.map((at) => at % EXPIRING_FROM)) : null,
      nextDeadline: scored(nextDeadline!)[0]?.[1] ?? null,
    };
  }

  async oldestQueued(): Promise<number | null> {
    const [id] = (await this.#redis.send(...firstOf(this.#keys.status('queued')))) as string[];
    return id === undefined ? null : ((await this.#loader.task(id))?.queuedAt ?? null);
  }

  /** A sorted set knows how many stand before a place without walking there. */
  async position(place: QueueRank): Promise<number> {
    const lanes = (await this.#redis.send('HKEYS', this.#keys.lanes)) as string[];
    let position = 1;
    for (let from = 0; from < lanes.length && position < BEYOND_COUNTING; from += LANES_IN_PIECE) {
      const counts = await this.#redis.pipeline(
        lanes
          .slice(from, from + LANES_IN_PIECE)
          .map((lane) => ['ZCOUNT', this.#keys.queue(lane), LOWEST_SCORE, `(${rankScore(place)}`]),
      );
      for (const count of counts) position += count as number;
    }
    return Math.min(position, BEYOND_COUNTING);
  }
}

function firstOf(set: string, from = LOWEST_SCORE): string[] {
  return ['ZRANGEBYSCORE', set, from, '+inf', 'LIMIT', '0', '1'];
}

function fits(task: Task, { status, tag, createdBy, workerId, planId }: TaskQuery): boolean {
  return (
    (status === undefined || task.status === status) &&
    (tag === undefined || task.spec.value.tags.includes(tag)) &&
    (createdBy === undefined || task.spec.value.created_by === createdBy) &&
    (workerId === undefined || task.worker === workerId) &&
    (planId === undefined || task.plan === planId)
  );
}

export function scored(reply: Reply): [member: string, score: number][] {
  const list = reply as string[];
  return Array.from({ length: list.length / 2 }, (_, at) => [list[2 * at]!, Number(list[2 * at + 1])]);
}
