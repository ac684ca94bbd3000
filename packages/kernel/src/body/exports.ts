import type { Moment, Piece } from '../core/archive.ts';
import { checkpointDocument, checkpointFrom } from '../core/checkpoint.ts';
import type { Clock } from '../core/clock.ts';
import { nameOf } from '../core/document.ts';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import type { CheckpointBook } from './checkpoint-book.ts';
import { ROLLING } from './decide/rolling.ts';

/** For so long an export holds what it reads, and so often it says that it still does. */
const HOLD_MS = 60_000;
const HOLD_ON_EVERY_MS = 15_000;
/** Each reads everything there is. */
const MOST_AT_ONCE = 2;

const LABEL = 'export';

const TOO_MANY = new Refusal('queue_full', `The colony is being exported ${MOST_AT_ONCE} times already.`, {
  retryAfterSeconds: 10,
});

export interface ExportsOptions {
  readonly store: Store;
  readonly book: CheckpointBook;
  readonly clock: Clock;
}

/** The whole colony at a moment. */
export interface Export {
  /** Wall time of the moment. */
  readonly at: number;
  /** Throws when it cannot be told to its end: somebody went back to a checkpoint, or whoever reads it is too slow. */
  readonly pieces: AsyncIterable<Piece>;
}

/** Exports of the colony as it was just before a checkpoint of their own, while it goes on. */
export class Exports {
  readonly #options: ExportsOptions;
  #running = 0;

  constructor(options: ExportsOptions) {
    this.#options = options;
  }

  /** To be read at once: what is not asked for within a minute is not held any longer. */
  async begin(actor: string): Promise<Export | Refusal> {
    if (this.#running >= MOST_AT_ONCE) return TOO_MANY;
    const made = await this.#options.book.make(LABEL, actor, this.#until());
    if (made instanceof Refusal) return made;
    const { checkpoint, saving } = made.answer;
    const { id, number, at } = checkpoint;
    const document = nameOf(checkpointDocument(checkpoint, 1));
    return { at, pieces: this.#read(id, { number, document, saving, lastEntry: made.eventId - 1 }) };
  }

  async *#read(id: string, moment: Moment): AsyncGenerator<Piece> {
    const { store, book, clock } = this.#options;
    this.#running++;
    try {
      let holdOnAt = clock.now().steady + HOLD_ON_EVERY_MS;
      for await (const piece of store.dump(moment)) {
        if (clock.now().steady >= holdOnAt) {
          await this.#holdOn(id);
          holdOnAt = clock.now().steady + HOLD_ON_EVERY_MS;
        }
        yield piece;
      }
      await this.#holdOn(id);
    } finally {
      this.#running--;
      await book.remove(id, 'kernel', 'exported').catch((error: unknown) => {
        // Then it goes when its time is over.
        if (!(error instanceof StorageUnavailable)) throw error;
      });
    }
  }

  /** Puts off the end. Throws when it is over, because somebody went back to a checkpoint or this one was removed. */
  async #holdOn(id: string): Promise<void> {
    const { store, book } = this.#options;
    const held = await book.commit('kernel', async (saving) => {
      const prev = await store.document('checkpoint', id);
      const checkpoint = prev && checkpointFrom(prev);
      if (saving?.rolling || !checkpoint || checkpoint.exporting === null) return ROLLING;
      const next = checkpointDocument({ ...checkpoint, exporting: this.#until() }, prev.version + 1);
      return { puts: [{ kind: 'document', prev, next }], answer: null };
    });
    if (!(held instanceof Refusal)) return;
    throw new Error(
      'the colony was exported no further: a rollback was begun, or the checkpoint of the export is gone',
    );
  }

  #until(): number {
    return this.#options.clock.now().wall + HOLD_MS;
  }
}
