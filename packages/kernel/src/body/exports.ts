import type { Moment, Piece } from '../core/archive.ts';
import { checkpointDocument, checkpointFrom } from '../core/checkpoint.ts';
import type { Clock } from '../core/clock.ts';
import { nameOf } from '../core/document.ts';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import { type CheckpointBook, HOLD_MS } from './checkpoint-book.ts';
import { ROLLING } from './decide/rolling.ts';

/** So often an export says that it still holds what it reads. */
const HOLD_ON_EVERY_MS = HOLD_MS / 4;
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
  /** Throws when it cannot be told to its end, because somebody went back to a checkpoint. */
  readonly pieces: AsyncIterable<Piece>;
  /** To be called when nobody reads it any more, also when nobody has begun to: until then it is held. */
  end(): Promise<void>;
}

/** Exports of the colony as it was just before a checkpoint of their own, while it goes on. */
export class Exports {
  readonly #options: ExportsOptions;
  #running = 0;

  constructor(options: ExportsOptions) {
    this.#options = options;
  }

  async begin(actor: string): Promise<Export | Refusal> {
    if (this.#running >= MOST_AT_ONCE) return TOO_MANY;
    this.#running++;
    try {
      const begun = await this.#begin(actor);
      if (begun instanceof Refusal) this.#running--;
      return begun;
    } catch (error) {
      this.#running--;
      throw error;
    }
  }

  async #begin(actor: string): Promise<Export | Refusal> {
    const { store, book } = this.#options;
    const { epoch } = await store.survey();
    const made = await book.make(LABEL, actor, this.#until());
    if (made instanceof Refusal) return made;
    const { checkpoint, saving } = made.answer;
    const { id, number, at } = checkpoint;
    const document = nameOf(checkpointDocument(checkpoint, 1));
    const hold = new Hold(this.#options, () => this.#holdOn(id, epoch));
    let ending: Promise<void> | undefined;
    const end = () => {
      ending ??= this.#end(id, hold);
      return ending;
    };
    return { at, end, pieces: this.#read({ number, document, saving, lastEntry: made.eventId - 1 }, hold, end) };
  }

  async *#read(moment: Moment, hold: Hold, end: () => Promise<void>): AsyncGenerator<Piece> {
    try {
      for await (const piece of this.#options.store.dump(moment)) {
        hold.mustStand();
        // Nobody goes on with another export that is under way.
        const isExport =
          piece.kind === 'document' &&
          piece.document.collection === 'checkpoint' &&
          checkpointFrom(piece.document).exporting !== null;
        if (!isExport) yield piece;
      }
      await hold.on();
      hold.mustStand();
    } finally {
      await end();
    }
  }

  async #end(id: string, hold: Hold): Promise<void> {
    hold.end();
    this.#running--;
    await this.#options.book.remove(id, 'kernel', 'exported').catch((error: unknown) => {
      // Then it goes when its time is over.
      if (!(error instanceof StorageUnavailable)) throw error;
    });
  }

  /** Puts off the end. False: it is over, because somebody went back to a checkpoint or this one was removed. */
  async #holdOn(id: string, epoch: string | null): Promise<boolean> {
    const { store, book } = this.#options;
    const held = await book.commit('kernel', async (saving) => {
      const prev = await store.document('checkpoint', id);
      const checkpoint = prev && checkpointFrom(prev);
      const isLost = (await store.survey()).epoch !== epoch;
      if (saving?.rolling || !checkpoint?.exporting || isLost) return ROLLING;
      const next = checkpointDocument({ ...checkpoint, exporting: this.#until() }, prev!.version + 1);
      return { puts: [{ kind: 'document', prev, next }], answer: null };
    });
    return !(held instanceof Refusal);
  }

  #until(): number {
    return this.#options.clock.now().wall + HOLD_MS;
  }
}

/** What an export reads by, put off again and again until it ends. */
class Hold {
  readonly #clock: Clock;
  readonly #holdOn: () => Promise<boolean>;
  #cancelTimer: () => void = () => undefined;
  #stands = true;

  /** @param holdOn answers whether it still stands */
  constructor({ clock }: ExportsOptions, holdOn: () => Promise<boolean>) {
    this.#clock = clock;
    this.#holdOn = holdOn;
    this.#arm();
  }

  #arm(): void {
    if (!this.#stands) return;
    this.#cancelTimer = this.#clock.timer(HOLD_ON_EVERY_MS, () => {
      this.on().then(
        () => this.#arm(),
        // Should the store be back in time, the next time will tell.
        (error: unknown) => (error instanceof StorageUnavailable ? this.#arm() : this.end()),
      );
    });
  }

  async on(): Promise<void> {
    if (!(await this.#holdOn())) this.end();
  }

  /** Throws when it is over. */
  mustStand(): void {
    if (this.#stands) return;
    throw new Error(
      'the colony was exported no further: a rollback was begun, or the checkpoint of the export is gone',
    );
  }

  end(): void {
    this.#stands = false;
    this.#cancelTimer();
  }
}
