import { type Collection, type Document, lengthOf, nameOf } from '../../core/document.ts';
import { scopeOf } from '../../core/memory.ts';
import { isBefore } from '../../core/order.ts';
import type { DocumentQuery, NamedQuery, Page } from '../../core/store.ts';
import type { RedisConnection, Reply } from '../../redis/connection.ts';
import { Script } from '../../redis/script.ts';
import { SAVES_OTHERWISE } from './expected-saving.ts';
import type { Keys } from './keys.ts';
import { LOWEST_SCORE, type Writes } from './writes.ts';

/** The documents of all collections: one hash by their names, and sorted sets by which they are listed and become due. */

type Fixed = [state: string, createdAt: number, dueAt: number | null, endedAt: number | null];

/** As it is stored, in three lines: its version, how it is found, what it says. */
export function documentText({ version, state, createdAt, dueAt, endedAt, body }: Document): string {
  const fixed: Fixed = [state, createdAt, dueAt, endedAt];
  return `${version}\n${JSON.stringify(fixed)}\n${JSON.stringify(body)}`;
}

export function documentFrom(name: string, text: string): Document {
  const [version, fixed, body] = text.split('\n') as [string, string, string];
  const [state, createdAt, dueAt, endedAt] = JSON.parse(fixed) as Fixed;
  const cut = name.indexOf(' ');
  const [collection, id] = [name.slice(0, cut) as Collection, name.slice(cut + 1)];
  return { collection, id, version: Number(version), state, createdAt, dueAt, endedAt, body: JSON.parse(body) };
}

/** From this score on stands what expires from memory: it may be much, and nothing else waits for it. */
export const EXPIRING_FROM = 1e15;

function dueScore(document: Document | null): number | null {
  if (document === null || document.dueAt === null) return null;
  return document.collection === 'memory' ? EXPIRING_FROM + document.dueAt : document.dueAt;
}

/** Collects what a document's change comes to beside its record. */
export function placeDocument(
  writes: Writes,
  keys: Keys,
  name: string,
  first: Document | null,
  last: Document | null,
): void {
  const sets = (document: Document | null) =>
    document === null ? [] : [keys.listed(document.collection), keys.listed(document.collection, document.state)];
  const [was, is] = [sets(first), sets(last)];
  for (const set of was) if (!is.includes(set)) writes.unrank(set, first!.id);
  for (const set of is) if (!was.includes(set)) writes.rank(set, last!.createdAt, last!.id);
  const { collection, id } = (last ?? first)!;
  if (keys.isNamed(collection) && (first === null) !== (last === null)) {
    if (last) writes.rank(keys.named(collection), 0, id);
    else writes.unrank(keys.named(collection), id);
  }
  if (collection === 'memory') writes.note(keys.memoryChanges(scopeOf(id)), id);
  writes.move(keys.documentsDue, name, dueScore(first), dueScore(last));
  writes.move(keys.documentsEnded, name, first?.endedAt ?? null, last?.endedAt ?? null);
}

/**
 * Removes documents that are of no use any more, the earliest first. Arguments: prefix, time before which they became so,
 * how many at the most, how the store must save. Answers how many went.
 */
const REMOVE_ENDED = new Script(`
${SAVES_OTHERWISE}
if savesOtherwise(ARGV[1], ARGV[4]) then return 0 end
local documents, ended = ARGV[1] .. 'documents', ARGV[1] .. 'documents-ended'
local names = redis.call('ZRANGEBYSCORE', ended, '${LOWEST_SCORE}', '(' .. ARGV[2], 'LIMIT', 0, ARGV[3])
for _, name in ipairs(names) do
  local collection, id = string.match(name, '^(%S+) (.*)$')
  local text = redis.call('HGET', documents, name)
  local state = text and cjson.decode(string.match(text, '^%d+\\n([^\\n]*)\\n'))[1]
  local listed = ARGV[1] .. 'documents:' .. collection
  redis.call('ZREM', listed, id)
  if state then redis.call('ZREM', listed .. ':' .. state, id) end
  redis.call('ZREM', ARGV[1] .. 'documents-due', name)
  redis.call('ZREM', ended, name)
  redis.call('HDEL', documents, name)
end
return #names
`);

/**
 * Some documents, as many as are not too long together, and one at least. Arguments: prefix, how many bytes, names. Answers
 * their texts, in that order; of names behind them it says nothing.
 */
const SOME = new Script(`
local documents, left = ARGV[1] .. 'documents', tonumber(ARGV[2])
local answer = {}
for at = 3, #ARGV do
  local text = redis.call('HGET', documents, ARGV[at])
  left = left - #(text or '')
  if left < 0 and #answer > 0 then break end
  answer[#answer + 1] = text
end
return answer
`);

/** So many are read at once where each may be large. */
const A_FEW = 16;

/** Reads them, and lets retention have those that have had their day. */
export class Documents {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;

  constructor(redis: RedisConnection, keys: Keys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async one(collection: Collection, id: string): Promise<Document | null> {
    return (await this.named([nameOf({ collection, id })]))[0] ?? null;
  }

  /** Those that are there. */
  async named(names: readonly string[]): Promise<Document[]> {
    if (names.length === 0) return [];
    const texts = await this.#redis.send('HMGET', this.#keys.documents, ...names);
    return [...documentsFrom(names, texts).values()].filter((document) => document !== null);
  }

  /** The first of them, one at least, as many as are not longer than so many bytes together: how many, and those that are there. */
  async first(names: readonly string[], bytes: number): Promise<{ count: number; found: Document[] }> {
    if (names.length === 0) return { count: 0, found: [] };
    const texts = (await this.#redis.run(SOME, [this.#keys.prefix, String(bytes), ...names])) as Reply[];
    const asked = names.slice(0, texts.length);
    const found = [...documentsFrom(asked, texts).values()].filter((document) => document !== null);
    return { count: texts.length, found };
  }

  async list({ collection, state, before, limit }: DocumentQuery): Promise<Page<Document>> {
    const set = this.#keys.listed(collection, state);
    const [same, others] = (await this.#redis.pipeline([
      // Of the same moment there are few.
      ['ZREVRANGEBYSCORE', set, ...(before ? [String(before.createdAt), String(before.createdAt)] : ['-inf', '-inf'])],
      ['ZREVRANGEBYSCORE', set, before ? `(${before.createdAt}` : '+inf', '-inf', 'LIMIT', '0', String(limit + 1)],
    ])) as [string[], string[]];
    const behind = before ? same.filter((id) => isBefore(id, before.id)) : [];
    const ids = [...behind, ...others];
    const items = await this.named(ids.slice(0, limit).map((id) => nameOf({ collection, id })));
    return { items, more: ids.length > limit };
  }

  /** In the order of their ids, a few at a time: they may be large. */
  async listNamed({ collection, prefix, after, limit, maxCharacters }: NamedQuery): Promise<Page<Document>> {
    const items: Document[] = [];
    let characters = 0;
    let from = after === undefined || isBefore(after, prefix) ? `[${prefix}` : `(${after}`;
    for (;;) {
      const range = ['ZRANGEBYLEX', this.#keys.named(collection), from, '+', 'LIMIT', '0', String(A_FEW)];
      const found = (await this.#redis.send(...range)) as string[];
      const ids = found.filter((id) => id.startsWith(prefix));
      // Some may have gone since.
      for (const document of await this.named(ids.map((id) => nameOf({ collection, id })))) {
        characters += lengthOf(document);
        const isFull = items.length === limit || (items.length > 0 && characters > maxCharacters);
        if (isFull) return { items, more: true };
        items.push(document);
      }
      if (ids.length < A_FEW) return { items, more: false };
      from = `(${ids.at(-1)}`;
    }
  }

  /** @param saving how the store must save for it, as text */
  async removeEnded(time: number, limit: number, saving: string): Promise<number> {
    const args = [this.#keys.prefix, String(time), String(limit), saving];
    return (await this.#redis.run(REMOVE_ENDED, args)) as number;
  }
}

/** Out of the answer to `HMGET`. */
export function documentsFrom(names: readonly string[], reply: Reply): Map<string, Document | null> {
  const texts = reply as (string | null)[];
  return new Map(names.map((name, at) => [name, texts[at] == null ? null : documentFrom(name, texts[at])]));
}
