import type { CallOptions } from './client-options.ts';
import { ColonyError } from './errors.ts';
import type { Requester } from './http/requester.ts';
import type {
  MemoryCondition,
  MemoryEntry,
  MemoryFields,
  MemoryItem,
  MemoryMatches,
  MemoryQuestion,
  MemoryScope,
} from './memory-types.ts';
import { get, post, remove, segment } from './routes/calls.ts';
import type { Json } from './types.ts';

type PutOptions = MemoryFields & MemoryCondition & CallOptions;

/** Memory that agents share: values under keys, keys in scopes. */
export class ColonyMemory {
  readonly #requester: Requester;

  constructor(requester: Requester) {
    this.#requester = requester;
  }

  /** @param name 1 to 128 letters, digits and `. _ : @ -` */
  scope(name: string): ScopedMemory {
    return new ScopedMemory(this.#requester, name);
  }

  /** Those that hold something, by name. */
  async *scopes({ prefix, signal }: { prefix?: string } & CallOptions = {}): AsyncGenerator<MemoryScope> {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const call = { ...get('/memory', signal), query: { prefix, cursor, limit: 1000 } };
      const page: { scopes: MemoryScope[]; next_cursor: string | null } = await this.#requester.json(call);
      yield* page.scopes;
      cursor = page.next_cursor;
    }
  }
}

/** One scope of it. */
export class ScopedMemory {
  readonly name: string;
  readonly #requester: Requester;
  readonly #path: string;

  constructor(requester: Requester, name: string) {
    this.name = name;
    this.#requester = requester;
    this.#path = `/memory/${segment(name)}`;
  }

  /** Null: there is nothing under it. */
  async get<T = Json>(key: string, { signal }: CallOptions = {}): Promise<MemoryEntry<T> | null> {
    const call = get(this.#pathOf(key), signal);
    return orNull(this.#requester.json<MemoryEntry<T>>(call));
  }

  /**
   * Replaces all that is under a key.
   * @throws ColonyError 412 `version_mismatch` when a condition does not hold. With a condition it is not sent again when no
   *   answer came, since the first may have been carried out: read what is there.
   */
  put<T = Json>(key: string, value: T, options: PutOptions = {}): Promise<MemoryEntry<T>> {
    const { ifVersion, ifAbsent, signal, ...fields } = options;
    const headers = headersOf({ ...(ifVersion !== undefined && { ifVersion }), ...(ifAbsent && { ifAbsent }) });
    const repeat = Object.keys(headers).length > 0 ? 'unsent' : 'safe';
    const body = JSON.stringify({ value: value ?? null, ...fields });
    return this.#requester.json({ method: 'PUT', path: this.#pathOf(key), body, headers, repeat, signal });
  }

  /** All or none, 1,000 at the most. Answers their versions. */
  async putMany(
    items: readonly MemoryItem[],
    { signal }: CallOptions = {},
  ): Promise<{ key: string; version: number }[]> {
    const call = post(`${this.#path}/batch`, { items }, 'safe', signal);
    return (await this.#requester.json<{ items: { key: string; version: number }[] }>(call)).items;
  }

  /**
   * Puts what `change` makes of what is there (null: nothing), with the fields that are given and no others. If somebody else
   * was faster it is asked again, so it may be called several times. Undefined: it stays as it is.
   */
  async update<T = Json>(
    key: string,
    change: (value: T | null, entry: MemoryEntry<T> | null) => T | undefined | Promise<T | undefined>,
    options: MemoryFields & CallOptions = {},
  ): Promise<MemoryEntry<T> | null> {
    for (;;) {
      const entry = await this.get<T>(key, options);
      const value = await change(entry?.value ?? null, entry);
      if (value === undefined) return entry;
      const condition = entry ? { ifVersion: entry.version } : { ifAbsent: true };
      try {
        return await this.put(key, value, { ...options, ...condition });
      } catch (error) {
        if (!(error instanceof ColonyError && error.code === 'version_mismatch')) throw error;
      }
    }
  }

  /**
   * Answers whether there was something. @throws ColonyError 412 `version_mismatch` when it is at another version. With a
   * condition it is not sent again when no answer came, as `put`.
   */
  async delete(key: string, options: Pick<MemoryCondition, 'ifVersion'> & CallOptions = {}): Promise<boolean> {
    const { ifVersion, signal } = options;
    const condition = ifVersion === undefined ? {} : { headers: headersOf({ ifVersion }), repeat: 'unsent' as const };
    return (await orNull(this.#requester.send({ ...remove(this.#pathOf(key), signal), ...condition }))) !== null;
  }

  /** By key. */
  async *list<T = Json>({ prefix, signal }: { prefix?: string } & CallOptions = {}): AsyncGenerator<MemoryEntry<T>> {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const call = { ...get(this.#path, signal), query: { prefix, cursor, limit: 1000 } };
      const page: { items: MemoryEntry<T>[]; next_cursor: string | null } = await this.#requester.json(call);
      yield* page.items;
      cursor = page.next_cursor;
    }
  }

  /** What is near in meaning, or in words, the nearest first. */
  search<T = Json>(question: MemoryQuestion, { signal }: CallOptions = {}): Promise<MemoryMatches<T>> {
    return this.#requester.json(post(`${this.#path}/search`, question, 'safe', signal));
  }

  #pathOf(key: string): string {
    return `${this.#path}/${segment(key)}`;
  }
}

function headersOf({ ifVersion, ifAbsent }: MemoryCondition): Record<string, string> {
  return {
    ...(ifVersion !== undefined && { 'if-match': ifVersion === '*' ? '*' : `"${ifVersion}"` }),
    ...(ifAbsent && { 'if-none-match': '*' }),
  };
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ColonyError && error.code === 'memory_key_not_found') return null;
    throw error;
  }
}
