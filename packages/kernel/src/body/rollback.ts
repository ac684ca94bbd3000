import { type Checkpoint, checkpointDocument, checkpointFrom, type Figures } from '../core/checkpoint.ts';
import type { Clock } from '../core/clock.ts';
import { nameOf } from '../core/document.ts';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import type { Put, Store } from '../core/store.ts';
import { rewound } from '../guardian/rewind.ts';
import type { Batcher } from './batcher.ts';
import { type CheckpointBook, MOST_TRIES } from './checkpoint-book.ts';
import { noSuchCheckpoint } from './decide/missing.ts';
import { ROLLING } from './decide/rolling.ts';
import { figuresSince } from './differences.ts';

const PAGE = 200;

export interface RollbackOptions {
  readonly store: Store;
  readonly batcher: Batcher;
  readonly clock: Clock;
  readonly book: CheckpointBook;
  /** All that was known here may be otherwise now. */
  readonly onRolledBack: () => Promise<void>;
}

/**
 * The way back to a checkpoint. It is a step forward: first nobody may change anything, then all leases are revoked, then
 * each record that has changed since becomes what it was, a page at a time, and in the end one entry of the ledger tells of
 * it. Whatever ends a kernel in between, it or another one goes on where it was.
 */
export class Rollback {
  readonly #options: RollbackOptions;

  constructor(options: RollbackOptions) {
    this.#options = options;
  }

  async to(id: string, actor: string): Promise<Figures | Refusal> {
    const { store, clock, book } = this.#options;
    const begun = await book.commit(actor, async (saving) => {
      const document = await store.document('checkpoint', id);
      if (!document) return noSuchCheckpoint(id);
      if (saving === null || saving.rolling) return ROLLING;
      const checkpoint = checkpointFrom(document);
      const rolling = { actor, figures: await figuresSince(store, checkpoint.number, clock.now().wall) };
      const next = checkpointDocument({ ...checkpoint, rolling, exporting: null }, document.version + 1);
      const puts: Put[] = [
        { kind: 'document', prev: document, next },
        { kind: 'saving', prev: saving, next: { ...saving, rolling: true } },
        ...(await this.#noMoreExports(id)),
      ];
      return { puts, answer: rolling.figures };
    });
    if (begun instanceof Refusal) return begun;
    await this.resume();
    return begun.answer;
  }

  /** What is being exported is not what it was any more: whoever reads it finds that out. */
  async #noMoreExports(except: string): Promise<Put[]> {
    const all = await this.#options.book.documents();
    const others = all.filter((document) => document.id !== except && checkpointFrom(document).exporting !== null);
    return others.map((prev) => {
      const next = checkpointDocument({ ...checkpointFrom(prev), exporting: null }, prev.version + 1);
      return { kind: 'document', prev, next };
    });
  }

  /** Goes on with a rollback that was begun, here or elsewhere, if there is one. */
  async resume(): Promise<void> {
    const { store, batcher, book, onRolledBack } = this.#options;
    for (let tries = 0; (await store.survey()).saving?.rolling; tries++) {
      if (tries === MOST_TRIES) throw new StorageUnavailable('the rollback does not come to its end');
      const checkpoint = (await book.list()).find(({ rolling }) => rolling !== null);
      // Another kernel may have come to the end of it just now.
      if (!checkpoint) continue;
      const holders = (await store.workers()).filter(({ holds }) => holds.length > 0);
      for (const { id: workerId } of holders) {
        await batcher.execute({
          kind: 'revoke_leases',
          actor: checkpoint.rolling!.actor,
          workerId,
          reason: 'rollback',
        });
      }
      await this.#rewind(checkpoint);
      await this.#finish(checkpoint);
      await onRolledBack();
    }
  }

  /** Nobody else changes anything meanwhile but whoever does the same. */
  async #rewind({ id, number }: Checkpoint): Promise<void> {
    const { store, batcher, clock } = this.#options;
    await batcher.alone(async (commit) => {
      for (let after: string | null = null, tries = 0; tries < MOST_TRIES; ) {
        const { saving, epoch } = await store.survey();
        const target = await store.document('checkpoint', id);
        // Whoever else does the same has come to its end. What is under way by now may be another one.
        if (!saving?.rolling || !target || checkpointFrom(target).rolling === null) return;
        const reads = [{ kind: 'document', id: nameOf(target), version: target.version }] as const;
        const page = await store.saved({ since: number, after, limit: PAGE });
        const puts = page.items.flatMap((item) => rewound(item, clock.now().wall));
        const isDone =
          puts.length === 0 || (await commit({ reads, puts, events: [], actor: 'kernel' }, { saving, epoch })) !== null;
        tries = isDone ? 0 : tries + 1;
        if (isDone && page.next === null) return;
        if (isDone) after = page.next;
      }
      throw new StorageUnavailable('the records are contended; try again');
    });
  }

  async #finish({ id }: Checkpoint): Promise<void> {
    const { store, book } = this.#options;
    await book.commit('kernel', async (saving) => {
      const document = await store.document('checkpoint', id);
      const checkpoint = document && checkpointFrom(document);
      // Another kernel has come to the end of it.
      if (!saving?.rolling || !checkpoint?.rolling) return ROLLING;
      const { actor, figures } = checkpoint.rolling;
      const next = checkpointDocument({ ...checkpoint, rolling: null }, document!.version + 1);
      const puts: Put[] = [
        { kind: 'document', prev: document, next },
        { kind: 'saving', prev: saving, next: { ...saving, rolling: false } },
      ];
      const { restored, removed, requeued } = figures.tasks;
      const data = { checkpoint_id: id, reason: 'requested', removed, requeued, restored };
      return { puts, event: { type: 'rollback_completed', data, actor }, answer: null };
    });
  }
}
