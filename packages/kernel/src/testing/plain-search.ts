import { canonicalJson } from '../core/json.ts';
import { isRemembered, type MemoryEntry, memoryId, vectorFrom } from '../core/memory.ts';
import type { MemoryFound, MemorySearch } from '../core/memory-search.ts';
import { presence, rarity } from '../memory/bm25.ts';
import { cosine } from '../memory/cosine.ts';
import { wantedWords, wordsOf } from '../memory/words.ts';

interface Scored {
  readonly id: string;
  readonly score: number;
}

/** What a search must find, told the plain way: every entry of a scope is looked at. */
export function plainSearch(entries: readonly MemoryEntry[], query: MemorySearch): MemoryFound {
  const all = entries.filter(({ scope }) => scope === query.scope);
  const among = all.filter((entry) => isRemembered(entry, query.now) && fits(entry, query));
  const best = (scored: readonly (Scored | null)[]) => scored.filter((one) => one !== null).sort(inOrder);
  return {
    byVector: best(among.map((entry) => nearness(entry, query))).slice(0, query.limit),
    byText: best(among.map((entry) => aptness(entry, all, query))).slice(0, query.limit),
  };
}

function fits({ metadata }: MemoryEntry, { filter }: MemorySearch): boolean {
  return Object.entries(filter).every(
    ([field, value]) => Object.hasOwn(metadata, field) && canonicalJson(metadata[field]) === canonicalJson(value),
  );
}

function nearness(entry: MemoryEntry, { vector }: MemorySearch): Scored | null {
  if (vector === null) return null;
  const { space, values } = vector;
  const isTheModel = space !== 'given' && entry.embedding?.model === space.model;
  const kept = space === 'given' ? entry.vector : isTheModel ? (entry.embedding?.vector ?? null) : null;
  const numbers = kept === null ? null : vectorFrom(kept);
  if (numbers?.length !== values.length) return null;
  return { id: memoryId(entry.scope, entry.key), score: cosine(numbers, values) };
}

function aptness(entry: MemoryEntry, all: readonly MemoryEntry[], { text }: MemorySearch): Scored | null {
  if (text === null || entry.text === null) return null;
  const texts = all.flatMap((one) => (one.text === null ? [] : [wordsOf(one.text)]));
  const mean = texts.reduce((sum, words) => sum + words.length, 0) / texts.length;
  const own = wordsOf(entry.text);
  let score = 0;
  for (const word of wantedWords(text)) {
    const having = texts.filter((words) => words.includes(word)).length;
    const times = own.filter((one) => one === word).length;
    if (times > 0) score += rarity(texts.length, having) * presence(times, own.length, mean);
  }
  return score > 0 ? { id: memoryId(entry.scope, entry.key), score } : null;
}

/** Ids are compared as bytes. */
function inOrder(one: Scored, other: Scored): number {
  return other.score - one.score || Buffer.compare(Buffer.from(one.id), Buffer.from(other.id));
}
