import type { Replies } from '../../core/command.ts';
import { nameOf } from '../../core/document.ts';
import { Refusal } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import {
  type DeleteMemory,
  dimensionOf,
  EMPTY_SCOPE,
  type EmbeddedText,
  type EmbedMemory,
  type ExpireMemory,
  embeddedAs,
  isRemembered,
  type MemoryCommand,
  type MemoryCondition,
  type MemoryEntry,
  type MemoryInput,
  type MemoryScope,
  memoryDocument,
  memoryFrom,
  memoryName,
  memoryScopeDocument,
  memoryScopeFrom,
  memoryScopeName,
  type PutEntry,
  type PutMemory,
} from '../../core/memory.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { noSuchKey } from './missing.ts';

/**
 * Memory: entries are put, deleted, and forgotten when their time is over. What a scope holds is counted with them, in one
 * record, which also remembers the highest version of what is gone.
 */

export function needs(command: MemoryCommand, wanted: Wanted): void {
  const keys = 'items' in command ? command.items.map(({ key }) => key) : [command.key];
  for (const key of keys) wanted.document(memoryName(command.scope, key));
  wanted.document(memoryScopeName(command.scope));
}

export function put(slice: Slice, command: PutMemory): Decision<Replies['put_memory']> | Refusal {
  const change = new Change(slice, command.actor);
  const scope = new ScopeAhead(change, command.scope);
  const entries: PutEntry[] = [];
  for (const item of command.items) {
    const refusal = conditionOn(change, command.scope, item.key, command.condition) ?? scope.misfit(item);
    if (refusal) return refusal;
    entries.push(putOne(change, scope, item));
  }
  const full = scope.overfull(slice.rules.memory.maxKeysPerScope);
  if (full) return full;
  scope.keep();
  return { change, reply: { entries } };
}

function putOne(change: Change, scope: ScopeAhead, item: MemoryInput): PutEntry {
  const { wall } = change.slice.now;
  const { key, value, metadata, text, vector, hash, ttlMs } = item;
  const document = change.document(memoryName(scope.name, key));
  const prev = document && memoryFrom(document);
  const isNew = prev === null || !isRemembered(prev, wall);
  const version = (prev === null ? scope.floor : prev.version) + 1;
  const entry: MemoryEntry = {
    ...{ scope: scope.name, key, version, value, metadata, text, vector, embedding: null, hash },
    createdAt: isNew ? wall : prev.createdAt,
    updatedAt: wall,
    expiresAt: ttlMs === null ? null : wall + ttlMs,
  };
  const next = memoryDocument(entry, (document?.version ?? 0) + 1);
  if (document) change.updateDocument(document, next);
  else change.createDocument(next);
  scope.replace(prev, entry);
  change.event('memory_written', 'kernel', { hash, key, scope: scope.name, version });
  return { entry, isNew };
}

/**
 * What has been put in its place meanwhile is another text, and what another kernel was faster with need not be noted down
 * again. Nobody's version changes: it says the same as before.
 */
export function embed(slice: Slice, command: EmbedMemory): Decision<Replies['embed_memory']> {
  const change = new Change(slice, command.actor);
  const scope = new ScopeAhead(change, command.scope);
  const keys: string[] = [];
  for (const item of command.items) {
    const { key, vector } = item;
    const document = change.document(memoryName(command.scope, key));
    const entry = document && memoryFrom(document);
    const embedding = { model: command.model, vector };
    if (!entry || !isOf(entry, item) || (entry.embedding && embeddedAs(entry.embedding) === embeddedAs(embedding)))
      continue;
    const next = { ...entry, embedding };
    change.updateDocument(document, memoryDocument(next, document.version));
    scope.replace(entry, next);
    keys.push(key);
  }
  if (keys.length === 0) return { change: null, reply: { embedded: 0 } };
  scope.keep();
  change.event('memory_embedded', 'neurosphere', { keys, model: command.model, scope: command.scope });
  return { change, reply: { embedded: keys.length } };
}

/** Whether it is still the text that was asked about. */
function isOf({ text, version, hash }: MemoryEntry, asked: EmbeddedText): boolean {
  return text !== null && version === asked.version && hash === asked.hash;
}

export function remove(slice: Slice, command: DeleteMemory): Decision<Replies['delete_memory']> | Refusal {
  const change = new Change(slice, command.actor);
  const refusal = conditionOn(change, command.scope, command.key, command.condition);
  if (refusal) return refusal;
  const entry = entryIn(change, command.scope, command.key);
  if (!entry || !isRemembered(entry, slice.now.wall)) return noSuchKey(command.scope, command.key);
  forget(change, entry, 'deleted');
  return { change, reply: {} };
}

export function expire(slice: Slice, command: ExpireMemory): Decision<Replies['expire_memory']> {
  const change = new Change(slice, command.actor);
  const entry = entryIn(change, command.scope, command.key);
  if (entry?.expiresAt !== command.expiresAt || isRemembered(entry, slice.now.wall)) return { change: null, reply: {} };
  forget(change, entry, 'expired');
  return { change, reply: {} };
}

function forget(change: Change, entry: MemoryEntry, reason: 'deleted' | 'expired'): void {
  const { scope, key, version } = entry;
  change.removeDocument(change.document(memoryName(scope, key))!);
  const counted = new ScopeAhead(change, scope);
  counted.replace(entry, null);
  counted.keep();
  change.event('memory_deleted', 'kernel', { key, reason, scope, version });
}

function entryIn(change: Change, scope: string, key: string): MemoryEntry | null {
  const document = change.document(memoryName(scope, key));
  return document && memoryFrom(document);
}

/** Why not; null: what was asked for is so. */
function conditionOn(change: Change, scope: string, key: string, { match, absent }: MemoryCondition): Refusal | null {
  if (match === null && !absent) return null;
  const entry = entryIn(change, scope, key);
  const isThere = entry !== null && isRemembered(entry, change.slice.now.wall);
  const stands = isThere ? `it is at version ${entry.version}` : 'it is not there';
  const asked = absent ? 'that there is none' : match === '*' ? 'that there is one' : `version ${match}`;
  const holds = absent ? !isThere : isThere && (match === '*' || match === entry.version);
  if (holds) return null;
  return new Refusal('version_mismatch', `Asked for was ${asked} under ${key} in ${scope}, but ${stands}.`);
}

/** What a scope will hold once what is being decided is carried out. */
class ScopeAhead {
  readonly name: string;
  readonly #change: Change;
  readonly #before: MemoryScope;
  #scope: MemoryScope;

  constructor(change: Change, name: string) {
    this.name = name;
    this.#change = change;
    const document = change.document(memoryScopeName(name));
    const { wall } = change.slice.now;
    this.#before = document ? memoryScopeFrom(document) : { scope: name, createdAt: wall, ...EMPTY_SCOPE, floor: 0 };
    this.#scope = this.#before;
  }

  get floor(): number {
    return this.#scope.floor;
  }

  /** Why a vector does not fit in. */
  misfit({ vector, path, key }: MemoryInput): Refusal | null {
    const { dimension, vectors } = this.#scope;
    if (vector === null || dimension === null || dimensionOf(vector) === dimension) return null;
    // The only one there is may be replaced by one of another length.
    const before = entryIn(this.#change, this.name, key);
    if (vectors === 1 && before !== null && before.vector !== null) return null;
    const message = `must have ${dimension} numbers, as the other vectors in ${this.name}; it has ${dimensionOf(vector)}`;
    const errors = [{ path: `${path}/vector`, message }];
    return new Refusal('validation_failed', `${errors[0]!.path.slice(1)} ${message}.`, { errors });
  }

  overfull(most: number): Refusal | null {
    if (this.#scope.keys <= most || this.#scope.keys <= this.#before.keys) return null;
    const detail = `The scope ${this.name} may hold ${most} keys (COLONY_MEMORY_MAX_KEYS). Delete some, let them expire (ttl_seconds), or use another scope.`;
    return new Refusal('scope_full', detail);
  }

  replace(prev: MemoryEntry | null, next: MemoryEntry | null): void {
    const { keys, vectors, dimension, texts, embedded, floor, ...rest } = this.#scope;
    const count = vectors + Number(next?.vector != null) - Number(prev?.vector != null);
    this.#scope = {
      ...rest,
      keys: keys + Number(next !== null) - Number(prev !== null),
      vectors: count,
      texts: texts + Number(next?.text != null) - Number(prev?.text != null),
      embedded: counted(counted(embedded, prev, -1), next, 1),
      dimension: count === 0 ? null : next?.vector == null ? dimension : dimensionOf(next.vector),
      floor: next === null ? Math.max(floor, prev!.version) : floor,
    };
  }

  keep(): void {
    const [before, now] = [this.#before, this.#scope];
    const isSame = canonicalJson(before) === canonicalJson(now);
    const document = this.#change.document(memoryScopeName(this.name));
    if (document === null) this.#change.createDocument(memoryScopeDocument(now, 1));
    else if (!isSame) this.#change.updateDocument(document, memoryScopeDocument(now, document.version));
    // A key that was deleted and put anew may look like the one it was, but then its scope has changed. And whether a vector fits
    // in rests on it as well.
    else this.#change.readDocument(nameOf(document));
  }
}

/** By model and length; of those that nothing is left of nothing is said. */
function counted(embedded: MemoryScope['embedded'], entry: MemoryEntry | null, by: number): MemoryScope['embedded'] {
  if (entry?.embedding == null) return embedded;
  const name = embeddedAs(entry.embedding);
  const { [name]: count = 0, ...others } = embedded;
  return count + by <= 0 ? others : { ...others, [name]: count + by };
}
