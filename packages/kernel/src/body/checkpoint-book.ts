import {
  type Checkpoint,
  checkpointDocument,
  checkpointFrom,
  checkpointNumbering,
  NUMBERING,
} from '../core/checkpoint.ts';
import type { Clock } from '../core/clock.ts';
import { type Document, nameOf } from '../core/document.ts';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import type { NewEvent } from '../core/event.ts';
import type { Saving } from '../core/saved.ts';
import type { Put, Read, Store } from '../core/store.ts';
import type { Batcher } from './batcher.ts';
import { noSuchCheckpoint } from './decide/missing.ts';
import { ROLLING } from './decide/rolling.ts';

/** How often something is tried again because another kernel was faster. */
export const MOST_TRIES = 50;
export const MOST_CHECKPOINTS = 10_000;
/** For so long an export holds what it reads, unless that is put off. */
export const HOLD_MS = 60_000;

export interface CheckpointBookOptions {
  readonly store: Store;
  readonly batcher: Batcher;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** The checkpoints there are: makes, lists and removes them, each change in a commit of its own. */
export class CheckpointBook {
  readonly #options: CheckpointBookOptions;

  constructor(options: CheckpointBookOptions) {
    this.#options = options;
  }

  /** Newest first. */
  async list(): Promise<Checkpoint[]> {
    const items = await this.documents();
    // Several may be of the same millisecond.
    return items.map(checkpointFrom).sort((a, b) => b.number - a.number);
  }

  async find(id: string): Promise<Checkpoint | null> {
    const document = await this.#options.store.document('checkpoint', id);
    return document && checkpointFrom(document);
  }

  /** As they are stored. */
  async documents(): Promise<readonly Document[]> {
    return (await this.#options.store.documents({ collection: 'checkpoint', limit: MOST_CHECKPOINTS })).items;
  }

  /** @param exporting until when the colony is being exported by it; null: it is not */
  make(label: string | null, actor: string, exporting: number | null): Promise<Done<Made> | Refusal> {
    const { newId, clock } = this.#options;
    return this.commit(actor, async (saving) => {
      if (saving?.rolling) return ROLLING;
      const { wall } = clock.now();
      // Numbers only grow, also when there was none for a while and the clock was put back.
      const number = Math.max(wall, (saving?.number ?? (await this.lastNumber()).number) + 1);
      const checkpoint: Checkpoint = { id: newId(), label, number, at: wall, eventId: 0, rolling: null, exporting };
      const puts: Put[] = [
        { kind: 'document', prev: null, next: checkpointDocument(checkpoint, 1) },
        { kind: 'saving', prev: saving, next: { number, rolling: false } },
      ];
      const data = { checkpoint_id: checkpoint.id, ...(label === null ? {} : { label }) };
      return { puts, event: { type: 'checkpoint_created', data }, answer: { checkpoint, saving } };
    });
  }

  async remove(id: string, actor: string, reason: 'requested' | 'retention' | 'exported'): Promise<null | Refusal> {
    const { store } = this.#options;
    const done = await this.commit(actor, async (saving) => {
      if (saving?.rolling) return ROLLING;
      const document = await store.document('checkpoint', id);
      if (!document) return noSuchCheckpoint(id);
      const other = (await store.documents({ collection: 'checkpoint', limit: 2 })).items.find((one) => one.id !== id);
      const puts: Put[] = [{ kind: 'document', prev: document, next: null }];
      // That one stays: of two kernels that delete the last two, one sees that it is the last.
      const reads: Read[] = other ? [{ kind: 'document', id: nameOf(other), version: other.version }] : [];
      if (!other && saving) puts.push(...(await this.#endOf(saving)));
      return { puts, reads, event: { type: 'checkpoint_deleted', data: { checkpoint_id: id, reason } }, answer: null };
    });
    return done instanceof Refusal ? done : null;
  }

  /** Sees to it that nothing is kept when there is no checkpoint, whatever has come of it. */
  async endSaving(): Promise<void> {
    await this.commit('kernel', async (saving) => {
      if (saving === null || saving.rolling || (await this.documents()).length > 0) return ROLLING;
      return { puts: await this.#endOf(saving), answer: null };
    });
  }

  async #endOf(saving: NonNullable<Saving>): Promise<readonly Put[]> {
    const { prev } = await this.lastNumber();
    const next = checkpointNumbering(saving.number, this.#options.clock.now().wall, prev);
    return [
      { kind: 'document', prev, next },
      { kind: 'saving', prev: saving, next: null },
    ];
  }

  /** The highest number there was when the last checkpoint was deleted; 0: that has not happened. */
  async lastNumber(): Promise<{ prev: Document | null; number: number }> {
    const prev = await this.#options.store.document(NUMBERING.collection, NUMBERING.id);
    return { prev, number: prev === null ? 0 : (prev.body as { number: number }).number };
  }

  /** One commit of its own, decided on how things stand, and anew when another kernel was faster. */
  async commit<T>(actor: string, decide: (saving: Saving) => Promise<Step<T> | Refusal>): Promise<Done<T> | Refusal> {
    const { store, batcher } = this.#options;
    return batcher.alone(async (commit) => {
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const { saving, epoch } = await store.survey();
        const step = await decide(saving);
        if (step instanceof Refusal) return step;
        const { puts, reads = [], event, answer } = step;
        const told: NewEvent[] = event ? [{ source: 'kernel', actor, ...event }] : [];
        const entries = await commit({ reads, puts, events: told, actor }, { saving, epoch });
        if (entries !== null) return { answer, eventId: entries[0]?.id ?? 0 };
      }
      throw new StorageUnavailable('the records are contended; try again');
    });
  }
}

export interface Made {
  readonly checkpoint: Checkpoint;
  /** How the store saved until then. */
  readonly saving: Saving;
}

export interface Step<T> {
  readonly puts: readonly Put[];
  readonly reads?: readonly Read[];
  readonly event?: Pick<NewEvent, 'type' | 'data'> & { readonly actor?: string };
  readonly answer: T;
}

export interface Done<T> {
  readonly answer: T;
  /** The ledger's entry that tells of it; 0: none does. */
  readonly eventId: number;
}
