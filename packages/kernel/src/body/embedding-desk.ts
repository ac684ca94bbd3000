import type { Clock } from '../core/clock.ts';
import type { Answer, Command } from '../core/command.ts';
import type { Document } from '../core/document.ts';
import { type Embedder, EmbeddingRefused, EmbeddingUnavailable } from '../core/embedder.ts';
import { StorageUnavailable } from '../core/errors.ts';
import {
  type EmbedMemory,
  type MemoryEntry,
  memoryFrom,
  memoryScopeFrom,
  UNEMBEDDED,
  vectorText,
} from '../core/memory.ts';
import type { Store } from '../core/store.ts';

/** More than this are not remembered: whoever looks later finds them in the store. */
const MOST_WAITING = 10_000;
/** So many texts, or so many characters, are embedded at once. */
const AT_ONCE = 64;
const CHARACTERS_AT_ONCE = 500_000;
/** After a fault nobody can name it is tried again after so long. */
const FAULT_MS = 5000;
/** So often the store is asked for texts that nobody sees to. */
const LOOK_EVERY_MS = 5000;

export interface EmbeddingDeskOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly embedder: Embedder;
  readonly execute: <C extends Command>(command: C) => Promise<Answer<C>>;
  readonly onFault: (error: unknown) => void;
}

/**
 * Sees to it that it becomes known what texts in memory mean. A text is stored first, whatever its model does meanwhile; what
 * it means is noted down when that is known. What a kernel leaves undone another one, or the next, finds in the store.
 */
export class EmbeddingDesk {
  readonly #options: EmbeddingDeskOptions;
  /** Ids of entries. */
  readonly #waiting = new Set<string>();
  readonly #underWay = new Set<string>();
  #running = false;
  #cancelTimer: (() => void) | null = null;
  #lookAt = 0;
  /** Of the scopes that are gone through for what another model has embedded: up to here; and the one that is being gone through. */
  #scopesAfter = '';
  #stale: { readonly scope: string; readonly after: string } | null = null;
  #stopped = false;
  readonly #abort = new AbortController();
  readonly #watchers = new Set<() => void>();

  constructor(options: EmbeddingDeskOptions) {
    this.#options = options;
  }

  get model(): string {
    return this.#options.embedder.model;
  }

  /** Nothing waits for the model, as far as memory goes. */
  get isIdle(): boolean {
    return !this.#running && this.#waiting.size === 0;
  }

  /** An entry was committed here. */
  follow(document: Document): void {
    if (this.#isWanted(document)) this.#want(document.id);
  }

  /** All may be otherwise now: whoever looks next does so at once. */
  lookSoon(): void {
    this.#lookAt = 0;
  }

  /** Now and then: whether there is something that nobody sees to. */
  async look(steady: number): Promise<void> {
    if (steady < this.#lookAt || this.#waiting.size > 0 || this.#running) return;
    this.#lookAt = steady + LOOK_EVERY_MS;
    const query = { collection: 'memory', state: UNEMBEDDED, limit: AT_ONCE } as const;
    const { items, more } = await this.#options.store.documents(query);
    for (const { id } of items) this.#want(id);
    if (more) this.#lookAt = 0;
    else if (items.length === 0) await this.#lookForOthers();
  }

  /** What another model, which was in use before, has found out about says nothing to this one. A scope at a time. */
  async #lookForOthers(): Promise<void> {
    const { store } = this.#options;
    const page = { limit: AT_ONCE, maxCharacters: CHARACTERS_AT_ONCE };
    if (this.#stale === null) {
      const behind = this.#scopesAfter === '' ? {} : { after: this.#scopesAfter };
      const scopes = await store.documentsNamed({ collection: 'memory_scope', prefix: '', ...behind, ...page });
      const stale = scopes.items.find((one) => this.#isStale(one));
      this.#scopesAfter = stale?.id ?? (scopes.more ? scopes.items.at(-1)!.id : '');
      this.#stale = stale ? { scope: stale.id, after: '' } : null;
    }
    if (this.#stale === null) return;
    const { scope, after } = this.#stale;
    const behind = after === '' ? {} : { after };
    const { items, more } = await store.documentsNamed({
      collection: 'memory',
      prefix: `${scope}/`,
      ...behind,
      ...page,
    });
    for (const document of items) if (this.#isWanted(document)) this.#want(document.id);
    this.#stale = more ? { scope, after: items.at(-1)!.id } : null;
    this.#lookAt = 0;
  }

  #isStale(document: Document): boolean {
    return Object.keys(memoryScopeFrom(document).embedded).some((model) => model !== this.model);
  }

  /** The vector of a text that somebody looks for; aborted after `waitMs`. Throws as `Embedder.embed` does. */
  async vectorOf(text: string, waitMs: number): Promise<Float32Array> {
    const late = new AbortController();
    const cancel = this.#options.clock.timer(waitMs, () =>
      late.abort(new EmbeddingUnavailable('it takes too long', 0)),
    );
    try {
      return (await this.#options.embedder.embed([text], AbortSignal.any([late.signal, this.#abort.signal])))[0]!;
    } finally {
      cancel();
    }
  }

  /** Resolves when what was put into a scope here before is embedded, or after `waitMs`. */
  async settled(scope: string, waitMs: number): Promise<void> {
    const isOpen = () => [...this.#waiting, ...this.#underWay].some((id) => id.startsWith(`${scope}/`));
    if (!isOpen() || this.#cancelTimer !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      if (!isOpen() || this.#cancelTimer !== null) resolve();
    };
    this.#watchers.add(check);
    const cancel = this.#options.clock.timer(waitMs, resolve);
    await promise;
    cancel();
    this.#watchers.delete(check);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#abort.abort(new EmbeddingUnavailable('the kernel is stopping', 0));
    await this.#options.embedder.close();
  }

  /** Whether it has a text of which this model does not know yet what it means. */
  #isWanted(document: Document | null): document is Document {
    if (document?.collection !== 'memory') return false;
    const { text, embedding } = memoryFrom(document);
    return text !== null && embedding?.model !== this.model;
  }

  #want(id: string): void {
    if (this.#stopped || this.#waiting.size >= MOST_WAITING) return;
    this.#waiting.add(id);
    if (!this.#running && this.#cancelTimer === null) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    let pauseMs = 0;
    while (this.#waiting.size > 0 && pauseMs === 0 && !this.#stopped) {
      const ids = [...this.#waiting].slice(0, AT_ONCE);
      for (const id of ids) {
        this.#waiting.delete(id);
        this.#underWay.add(id);
      }
      pauseMs = await this.#embed(ids).catch((error: unknown) => this.#pauseAfter(error));
      this.#underWay.clear();
      if (pauseMs > 0) for (const id of ids) this.#waiting.add(id);
      for (const check of this.#watchers) check();
    }
    this.#running = false;
    if (pauseMs > 0 && !this.#stopped) this.#pause(pauseMs);
  }

  #pause(ms: number): void {
    this.#cancelTimer = this.#options.clock.timer(ms, () => {
      this.#cancelTimer = null;
      void this.#run();
    });
    for (const check of this.#watchers) check();
  }

  #pauseAfter(error: unknown): number {
    if (error instanceof EmbeddingUnavailable) return Math.max(100, error.retryAfterMs);
    if (!(error instanceof StorageUnavailable)) this.#options.onFault(error);
    return FAULT_MS;
  }

  /** Answers 0: those it could not take along wait again. */
  async #embed(ids: readonly string[]): Promise<number> {
    const { store, embedder } = this.#options;
    const { documents } = await store.load({ documents: ids.map((id) => `memory ${id}`) });
    const entries: (MemoryEntry & { readonly text: string })[] = [];
    let characters = 0;
    for (const document of documents.values()) {
      if (!this.#isWanted(document)) continue;
      const entry = memoryFrom(document) as MemoryEntry & { readonly text: string };
      characters += entry.text.length;
      if (entries.length > 0 && characters > CHARACTERS_AT_ONCE) this.#waiting.add(document.id);
      else entries.push(entry);
    }
    if (entries.length === 0) return 0;
    const vectors = await this.#vectorsOf(entries.map(({ text }) => text));
    const found = entries.map(({ scope, key, version }, at) => {
      const vector = vectors[at];
      return { scope, item: { key, version, vector: vector ? vectorText([...vector]) : null } };
    });
    for (const [scope, some] of Map.groupBy(found, (one) => one.scope)) {
      const items = some.map(({ item }) => item);
      const command: EmbedMemory = { kind: 'embed_memory', actor: 'kernel', scope, model: embedder.model, items };
      await this.#options.execute(command);
    }
    return 0;
  }

  /** Null where the model has none for a text, and never will. */
  async #vectorsOf(texts: readonly string[]): Promise<readonly (Float32Array | null)[]> {
    try {
      return await this.#options.embedder.embed(texts, this.#abort.signal);
    } catch (error) {
      if (error instanceof EmbeddingRefused) return error.vectors;
      throw error;
    }
  }
}
