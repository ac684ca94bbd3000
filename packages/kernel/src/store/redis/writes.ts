import type { Call } from '../../redis/connection.ts';
import { MOST_ARGUMENTS } from './commit-script.ts';

/** Collects what a commit writes besides its records: what goes to one key goes in one command. */
export class Writes {
  readonly #lists = new Map<string, string[]>();
  readonly #sums = new Map<string, { key: string; field: string; by: number }>();
  readonly #single: Call[] = [];

  set(hash: string, field: string, value: string): void {
    this.#list('HSET', hash).push(field, value);
  }

  unset(hash: string, field: string): void {
    this.#list('HDEL', hash).push(field);
  }

  rank(set: string, score: number, member: string): void {
    this.#list('ZADD', set).push(String(score), member);
  }

  unrank(set: string, member: string): void {
    this.#list('ZREM', set).push(member);
  }

  count(hash: string, field: string, by: number): void {
    const name = `${hash}\0${field}`;
    const sum = this.#sums.get(name);
    if (sum) sum.by += by;
    else this.#sums.set(name, { key: hash, field, by });
  }

  append(stream: string, id: string, ...fields: readonly string[]): void {
    this.#single.push(['XADD', stream, id, ...fields]);
  }

  calls(): Call[] {
    const calls = [...this.#single];
    for (const [name, values] of this.#lists) {
      const [command, key] = name.split('\0') as [string, string];
      for (let from = 0; from < values.length; from += MOST_ARGUMENTS) {
        calls.push([command, key, ...values.slice(from, from + MOST_ARGUMENTS)]);
      }
    }
    for (const { key, field, by } of this.#sums.values()) {
      if (by !== 0) calls.push(['HINCRBY', key, field, String(by)]);
    }
    return calls;
  }

  #list(command: string, key: string): string[] {
    const name = `${command}\0${key}`;
    const list = this.#lists.get(name) ?? [];
    this.#lists.set(name, list);
    return list;
  }
}
