import type { Document } from '../core/document.ts';
import { canonicalJson } from '../core/json.ts';
import { isRemembered, type MemoryEntry, memoryFrom, vectorFrom } from '../core/memory.ts';
import type { Hit, MemoryFound, MemorySearch } from '../core/memory-search.ts';
import { presence, rarity } from '../memory/bm25.ts';
import { cosine } from '../memory/cosine.ts';
import { wantedWords, wordsOf } from '../memory/words.ts';

/** What a search is to find, by looking through all there is: slow, and plain. */
export function lookThrough(documents: readonly Document[], query: MemorySearch): MemoryFound {
  const all = documents
    .map((document) => ({ id: document.id, entry: memoryFrom(document) }))
    .filter(({ entry }) => entry.scope === query.scope);
  const may = all.filter(({ entry }) => isRemembered(entry, query.now) && fits(entry, query));
  const { text, vector, limit } = query;
  return {
    byVector: vector === null ? [] : best(limit, near(may, vector)),
    byText: text === null ? [] : best(limit, worded(all, may, text)),
  };
}

interface Named {
  readonly id: string;
  readonly entry: MemoryEntry;
}

function fits({ metadata }: MemoryEntry, { filter }: MemorySearch): boolean {
  return Object.entries(filter).every(
    ([field, value]) => Object.hasOwn(metadata, field) && canonicalJson(metadata[field]) === canonicalJson(value),
  );
}

function near(may: readonly Named[], { values, space }: NonNullable<MemorySearch['vector']>): Hit[] {
  return may.flatMap(({ id, entry: { vector, embedding } }) => {
    const theirs = space === 'given' ? vector : embedding?.model === space.model ? embedding.vector : null;
    const numbers = theirs === null ? null : vectorFrom(theirs);
    return numbers?.length === values.length ? [{ id, score: cosine(values, numbers) }] : [];
  });
}

function worded(all: readonly Named[], may: readonly Named[], text: string): Hit[] {
  const counted = new Map(all.map(({ id, entry }) => [id, entry.text === null ? null : wordsOf(entry.text)]));
  const texts = [...counted.values()].filter((words) => words !== null);
  const mean = texts.reduce((sum, words) => sum + words.length, 0) / texts.length;
  return may.flatMap(({ id }) => {
    const words = counted.get(id);
    if (!words) return [];
    let score = 0;
    for (const wanted of wantedWords(text)) {
      const times = words.filter((word) => word === wanted).length;
      const having = texts.filter((others) => others.includes(wanted)).length;
      if (times > 0) score += rarity(texts.length, having) * presence(times, words.length, mean);
    }
    return score > 0 ? [{ id, score }] : [];
  });
}

function best(limit: number, hits: Hit[]): Hit[] {
  const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  return hits.sort((a, b) => b.score - a.score || byBytes(a.id, b.id)).slice(0, limit);
}
