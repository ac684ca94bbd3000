import type { Checkpoint, Figures } from '../core/checkpoint.ts';
import type { Clock } from '../core/clock.ts';
import { Refusal } from '../core/errors.ts';
import type { Saving } from '../core/saved.ts';
import type { Store } from '../core/store.ts';
import type { Batcher } from './batcher.ts';
import { CheckpointBook, HOLD_MS, MOST_CHECKPOINTS } from './checkpoint-book.ts';
import { type Difference, differencesOf, figuresSince } from './differences.ts';
import { Rollback } from './rollback.ts';

const PAGE = 200;
const AUTOMATIC = 'automatic';
/** Beyond that only a clock that was put back can have it. */
const LONGEST_HOLD_MS = 2 * HOLD_MS;

export interface CheckpointRules {
  /** So many are kept; the oldest go. */
  readonly keep: number;
  /** One is made by itself after so long; null: none is. */
  readonly everyMs: number | null;
}

export interface CheckpointsOptions {
  readonly store: Store;
  readonly batcher: Batcher;
  readonly clock: Clock;
  readonly rules: CheckpointRules;
  readonly newId: () => string;
  /** All that was known here may be otherwise now. */
  readonly onRolledBack: () => Promise<void>;
}

/** Checkpoints of the colony as people use them, and how many of them stay. */
export class Checkpoints {
  readonly book: CheckpointBook;
  readonly #options: CheckpointsOptions;
  readonly #rollback: Rollback;
  /** When one was last made by itself, as far as this kernel knows (wall). */
  #automaticAt = 0;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
    this.book = new CheckpointBook(options);
    this.#rollback = new Rollback({ ...options, book: this.book });
  }

  /** Newest first. */
  list(): Promise<Checkpoint[]> {
    return this.book.list();
  }

  /** The same with the ledger's entries that tell of them; null: retention has removed it. */
  async listWithEvents(): Promise<(Omit<Checkpoint, 'eventId'> & { eventId: number | null })[]> {
    const told = await this.#options.store.ledger.query({ type: 'checkpoint_created', limit: MOST_CHECKPOINTS });
    const ids = new Map(
      told.map(({ id, data }) => [(JSON.parse(data) as { checkpoint_id: string }).checkpoint_id, id]),
    );
    return (await this.list()).map((checkpoint) => ({ ...checkpoint, eventId: ids.get(checkpoint.id) ?? null }));
  }

  find(id: string): Promise<Checkpoint | null> {
    return this.book.find(id);
  }

  async create(label: string | null, actor: string): Promise<Checkpoint | Refusal> {
    const { book } = this;
    const made = await book.make(label, actor, null);
    if (made instanceof Refusal) return made;
    const old = (await this.list()).filter(({ exporting }) => exporting === null).slice(this.#options.rules.keep);
    for (const { id, rolling } of old) if (rolling === null) await book.remove(id, 'kernel', 'retention');
    return { ...made.answer.checkpoint, eventId: made.eventId };
  }

  remove(id: string, actor: string): Promise<null | Refusal> {
    return this.book.remove(id, actor, 'requested');
  }

  /** What a rollback would come to, as things stand. */
  figures({ number }: Checkpoint): Promise<Figures> {
    const { store, clock } = this.#options;
    return figuresSince(store, number, clock.now().wall);
  }

  /** A page of what a rollback would change. */
  async differences(
    { number }: Checkpoint,
    after: string | null,
    limit: number,
  ): Promise<{ items: Difference[]; next: string | null }> {
    const { store, clock } = this.#options;
    const { items, next } = await store.saved({ since: number, after, limit });
    return { items: differencesOf(items, clock.now().wall), next };
  }

  /** Takes the colony back; answers what that came to. */
  rollback(id: string, actor: string): Promise<Figures | Refusal> {
    return this.#rollback.to(id, actor);
  }

  /** Goes on with a rollback that was begun, here or elsewhere, if there is one. */
  resume(): Promise<void> {
    return this.#rollback.resume();
  }

  /**
   * Now and then: what is begun is brought to its end, one is made by itself, and what no checkpoint needs is let go. Answers
   * how the store saves as long as something may be removed for good; null: nothing may.
   */
  async tend(wall: number): Promise<{ readonly saving: Saving } | null> {
    const { store } = this.#options;
    await this.resume();
    await this.#makeAutomatic(wall);
    const { saving } = await store.survey();
    const all = saving === null ? [] : await this.list();
    if (saving?.rolling || (await this.#isHeld(all, wall))) return null;
    if (saving !== null && all.length === 0) await this.book.endSaving();
    // Not what is kept for a checkpoint that is being made just now: its number is a higher one.
    const unneeded = all.at(-1)?.number ?? saving?.number ?? (await this.book.lastNumber()).number + 1;
    await store.forgetSaved(unneeded, PAGE, saving);
    return { saving };
  }

  /** Whether the colony is being exported. Who has not been heard of for long does so no more, nor who was to be by now. */
  async #isHeld(all: readonly Checkpoint[], wall: number): Promise<boolean> {
    const held = all.filter(({ exporting }) => exporting !== null);
    const lost = held.filter(({ exporting }) => exporting! < wall || exporting! > wall + LONGEST_HOLD_MS);
    for (const { id } of lost) await this.book.remove(id, 'kernel', 'retention');
    return held.length > 0;
  }

  async #makeAutomatic(wall: number): Promise<void> {
    const { everyMs } = this.#options.rules;
    if (everyMs === null || wall - this.#automaticAt < everyMs) return;
    const last = (await this.list()).find(({ label }) => label === AUTOMATIC)?.at ?? 0;
    this.#automaticAt = Math.max(last, this.#automaticAt);
    if (wall - this.#automaticAt < everyMs) return;
    this.#automaticAt = wall;
    await this.create(AUTOMATIC, 'kernel');
  }
}
