import type { JsonObject } from './json.ts';

/** What is looked for in one scope of the memory. */
export interface MemorySearch {
  readonly scope: string;
  /** Nearest by cosine to this vector, which has a length above 0; null: not by a vector. */
  readonly vector: { readonly values: Float32Array; readonly space: VectorSpace } | null;
  /** What holds some of these words, those first that hold more and rarer ones; null: not by words. */
  readonly text: string | null;
  /** All of these are in the metadata, each equal to what is said here as JSON. */
  readonly filter: JsonObject;
  /** So many at the most, of each kind. */
  readonly limit: number;
  /** Wall time: what has expired is not found. */
  readonly now: number;
}

/** Which vectors are compared: those that were put, or what texts mean to a model. */
export type VectorSpace = 'given' | { readonly model: string };

/** The best first; of equals the one whose id comes first, by the bytes of UTF-8. */
export interface MemoryFound {
  /** Scores are cosines, from -1 to 1. */
  readonly byVector: readonly Hit[];
  /** Scores are BM25, above 0, and grow with nearness. */
  readonly byText: readonly Hit[];
}

/** A scope takes more of this kernel's memory to be searched than is set aside for that. */
export class ScopeTooLarge extends Error {
  override readonly name = 'ScopeTooLarge';

  constructor(scope: string, bytes: number) {
    super(`${scope} takes more than the ${Math.floor(bytes / 1024 ** 2)} MiB that copies to search in may take`);
  }
}

export interface Hit {
  /** The entry's document: see `memoryId`. */
  readonly id: string;
  readonly score: number;
}
