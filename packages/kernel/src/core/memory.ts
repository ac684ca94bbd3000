import type { Document } from './document.ts';
import type { JsonObject } from './json.ts';

/** What agents know together: values under keys, keys in scopes. */
export interface MemoryEntry {
  readonly scope: string;
  readonly key: string;
  /** Grows with every put, and none is used again for a key, also when the key was gone in between. */
  readonly version: number;
  /** As JSON text. */
  readonly value: string;
  readonly metadata: JsonObject;
  /** What it is found by in words; null: by none. */
  readonly text: string | null;
  /** What it is found by as a vector, as it was put: see `vectorText`. */
  readonly vector: string | null;
  /** What its text means to a model; null: nobody has asked one yet, or there is no text. */
  readonly embedding: Embedding | null;
  /** SHA-256 (hex) of what was put: what the ledger tells of it. */
  readonly hash: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Wall time from which on it is not there; null: it stays. */
  readonly expiresAt: number | null;
}

/** Vectors of one model can be compared with each other, and with no others. */
export interface Embedding {
  readonly model: string;
  /** See `vectorText`; null: the model has none for this text, and never will. */
  readonly vector: string | null;
}

/** What a scope holds, counted with every change of one of its keys. */
export interface MemoryScope {
  readonly scope: string;
  readonly createdAt: number;
  readonly keys: number;
  /** How many of them have a vector, and how long these are: as long as the first of them; null: there is none. */
  readonly vectors: number;
  readonly dimension: number | null;
  /** How many have a text, and of how many it is known what that means, by model and length: see `embeddedAs`. */
  readonly texts: number;
  readonly embedded: Readonly<Record<string, number>>;
  /** No key that is gone had a version above this one: a new one begins above it. */
  readonly floor: number;
}

/** What one holds that holds nothing. */
export const EMPTY_SCOPE = { keys: 0, vectors: 0, dimension: null, texts: 0, embedded: {} } as const;

/** One thing to be put; it replaces all that was under its key. */
export interface MemoryInput extends Pick<MemoryEntry, 'key' | 'value' | 'metadata' | 'text' | 'vector' | 'hash'> {
  readonly ttlMs: number | null;
  /** Where it stands in the request, as the start of a JSON pointer: '' or `/items/3`. */
  readonly path: string;
}

/** What must be so before anything is changed. */
export interface MemoryCondition {
  /** There is one at this version; `*`: at any. */
  readonly match: number | '*' | null;
  /** There is none. */
  readonly absent: boolean;
}

export interface PutMemory {
  readonly kind: 'put_memory';
  readonly actor: string;
  readonly scope: string;
  readonly items: readonly MemoryInput[];
  readonly condition: MemoryCondition;
}

/** What texts mean, as a model has found out: noted down where it is still about what is there. */
export interface EmbedMemory {
  readonly kind: 'embed_memory';
  readonly actor: string;
  readonly scope: string;
  readonly model: string;
  readonly items: readonly EmbeddedText[];
}

/** Version and hash say which text it was: where a store has lost something, a version may come again. */
export interface EmbeddedText extends Pick<MemoryEntry, 'key' | 'version' | 'hash'> {
  readonly vector: string | null;
}

export interface DeleteMemory {
  readonly kind: 'delete_memory';
  readonly actor: string;
  readonly scope: string;
  readonly key: string;
  readonly condition: MemoryCondition;
}

/** The sweeper: the time of an entry is over. */
export interface ExpireMemory {
  readonly kind: 'expire_memory';
  readonly actor: string;
  readonly scope: string;
  readonly key: string;
  /** What it had when that was found out: if it has another by now, it stays. */
  readonly expiresAt: number;
}

export type MemoryCommand = PutMemory | EmbedMemory | DeleteMemory | ExpireMemory;

export interface MemoryReplies {
  put_memory: { entries: readonly PutEntry[] };
  /** How many were noted down. */
  embed_memory: { embedded: number };
  delete_memory: Record<never, never>;
  expire_memory: Record<never, never>;
}

export interface PutEntry {
  readonly entry: MemoryEntry;
  /** There was none under its key. */
  readonly isNew: boolean;
}

/** How much may be remembered. */
export interface MemoryRules {
  readonly maxKeysPerScope: number;
}

/** The id of an entry's document: a scope has no slash, and what no id may hold is written as in a URL. */
export function memoryId(scope: string, key: string): string {
  return `${scope}/${escapedKey(key)}`;
}

export function scopeOf(id: string): string {
  return id.slice(0, id.indexOf('/'));
}

/** In the order of their ids entries stand as their keys do, by the bytes of UTF-8; but a space stands where % does. */
export function escapedKey(key: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return key.replace(/[%\x00-\x20\x7f]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

export function memoryName(scope: string, key: string): string {
  return `memory ${memoryId(scope, key)}`;
}

/** The state of those of which nobody knows what their texts mean. */
export const UNEMBEDDED = 'unembedded';
/** When a document was made says nothing here: its key may have been gone in between. */
const NEVER = 0;

export function memoryDocument(entry: MemoryEntry, version: number): Document {
  const { scope, expiresAt, ...body } = entry;
  const state = entry.text !== null && entry.embedding === null ? UNEMBEDDED : '';
  const fixed = { collection: 'memory', id: memoryId(scope, entry.key), version, state, createdAt: NEVER } as const;
  return { ...fixed, dueAt: expiresAt, endedAt: null, body: body as unknown as JsonObject };
}

export function memoryFrom({ id, dueAt, body }: Document): MemoryEntry {
  const rest = body as unknown as Omit<MemoryEntry, 'scope' | 'expiresAt'>;
  return { ...rest, scope: scopeOf(id), expiresAt: dueAt };
}

/**
 * Under which name it is counted that it is known what a text means: the model, and how long its vectors are. For a model behind
 * an endpoint may be replaced by another of the same name. Where it has none for a text, only the model.
 */
export function embeddedAs({ model, vector }: Embedding): string {
  return vector === null ? model : `${model} ${dimensionOf(vector)}`;
}

/** Of how many texts a model knows what they mean. @param dimension null: however long its vectors are */
export function countOfEmbedded(embedded: MemoryScope['embedded'], model: string, dimension: number | null): number {
  const begins = dimension === null ? `${model} ` : `${model} ${dimension}`;
  const counts = (name: string) => name === model || (dimension === null ? name.startsWith(begins) : name === begins);
  return Object.entries(embedded).reduce((sum, [name, count]) => sum + (counts(name) ? count : 0), 0);
}

/** Whether it is still there. */
export function isRemembered({ expiresAt }: Pick<MemoryEntry, 'expiresAt'>, now: number): boolean {
  return expiresAt === null || expiresAt > now;
}

export function memoryScopeName(scope: string): string {
  return `memory_scope ${scope}`;
}

export function memoryScopeDocument({ scope, ...body }: MemoryScope, version: number): Document {
  const fixed = { collection: 'memory_scope', id: scope, version, state: '', createdAt: NEVER } as const;
  return { ...fixed, dueAt: null, endedAt: null, body: { ...body } };
}

export function memoryScopeFrom({ id, body }: Document): MemoryScope {
  return { ...(body as unknown as Omit<MemoryScope, 'scope'>), scope: id };
}

/** A vector as it is kept: 32-bit floats, the lowest byte first, in base64. */
export function vectorText(numbers: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(numbers.length * 4));
  for (const [at, number] of numbers.entries()) view.setFloat32(at * 4, number, true);
  return Buffer.from(view.buffer).toString('base64');
}

export function vectorFrom(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Float32Array(bytes.length / 4);
  for (let at = 0; at < numbers.length; at++) numbers[at] = view.getFloat32(at * 4, true);
  return numbers;
}

/** How many numbers a vector that is kept has. */
export function dimensionOf(text: string): number {
  return Math.floor((text.length * 3) / 4 - (text.endsWith('==') ? 2 : Number(text.endsWith('=')))) / 4;
}
