import type { Json, JsonObject } from './types.ts';

/** What is under a key of the memory that agents share. */
export interface MemoryEntry<T = Json> {
  scope: string;
  key: string;
  value: T;
  /** Grows with every put, and none is used again for a key. */
  version: number;
  metadata: JsonObject;
  text: string | null;
  created_at: string;
  updated_at: string;
  expires_at: string | null;
}

/** What goes with a value. A put replaces all of it: what is not given is gone. */
export interface MemoryFields {
  /** It is gone after so many seconds; it stays unless given. */
  ttl_seconds?: number | null;
  /** What it is found by in words, and by meaning. */
  text?: string | null;
  /** What it is found by as a vector; as long as the others in its scope. */
  vector?: readonly number[] | null;
  /** What searches can be narrowed by. */
  metadata?: JsonObject;
}

export interface MemoryItem extends MemoryFields {
  key: string;
  value: unknown;
}

/** What must be so for a put or a delete to be done; otherwise it is refused with `version_mismatch`. */
export interface MemoryCondition {
  /** The key is at this version; `*`: there is something under it. */
  ifVersion?: number | '*';
  /** There is nothing under it. */
  ifAbsent?: boolean;
}

export interface MemoryScope {
  scope: string;
  keys: number;
  /** How many of them have a vector, and how long these are. */
  vectors: number;
  dimension: number | null;
  created_at: string;
}

/** `text` or `vector`, or both. */
export interface MemoryQuestion {
  text?: string;
  vector?: readonly number[];
  /** 10 unless given. */
  top_k?: number;
  /** All of these are in the metadata. */
  filter?: JsonObject;
  /** `hybrid` unless given. */
  mode?: 'hybrid' | 'vector' | 'text';
}

export interface MemoryMatch<T = Json> {
  key: string;
  value: T;
  version: number;
  metadata: JsonObject;
  /** Grows with nearness; of one answer, comparable. */
  score: number;
  /** Null: it was not found by that. */
  scores: { vector: number | null; text: number | null };
}

export interface MemoryMatches<T = Json> {
  matches: MemoryMatch<T>[];
  /** So many more were found; with them the answer would be longer than 8 MiB. */
  omitted: number;
  /** The model that said what the text means; null: none was asked. */
  embedder: string | null;
  /** Of so many texts in the scope it is not known yet what they mean. */
  incomplete: number;
  /** Why nothing could be found by meaning. */
  problem: string | null;
}
