import type { Call } from '../../redis/connection.ts';
import { MOST_ARGUMENTS } from './commit-script.ts';

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

  unrank(set: string, member: string): void {
    listOf(this.#lists.ZREM, set).push(member);
  }

  count(hash: string, field: string, by: number): void {
    const sums = this.#sums.get(hash) ?? new Map<string, number>();
    this.#sums.set(hash, sums.set(field, (sums.get(field) ?? 0) + by));
  }

  append(stream: string, id: string, ...fields: readonly string[]): void {
    this.#single.push(['XADD', stream, id, ...fields]);
  }

  calls(): Call[] {
    const calls = [...this.#single];
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
