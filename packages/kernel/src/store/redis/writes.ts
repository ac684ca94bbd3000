import type { Call } from '../../redis/connection.ts';
import { MOST_ARGUMENTS } from './commit-script.ts';

/**
 * Redis keeps a small sorted set as a list that it walks from the front for every change, unless a member is longer than
 * 64 bytes. Sets that are small because they are busy, as those of queued and running tasks, get such a member: that
 * takes a third off what a task costs the server. It stands before all others; who reads begins behind it.
 */
const LONG_MEMBER = ['-1', '.'.repeat(65)] as const;
/** The lowest score that counts in such a set. */
export const LOWEST_SCORE = '0';

/** Of what has changed, about so many notes are kept, of so many names each: who is further behind reads all anew. */
const MOST_NOTES = 16_384;
const NAMES_IN_NOTE = 16;

type Lists = Map<string, string[]>;

/** Collects what a commit writes besides its records: what goes to one key goes in one command. */
export class Writes {
  readonly #lists = {
    HSET: new Map() as Lists,
    HDEL: new Map() as Lists,
    ZADD: new Map() as Lists,
    ZREM: new Map() as Lists,
  };
  readonly #sums = new Map<string, Map<string, number>>();
  readonly #notes: Lists = new Map();
  readonly #single: Call[] = [];

  set(hash: string, field: string, value: string): void {
    listOf(this.#lists.HSET, hash).push(field, value);
  }

  unset(hash: string, field: string): void {
    listOf(this.#lists.HDEL, hash).push(field);
  }

  rank(set: string, score: number, member: string): void {
    listOf(this.#lists.ZADD, set).push(String(score), member);
  }

  /** The same in a set that is often small and always busy, whose scores are not negative. */
  rankBusy(set: string, score: number, member: string): void {
    const list = listOf(this.#lists.ZADD, set);
    if (list.length === 0) list.push(...LONG_MEMBER);
    list.push(String(score), member);
  }

  unrank(set: string, member: string): void {
    listOf(this.#lists.ZREM, set).push(member);
  }

  /** Moves a member from one score to another; null: it is not in there. */
  move(set: string, member: string, from: number | null, to: number | null): void {
    if (from === to) return;
    if (to !== null) this.rank(set, to, member);
    else this.unrank(set, member);
  }

  count(hash: string, field: string, by: number): void {
    const sums = this.#sums.get(hash) ?? new Map<string, number>();
    this.#sums.set(hash, sums.set(field, (sums.get(field) ?? 0) + by));
  }

  append(stream: string, id: string, ...fields: readonly string[]): void {
    this.#single.push(['XADD', stream, id, ...fields]);
  }

  /** Something of this name has changed: a stream tells whoever follows it. */
  note(stream: string, name: string): void {
    listOf(this.#notes, stream).push(name);
  }

  calls(): Call[] {
    const calls = [...this.#single];
    for (const [stream, names] of this.#notes) {
      for (let from = 0; from < names.length; from += NAMES_IN_NOTE) {
        const fields = names.slice(from, from + NAMES_IN_NOTE).flatMap((name) => [name, '']);
        calls.push(['XADD', stream, 'MAXLEN', '~', String(MOST_NOTES), '*', ...fields]);
      }
    }
    for (const [command, lists] of Object.entries(this.#lists)) {
      for (const [key, values] of lists) {
        for (let from = 0; from < values.length; from += MOST_ARGUMENTS) {
          calls.push([command, key, ...values.slice(from, from + MOST_ARGUMENTS)]);
        }
      }
    }
    for (const [hash, sums] of this.#sums) {
      for (const [field, by] of sums) if (by !== 0) calls.push(['HINCRBY', hash, field, String(by)]);
    }
    return calls;
  }
}

function listOf(lists: Lists, key: string): string[] {
  let list = lists.get(key);
  if (!list) {
    list = [];
    lists.set(key, list);
  }
  return list;
}
