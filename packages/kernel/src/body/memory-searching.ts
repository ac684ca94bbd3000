import type { Clock } from '../core/clock.ts';
import { EmbeddingRefused, EmbeddingUnavailable } from '../core/embedder.ts';
import { Refusal } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import {
  countOfEmbedded,
  EMPTY_SCOPE,
  isRemembered,
  type MemoryEntry,
  memoryFrom,
  memoryScopeFrom,
} from '../core/memory.ts';
import { type Filter, filterOf } from '../core/memory-filter.ts';
import { type MemoryFound, type MemorySearch, ScopeTooLarge } from '../core/memory-search.ts';
import type { Store } from '../core/store.ts';
import type { EmbeddingDesk } from './embedding-desk.ts';
import { type Fused, fuse } from './fusion.ts';

/** What somebody looks for. */
export interface MemoryQuestion {
  readonly text: string | null;
  /** Numbers as 32-bit floats. */
  readonly vector: Float32Array | null;
  readonly mode: 'hybrid' | 'vector' | 'text';
  readonly filter: JsonObject;
  readonly topK: number;
}

export interface MemoryAnswer {
  readonly matches: readonly (Pick<Fused, 'score' | 'scores'> & { readonly entry: MemoryEntry })[];
  /** So many more were found; with them the answer would be too long. */
  readonly omitted: number;
  /** Which model has said what the text means; null: none was asked. */
  readonly model: string | null;
  /** Of so many texts in the scope that is not known to it yet. */
  readonly incomplete: number;
  /** Why nothing could be looked for by meaning; null: it could, or was not to be. */
  readonly problem: string | null;
}

/** A ranking of two is made of so many of each, at least. */
const LEAST_IN_LIST = 50;
/** What was put a moment ago is to be found. */
const WAIT_MS = 1000;
const QUERY_MS = 5000;
/** Values may be large: an answer ends when it is this long, with one match at least, and reads so many at a time. */
const MOST_CHARACTERS = 8 * 1024 * 1024;
const AT_A_TIME = 25;

interface Searching {
  readonly store: Store;
  readonly clock: Clock;
  readonly embedding: EmbeddingDesk;
}

/**
 * Finds what is near to a text or a vector. A vector is compared with those that were put; a text with what texts mean to the
 * model that is in use, and by its words.
 */
export async function searchMemory(
  scope: string,
  question: MemoryQuestion,
  { store, clock, embedding }: Searching,
): Promise<MemoryAnswer | Refusal> {
  const { text, mode, filter, topK } = question;
  const meaning = await meaningOf(scope, question, embedding);
  if (meaning instanceof Refusal) return meaning;
  const document = await store.document('memory_scope', scope);
  const { dimension, texts, embedded } = document ? memoryScopeFrom(document) : EMPTY_SCOPE;
  const { vector } = question;
  if (vector !== null && dimension !== null && vector.length !== dimension) {
    const message = `must have ${dimension} numbers, as the vectors in ${scope}; it has ${vector.length}`;
    return new Refusal('validation_failed', `vector ${message}.`, { errors: [{ path: '/vector', message }] });
  }
  const near: MemorySearch['vector'] =
    vector !== null && mode !== 'text'
      ? { values: vector, space: 'given' }
      : meaning.values && { values: meaning.values, space: { model: embedding.model } };
  const words = mode === 'vector' ? null : text;
  const isHybrid = near !== null && words !== null;
  const hits = await searchedIn(store, {
    ...{ scope, vector: near, text: words, filter, now: clock.now().wall },
    limit: isHybrid ? Math.max(LEAST_IN_LIST, topK) : topK,
  });
  if (hits instanceof Refusal) return hits;
  const fused = fuse(hits, isHybrid, topK);
  const model = meaning.isAsked ? embedding.model : null;
  const known = countOfEmbedded(embedded, embedding.model, meaning.values?.length ?? embedding.dimension);
  const incomplete = model === null ? 0 : Math.max(0, texts - known);
  const found = await entriesOf(fused, store, clock.now().wall, filterOf(filter));
  return { ...found, model, incomplete, problem: meaning.problem };
}

async function searchedIn(store: Store, query: MemorySearch): Promise<MemoryFound | Refusal> {
  try {
    return await store.search(query);
  } catch (error) {
    if (!(error instanceof ScopeTooLarge)) throw error;
    const cure = 'Part it into several, or have the operator set COLONY_MEMORY_SEARCH_MIB';
    return new Refusal('scope_too_large', `The scope ${error.message}. ${cure}.`);
  }
}

/** Where the text's meaning is of use: when there is no vector to compare with. */
async function meaningOf(
  scope: string,
  { text, vector, mode }: MemoryQuestion,
  embedding: EmbeddingDesk,
): Promise<{ isAsked: boolean; values: Float32Array | null; problem: string | null } | Refusal> {
  if (text === null || vector !== null || mode === 'text') return { isAsked: false, values: null, problem: null };
  try {
    const values = await embedding.vectorOf(text, QUERY_MS);
    await embedding.settled(scope, WAIT_MS);
    return { isAsked: true, values, problem: null };
  } catch (error) {
    const isRefused = error instanceof EmbeddingRefused;
    if (!isRefused && !(error instanceof EmbeddingUnavailable)) throw error;
    const problem = isRefused ? error.refused[0]!.reason : error.message;
    // By its words it can still be found.
    if (mode === 'hybrid') return { isAsked: true, values: null, problem };
    if (!isRefused)
      return new Refusal('embedding_unavailable', `The model ${embedding.model} does not answer: ${problem}.`);
    const errors = [{ path: '/text', message: `means nothing to ${embedding.model}: ${problem}` }];
    return new Refusal('validation_failed', `text ${errors[0]!.message}.`, { errors });
  }
}

/** What has been replaced since it was found, and fits no more, is not there. */
async function entriesOf(
  fused: readonly Fused[],
  store: Store,
  now: number,
  fits: Filter,
): Promise<Pick<MemoryAnswer, 'matches' | 'omitted'>> {
  const matches: MemoryAnswer['matches'][number][] = [];
  let characters = 0;
  for (let from = 0; from < fused.length; from += AT_A_TIME) {
    const some = fused.slice(from, from + AT_A_TIME);
    const { documents } = await store.load({ documents: some.map(({ id }) => `memory ${id}`) });
    for (const [at, { id, score, scores }] of some.entries()) {
      const document = documents.get(`memory ${id}`);
      const entry = document ? memoryFrom(document) : null;
      if (!entry || !isRemembered(entry, now) || !fits(entry.metadata)) continue;
      characters += entry.value.length + JSON.stringify(entry.metadata).length;
      if (characters > MOST_CHARACTERS && matches.length > 0) return { matches, omitted: fused.length - from - at };
      matches.push({ entry, score, scores });
    }
  }
  return { matches, omitted: 0 };
}
