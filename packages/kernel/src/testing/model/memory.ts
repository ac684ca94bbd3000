import type { JsonObject } from '../../core/json.ts';
import type {
  DeleteMemory,
  EmbedMemory,
  MemoryCommand,
  MemoryCondition,
  MemoryInput,
  PutMemory,
} from '../../core/memory.ts';
import { Refused } from './colony.ts';
import { Scheduled } from './schedules.ts';

/** What is remembered, or was: what is gone stays with its last version. */
export interface ModelEntry {
  scope: string;
  key: string;
  version: number;
  gone: boolean;
  value: string;
  text: string | null;
  vector: string | null;
  embedding: { model: string; vector: string | null } | null;
  createdAt: number;
  updatedAt: number;
  expiresAt: number | null;
  hash: string;
}

export abstract class Remembering extends Scheduled {
  memory: ModelEntry[] = [];

  protected aboutMemory(command: MemoryCommand): unknown {
    if (command.kind === 'put_memory') return { entries: this.#put(command) };
    if (command.kind === 'embed_memory') return { embedded: this.#embed(command) };
    if (command.kind === 'delete_memory') this.#delete(command);
    else {
      const entry = this.#stored(command.scope, command.key);
      if (entry?.expiresAt === command.expiresAt && entry.expiresAt <= this.now.wall) this.#forget(entry, 'expired');
    }
    return {};
  }

  /** All or nothing: what was put before one that is refused is not. */
  #put({ scope, items, condition }: PutMemory): unknown[] {
    const before = this.memory.map((entry) => ({ ...entry }));
    try {
      const puts = items.map((item) => this.#putOne(scope, item, condition));
      const keys = (entries: ModelEntry[]) => entries.filter((one) => one.scope === scope && !one.gone).length;
      if (keys(this.memory) > Math.max(this.rules.memory.maxKeysPerScope, keys(before)))
        throw new Refused('scope_full');
      for (const { data } of puts) this.say('memory_written', 'kernel', data);
      return puts.map(({ answer }) => answer);
    } catch (error) {
      this.memory = before;
      throw error;
    }
  }

  #putOne(scope: string, item: MemoryInput, condition: MemoryCondition): { answer: unknown; data: JsonObject } {
    const { key, value, text, vector, hash, ttlMs } = item;
    this.#check(scope, key, condition);
    const there = this.#there(scope, key);
    const stored = this.#stored(scope, key);
    const others = this.memory.filter(
      (one) => one.scope === scope && !one.gone && one !== stored && one.vector !== null,
    );
    if (vector !== null && others.some((one) => one.vector!.length !== vector.length))
      throw new Refused('validation_failed');
    const gone = this.memory.filter((one) => one.scope === scope && one.gone).map(({ version }) => version);
    const version = (stored?.version ?? Math.max(0, ...gone)) + 1;
    const { wall } = this.now;
    const entry = {
      ...{
        scope,
        key,
        version,
        gone: false,
        value,
        text,
        vector,
        createdAt: there?.createdAt ?? wall,
        updatedAt: wall,
        hash,
      },
      expiresAt: ttlMs === null ? null : wall + ttlMs,
      embedding: null,
    };
    this.memory = [...this.memory.filter((one) => one !== stored), entry];
    return { answer: { key, version, isNew: there === undefined }, data: { hash, key, scope, version } };
  }

  #embed({ scope, model, items }: EmbedMemory): number {
    const keys: string[] = [];
    for (const { key, version, hash, vector } of items) {
      const entry = this.#stored(scope, key);
      if (entry?.version !== version || entry.hash !== hash || entry.text === null) continue;
      const { embedding } = entry;
      if (embedding?.model === model && embedding.vector?.length === vector?.length) continue;
      entry.embedding = { model, vector };
      keys.push(key);
    }
    if (keys.length > 0) this.say('memory_embedded', 'neurosphere', { keys, model, scope });
    return keys.length;
  }

  #delete({ scope, key, condition }: DeleteMemory): void {
    this.#check(scope, key, condition);
    const entry = this.#there(scope, key);
    if (!entry) throw new Refused('memory_key_not_found');
    this.#forget(entry, 'deleted');
  }

  #check(scope: string, key: string, { match, absent }: MemoryCondition): void {
    const entry = this.#there(scope, key);
    if (absent && entry) throw new Refused('version_mismatch');
    if (match !== null && (!entry || (match !== '*' && match !== entry.version))) throw new Refused('version_mismatch');
  }

  #forget(entry: ModelEntry, reason: string): void {
    entry.gone = true;
    const { key, scope, version } = entry;
    this.say('memory_deleted', 'kernel', { key, reason, scope, version });
  }

  #stored(scope: string, key: string): ModelEntry | undefined {
    return this.memory.find((one) => one.scope === scope && one.key === key && !one.gone);
  }

  /** Not if its time is over, though it is still stored. */
  #there(scope: string, key: string): ModelEntry | undefined {
    const entry = this.#stored(scope, key);
    return entry && (entry.expiresAt === null || entry.expiresAt > this.now.wall) ? entry : undefined;
  }
}
