import { type Checkpoint, checkpointDocument, checkpointFrom, type Figures, type Rolled } from '../core/checkpoint.ts';
import type { Clock } from '../core/clock.ts';
import { type Document, nameOf } from '../core/document.ts';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import type { Put, Store } from '../core/store.ts';
import { rewound } from '../guardian/rewind.ts';
import type { Batcher, CommitAlone } from './batcher.ts';
import { type CheckpointBook, MOST_TRIES } from './checkpoint-book.ts';
import { noSuchCheckpoint } from './decide/missing.ts';
import { ROLLING } from './decide/rolling.ts';
import { figuresSince } from './differences.ts';
import { revived } from './reviving.ts';

const PAGE = 200;
/** So many rollbacks to one checkpoint may be answered for at the same time. */
const MOST_REMEMBERED = 8;

/** Whoever exports by it finds that out; whoever tends to checkpoints removes it. */
function noMoreExport(checkpoint: Checkpoint): Checkpoint {
  return checkpoint.exporting === null ? checkpoint : { ...checkpoint, exporting: 0 };
}

/** Of the records that may have changed. */
interface Page {
  readonly after: string | null;
  readonly isLast: boolean;
  /** How often it was tried in vain. */
  readonly tries: number;
}

export interface RollbackOptions {
  readonly store: Store;
  readonly batcher: Batcher;
  readonly clock: Clock;
  readonly book: CheckpointBook;
  /** All that was known here may be otherwise now. */
  readonly onRolledBack: () => Promise<void>;
}

/**
 * The way back to a checkpoint. It is a step forward: first nobody may change anything, then it is counted what there is to
 * do, all leases are revoked, each record that has changed since becomes what it was, a page at a time, and in the end one
 * entry of the ledger tells of it. Whatever ends a kernel in between, it or another one goes on where it was.
 */
export class Rollback {
  readonly #options: RollbackOptions;

  constructor(options: RollbackOptions) {
    this.#options = options;
  }

  /** Answers what it came to. */
  async to(id: string, actor: string): Promise<Figures | Refusal> {
    const { store, book } = this.#options;
    const begun = await book.commit(actor, async (saving) => {
      const document = await store.document('checkpoint', id);
      if (!document) return noSuchCheckpoint(id);
      if (saving === null || saving.rolling) return ROLLING;
      const version = document.version + 1;
      const rolling = { begun: version, actor, figures: null };
      const next = checkpointDocument({ ...noMoreExport(checkpointFrom(document)), rolling }, version);
      const puts: Put[] = [
        { kind: 'document', prev: document, next },
        { kind: 'saving', prev: saving, next: { ...saving, rolling: true } },
        ...(await this.#noMoreExports(id)),
      ];
      return { puts, answer: version };
    });
    if (begun instanceof Refusal) return begun;
    const own = ({ begun: version }: Rolled) => version === begun.answer;
    const carriedOut = (await this.#carryOut()).find((one) => one.id === id && own(one));
    // Or somebody else has; and others may have gone back to it once more since.
    const rolled = carriedOut ?? (await book.find(id))?.rolled?.find(own);
    if (rolled) return rolled.figures;
    throw new StorageUnavailable('the rollback is over, and what it came to is in the ledger: its checkpoint is gone');
  }

  /** What is being exported is not what it was any more: whoever reads it finds that out. */
  async #noMoreExports(except: string): Promise<Put[]> {
    const all = await this.#options.book.documents();
    const others = all.filter((document) => document.id !== except && checkpointFrom(document).exporting !== null);
    return others.map((prev) => {
      const next = checkpointDocument(noMoreExport(checkpointFrom(prev)), prev.version + 1);
      return { kind: 'document', prev, next };
    });
  }

  /** Goes on with a rollback that was begun, here or elsewhere, if there is one. */
  async resume(): Promise<void> {
    await this.#carryOut();
  }

  /** Answers those that were brought to their ends, here or by others meanwhile. */
  async #carryOut(): Promise<readonly (Rolled & { readonly id: string })[]> {
    const { store, batcher, book, onRolledBack } = this.#options;
    const over: (Rolled & { id: string })[] = [];
    for (let tries = 0; (await store.survey()).saving?.rolling; tries++) {
      if (tries === MOST_TRIES) throw new StorageUnavailable('the rollback does not come to its end');
      const begun = (await book.documents()).find((document) => checkpointFrom(document).rolling !== null);
      // Another kernel may have come to the end of it just now.
      const target = begun && (await this.#counted(begun));
      if (!target) continue;
      const { begun: version, actor, figures } = checkpointFrom(target).rolling!;
      const holders = (await store.workers()).filter(({ holds }) => holds.length > 0);
      for (const { id: workerId } of holders) {
        await batcher.execute({ kind: 'revoke_leases', actor, workerId, reason: 'rollback' });
      }
      await this.#rewind(target);
      await this.#finish(target);
      over.push({ id: target.id, begun: version, figures: figures! });
      await onRolledBack();
    }
    return over;
  }

  /** What it comes to is written down once, by whoever is first. Null: it is over. */
  async #counted(begun: Document): Promise<Document | null> {
    if (checkpointFrom(begun).rolling!.figures !== null) return begun;
    const { store, clock, book } = this.#options;
    const done = await book.commit('kernel', async (saving) => {
      if (!saving?.rolling || !(await this.#isStill(begun))) return ROLLING;
      const checkpoint = checkpointFrom(begun);
      const figures = await figuresSince(store, checkpoint.number, clock.now().wall);
      const rolling = { ...checkpoint.rolling!, figures };
      const next = checkpointDocument({ ...checkpoint, rolling }, begun.version + 1);
      return { puts: [{ kind: 'document', prev: begun, next }], answer: next };
    });
    return done instanceof Refusal ? null : done.answer;
  }

  /** Whether nobody has gone on with this rollback; if somebody has, what is under way by now may be another one. */
  async #isStill({ id, version }: Document): Promise<boolean> {
    return (await this.#options.store.document('checkpoint', id))?.version === version;
  }

  /** Nobody else changes anything meanwhile but whoever does the same. Between two pages others are told so. */
  async #rewind(target: Document): Promise<void> {
    const { store, batcher } = this.#options;
    // Each change of a document that goes back is told in an entry of its own.
    const { last } = await store.ledger.span();
    for (let page: Page = { after: null, isLast: false, tries: 0 }; !page.isLast; ) {
      if (page.tries === MOST_TRIES) throw new StorageUnavailable('the records are contended; try again');
      page = await batcher.alone((commit) => this.#rewindPage(target, page, last, commit));
    }
  }

  /** Answers where to go on: behind it, or with it once more when another kernel was faster. */
  async #rewindPage(target: Document, page: Page, floor: number, commit: CommitAlone): Promise<Page> {
    const { store, clock } = this.#options;
    const { saving, epoch } = await store.survey();
    if (!saving?.rolling || !(await this.#isStill(target))) return { ...page, isLast: true };
    const { items, next } = await store.saved({
      since: checkpointFrom(target).number,
      after: page.after,
      limit: PAGE,
    });
    const puts = items.flatMap((item) => rewound(item, clock.now().wall, floor, revived));
    const reads = [{ kind: 'document', id: nameOf(target), version: target.version }] as const;
    const isDone =
      puts.length === 0 || (await commit({ reads, puts, events: [], actor: 'kernel' }, { saving, epoch })) !== null;
    return isDone ? { after: next, isLast: next === null, tries: 0 } : { ...page, tries: page.tries + 1 };
  }

  async #finish(target: Document): Promise<void> {
    const checkpoint = checkpointFrom(target);
    const { begun, actor, figures } = checkpoint.rolling!;
    const rolled = [...(checkpoint.rolled ?? []), { begun, figures: figures! }].slice(-MOST_REMEMBERED);
    await this.#options.book.commit('kernel', async (saving) => {
      if (!saving?.rolling || !(await this.#isStill(target))) return ROLLING;
      const next = checkpointDocument({ ...checkpoint, rolling: null, rolled }, target.version + 1);
      const puts: Put[] = [
        { kind: 'document', prev: target, next },
        { kind: 'saving', prev: saving, next: { ...saving, rolling: false } },
      ];
      const { restored, removed, requeued } = figures!.tasks;
      const data = { checkpoint_id: target.id, reason: 'requested', removed, requeued, restored };
      return { puts, event: { type: 'rollback_completed', data, actor }, answer: null };
    });
  }
}
