import type { Clock } from '../core/clock.ts';
import type { Answer, Command } from '../core/command.ts';
import type { Document } from '../core/document.ts';
import { type Embedder, EmbeddingRefused, EmbeddingUnavailable } from '../core/embedder.ts';
import { StorageUnavailable } from '../core/errors.ts';
import {
  countOfEmbedded,
  dimensionOf,
  type EmbedMemory,
  type MemoryEntry,
  memoryFrom,
  memoryScopeFrom,
  scopeOf,
  UNEMBEDDED,
  vectorText,
} from '../core/memory.ts';
import type { Store } from '../core/store.ts';
import { OutdatedTexts } from './outdated-texts.ts';
import { SetAside } from './set-aside.ts';
import { WaitingEntries } from './waiting-entries.ts';

/** More than this are not remembered: whoever looks later finds them in the store. */
const MOST_WAITING = 10_000;
/** So many texts, or so many characters, are embedded at once. */
const AT_ONCE = 64;
const CHARACTERS_AT_ONCE = 500_000;
/** After a fault nobody can name it is tried again after so long. */
const FAULT_MS = 5000;
/** From the second failure in a row on there is a pause of at least so much, which doubles each time, up to a bound. */
const PAUSE_MS = 500;
const MOST_PAUSE_MS = 60_000;
/** Longer than that the model is not left alone, whatever it says: it may be back before, and nobody would notice. */
const LONGEST_PAUSE_MS = 300_000;
const HARMLESS = 'ok';
const HARMLESS_MS = 30_000;
/** So often the store is asked for texts that nobody sees to. */
const LOOK_EVERY_MS = 5000;

export interface EmbeddingDeskOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly embedder: Embedder;
  readonly execute: <C extends Command>(command: C) => Promise<Answer<C>>;
  readonly onFault: (error: unknown) => void;
}

type Text = MemoryEntry & { readonly text: string };

/**
 * Sees to it that it becomes known what texts in memory mean. A text is stored first, whatever its model does meanwhile; what
 * it means is noted down when that is known. What a kernel leaves undone another one, or the next, finds in the store.
 */
export class EmbeddingDesk {
  readonly #options: EmbeddingDeskOptions;
  readonly #waiting = new WaitingEntries();
  /** Ids of entries. */
  readonly #underWay = new Set<string>();
  #running = false;
  #cancelTimer: (() => void) | null = null;
  /**
   * After a failure half as many are asked for, after a success twice as many again: a text on which the model fails each time
   * (and does not say that it refuses it) soon stands alone, is set aside, and keeps no others waiting.
   */
  #atOnce = AT_ONCE;
  #failures = 0;
  readonly #aside = new SetAside();
  /** How long it took the last time. */
  #lastMs = 0;
  #lookAt = 0;
  /** What stands before this one in the store has been looked at. */
  #lookedTo: Document | null = null;
  readonly #outdated: OutdatedTexts;
  #stopped = false;
  readonly #abort = new AbortController();
  readonly #watchers = new Set<() => void>();

  constructor(options: EmbeddingDeskOptions) {
    this.#options = options;
    this.#outdated = new OutdatedTexts({
      store: options.store,
      isOutdated: (scope) => this.#isOutdated(scope),
      isWanted: (entry) => this.#isWanted(entry),
    });
  }

  get model(): string {
    return this.#options.embedder.model;
  }

  /** How long its vectors are; null: that is not known yet. */
  get dimension(): number | null {
    return this.#options.embedder.dimension;
  }

  /** Nothing is asked of the model at the moment, as far as memory goes. */
  get isIdle(): boolean {
    return !this.#running;
  }

  /** How many texts wait here for the model. */
  get waiting(): number {
    return this.#waiting.size + this.#underWay.size;
  }

  /** An entry was committed here. */
  follow(document: Document): void {
    if (this.#isWanted(document)) this.#want(document.id);
  }

  /** All may be otherwise now: whoever looks next does so at once. */
  lookSoon(): void {
    this.#lookAt = 0;
    this.#lookedTo = null;
  }

  /** Now and then: whether there is something that nobody sees to. A page at a time, until there is enough to do. */
  async look(steady: number): Promise<void> {
    if (steady < this.#lookAt || this.#running || this.#waiting.size >= AT_ONCE) return;
    this.#lookAt = steady + LOOK_EVERY_MS;
    const behind = this.#lookedTo === null ? {} : { before: this.#lookedTo };
    const query = { collection: 'memory', state: UNEMBEDDED, limit: AT_ONCE, ...behind } as const;
    const { items, more } = await this.#options.store.documents(query);
    this.#lookedTo = more ? items.at(-1)! : null;
    const isFound = (id: string) => !this.#waiting.has(id) && !this.#aside.has(id, steady);
    const found = items.map(({ id }) => id).filter(isFound);
    const outdated = found.length === 0 && !more ? await this.#outdated.next() : null;
    for (const id of outdated?.filter(isFound) ?? found) this.#want(id);
    if (more || outdated !== null) this.#lookAt = 0;
  }

  /** Whether something in it was found out by another model, or by this one when its vectors were of another length. */
  #isOutdated(scope: Document): boolean {
    const { embedded } = memoryScopeFrom(scope);
    const all = Object.values(embedded).reduce((sum, count) => sum + count, 0);
    return all > countOfEmbedded(embedded, this.model, this.dimension);
  }

  /** The vector of a text that somebody looks for; aborted after `waitMs`. Throws as `Embedder.embed` does. */
  async vectorOf(text: string, waitMs: number): Promise<Float32Array> {
    const { embedder, clock } = this.#options;
    const late = new AbortController();
    const cancel = clock.timer(waitMs, () => late.abort(new EmbeddingUnavailable('it takes too long', 0)));
    try {
      return (await embedder.embed([text], AbortSignal.any([late.signal, this.#abort.signal]), true))[0]!;
    } finally {
      cancel();
    }
  }

  /**
   * Resolves when what was put into a scope here before is embedded, or after `waitMs`; at once when that is not to be expected
   * in that time.
   */
  async settled(scope: string, waitMs: number): Promise<void> {
    const isOpen = () => !this.#stopped && this.#cancelTimer === null && this.#openIn(scope) > 0;
    if (!isOpen() || Math.ceil(this.#openIn(scope) / AT_ONCE) * this.#lastMs > waitMs) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      if (!isOpen()) resolve();
    };
    this.#watchers.add(check);
    const cancel = this.#options.clock.timer(waitMs, resolve);
    await promise;
    cancel();
    this.#watchers.delete(check);
  }

  /** How many texts of a scope wait, or are being embedded. */
  #openIn(scope: string): number {
    return this.#waiting.countOf(scope) + [...this.#underWay].filter((id) => scopeOf(id) === scope).length;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#abort.abort(new EmbeddingUnavailable('the kernel is stopping', 0));
    this.#tell();
    await this.#options.embedder.close();
  }

  /** Whether it has a text of which this model does not know yet what it means. */
  #isWanted(document: Document): boolean {
    if (document.collection !== 'memory') return false;
    const { text, embedding } = memoryFrom(document);
    if (text === null) return false;
    if (embedding?.model !== this.model) return true;
    const { vector } = embedding;
    return vector !== null && this.dimension !== null && dimensionOf(vector) !== this.dimension;
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
      const ids = this.#waiting.take(this.#atOnce);
      for (const id of ids) this.#underWay.add(id);
      const begunAt = this.#options.clock.now().steady;
      pauseMs = await this.#embed(ids).then(
        () => this.#succeeded(),
        (error: unknown) => this.#pauseAfter(error, ids),
      );
      this.#lastMs = this.#options.clock.now().steady - begunAt;
      this.#underWay.clear();
      this.#tell();
    }
    this.#running = false;
    if (pauseMs > 0 && !this.#stopped) this.#pause(pauseMs);
  }

  #pause(ms: number): void {
    this.#cancelTimer = this.#options.clock.timer(ms, () => {
      this.#cancelTimer = null;
      void this.#run();
    });
    this.#tell();
  }

  /** Whoever waits for something to be embedded may look again. */
  #tell(): void {
    for (const check of this.#watchers) check();
  }

  #succeeded(): number {
    this.#failures = 0;
    this.#atOnce = Math.min(AT_ONCE, 2 * this.#atOnce);
    return 0;
  }

  #pauseAfter(error: unknown, ids: readonly string[]): number {
    for (const id of ids) this.#waiting.add(id);
    const longerMs = this.#failures === 0 ? 0 : Math.min(MOST_PAUSE_MS, PAUSE_MS * 2 ** this.#failures);
    this.#failures++;
    if (error instanceof EmbeddingUnavailable) {
      this.#atOnce = Math.max(1, this.#atOnce >> 1);
      return Math.min(LONGEST_PAUSE_MS, Math.max(100, error.retryAfterMs, longerMs));
    }
    if (!(error instanceof StorageUnavailable)) this.#options.onFault(error);
    return Math.max(FAULT_MS, longerMs);
  }

  async #embed(ids: readonly string[]): Promise<void> {
    const texts = await this.#textsOf(ids);
    if (texts.length === 0) return;
    const { embedder, execute } = this.#options;
    const { model } = embedder;
    const vectors = await this.#asked(ids, texts);
    if (vectors === null) return;
    const found = texts.map(({ scope, key, version, hash }, at) => {
      const vector = vectors[at];
      return { scope, item: { key, version, hash, vector: vector ? vectorText([...vector]) : null } };
    });
    for (const [scope, some] of Map.groupBy(found, (one) => one.scope)) {
      const items = some.map(({ item }) => item);
      const command: EmbedMemory = { kind: 'embed_memory', actor: 'kernel', scope, model, items };
      await execute(command);
    }
  }

  /** Those that are still wanted. What cannot be taken along waits again. */
  async #textsOf(ids: readonly string[]): Promise<Text[]> {
    const { documents } = await this.#options.store.load({ documents: ids.map((id) => `memory ${id}`) });
    const texts: Text[] = [];
    let characters = 0;
    for (const document of documents.values()) {
      if (document === null || !this.#isWanted(document)) continue;
      const entry = memoryFrom(document) as Text;
      characters += entry.text.length;
      if (texts.length > 0 && characters > CHARACTERS_AT_ONCE) this.#waiting.add(document.id);
      else texts.push(entry);
    }
    return texts;
  }

  /** Null: it is this one text on which the model fails, and so it is set aside. */
  async #asked(ids: readonly string[], texts: readonly Text[]): Promise<readonly (Float32Array | null)[] | null> {
    const alone = ids.length === 1 ? ids[0]! : null;
    // What makes a model fail may take it a while to recover from: so it is not asked for again before that.
    const isProven = alone !== null && this.#aside.isSuspect(alone);
    if (isProven) await this.vectorOf(HARMLESS, HARMLESS_MS);
    try {
      return await this.#vectorsOf(texts.map(({ text }) => text));
    } catch (error) {
      if (alone === null || !(error instanceof EmbeddingUnavailable)) throw error;
      if (isProven || (await this.#isThere())) this.#aside.add(alone, this.#options.clock.now().steady);
      else {
        this.#aside.suspect(alone);
        throw error;
      }
      return null;
    }
  }

  #isThere(): Promise<boolean> {
    return this.vectorOf(HARMLESS, HARMLESS_MS).then(
      () => true,
      () => false,
    );
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
