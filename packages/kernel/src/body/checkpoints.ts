import {
  type Checkpoint,
  checkpointDocument,
  checkpointFrom,
  checkpointNumbering,
  type Figures,
  NUMBERING,
} from '../core/checkpoint.ts';
import type { Clock } from '../core/clock.ts';
import { type Document, nameOf } from '../core/document.ts';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import type { NewEvent } from '../core/event.ts';
import type { Saving } from '../core/saved.ts';
import type { Put, Read, Store } from '../core/store.ts';
import { rewound } from '../guardian/rewind.ts';
import type { Batcher } from './batcher.ts';
import { noSuchCheckpoint } from './decide/missing.ts';
import { ROLLING } from './decide/rolling.ts';
import { type Difference, differencesOf, figuresSince } from './differences.ts';

const PAGE = 200;
/** How often something is tried again because another kernel was faster. */
const MOST_TRIES = 50;
const MOST_CHECKPOINTS = 10_000;

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

/**
 * Checkpoints of the colony, and the way back to one. A rollback is a step forward: first nobody may change anything, then it
 * is counted what there is to do, all leases are revoked, each record that has changed since becomes what it was, a page at a
 * time, and in the end one entry of the ledger tells of it. Whatever ends a kernel in between, it or another one goes on where
 * it was.
 */
export class Checkpoints {
  readonly #options: CheckpointsOptions;
  /** When one was last made by itself, as far as this kernel knows (wall). */
  #automaticAt = 0;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
  }

  /** Newest first. */
  async list(): Promise<Checkpoint[]> {
    // Several may be of the same millisecond.
    return (await this.#documents()).map(checkpointFrom).sort((a, b) => b.number - a.number);
  }

  async #documents(): Promise<readonly Document[]> {
    return (await this.#options.store.documents({ collection: 'checkpoint', limit: MOST_CHECKPOINTS })).items;
  }

  /** The same with the ledger's entries that tell of them; null: retention has removed it. */
  async listWithEvents(): Promise<(Omit<Checkpoint, 'eventId'> & { eventId: number | null })[]> {
    const told = await this.#options.store.ledger.query({ type: 'checkpoint_created', limit: MOST_CHECKPOINTS });
    const ids = new Map(
      told.map(({ id, data }) => [(JSON.parse(data) as { checkpoint_id: string }).checkpoint_id, id]),
    );
    return (await this.list()).map((checkpoint) => ({ ...checkpoint, eventId: ids.get(checkpoint.id) ?? null }));
  }

  async find(id: string): Promise<Checkpoint | null> {
    const document = await this.#options.store.document('checkpoint', id);
    return document && checkpointFrom(document);
  }

  async create(label: string | null, actor: string): Promise<Checkpoint | Refusal> {
    const { newId, clock, rules } = this.#options;
    const made = await this.#commit(actor, async (saving) => {
      if (saving?.rolling) return ROLLING;
      const { wall } = clock.now();
      // Numbers only grow, also when there was none for a while and the clock was put back.
      const number = Math.max(wall, (saving?.number ?? (await this.#lastNumber()).number) + 1);
      const checkpoint: Checkpoint = { id: newId(), label, number, at: wall, eventId: 0, rolling: null };
      const puts: Put[] = [
        { kind: 'document', prev: null, next: checkpointDocument(checkpoint, 1) },
        { kind: 'saving', prev: saving, next: { number, rolling: false } },
      ];
      const data = { checkpoint_id: checkpoint.id, ...(label === null ? {} : { label }) };
      return { puts, event: { type: 'checkpoint_created', data }, answer: checkpoint };
    });
    if (made instanceof Refusal) return made;
    const old = (await this.list()).slice(rules.keep).filter(({ rolling }) => rolling === null);
    for (const { id } of old) await this.remove(id, 'kernel', 'retention');
    return { ...made.answer, eventId: made.eventId };
  }

  async remove(id: string, actor: string, reason: 'requested' | 'retention' = 'requested'): Promise<null | Refusal> {
    const { store, clock } = this.#options;
    const done = await this.#commit(actor, async (saving) => {
      if (saving?.rolling) return ROLLING;
      const document = await store.document('checkpoint', id);
      if (!document) return noSuchCheckpoint(id);
      const other = (await store.documents({ collection: 'checkpoint', limit: 2 })).items.find((one) => one.id !== id);
      const puts: Put[] = [{ kind: 'document', prev: document, next: null }];
      // That one stays: of two kernels that delete the last two, one sees that it is the last.
      const reads: Read[] = other ? [{ kind: 'document', id: nameOf(other), version: other.version }] : [];
      if (!other) {
        const { prev } = await this.#lastNumber();
        const next = checkpointNumbering(saving!.number, clock.now().wall, prev);
        puts.push({ kind: 'document', prev, next }, { kind: 'saving', prev: saving, next: null });
      }
      return { puts, reads, event: { type: 'checkpoint_deleted', data: { checkpoint_id: id, reason } }, answer: null };
    });
    return done instanceof Refusal ? done : null;
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

  async rollback(id: string, actor: string): Promise<Figures | Refusal> {
    const { store } = this.#options;
    const begun = await this.#commit(actor, async (saving) => {
      const document = await store.document('checkpoint', id);
      if (!document) return noSuchCheckpoint(id);
      if (saving === null || saving.rolling) return ROLLING;
      const rolling = { actor, figures: null };
      const next = checkpointDocument({ ...checkpointFrom(document), rolling }, document.version + 1);
      const puts: Put[] = [
        { kind: 'document', prev: document, next },
        { kind: 'saving', prev: saving, next: { ...saving, rolling: true } },
      ];
      return { puts, answer: null };
    });
    if (begun instanceof Refusal) return begun;
    await this.resume();
    return (await this.find(id))?.rolled ?? noSuchCheckpoint(id);
  }

  /** Goes on with a rollback that was begun, here or elsewhere, if there is one. */
  async resume(): Promise<void> {
    const { store, batcher, onRolledBack } = this.#options;
    for (let tries = 0; (await store.survey()).saving?.rolling; tries++) {
      if (tries === MOST_TRIES) throw new StorageUnavailable('the rollback does not come to its end');
      const begun = (await this.#documents()).find((document) => checkpointFrom(document).rolling !== null);
      // Another kernel may have come to the end of it just now.
      const target = begun && (await this.#counted(begun));
      if (!target) continue;
      const { actor } = checkpointFrom(target).rolling!;
      const holders = (await store.workers()).filter(({ holds }) => holds.length > 0);
      for (const { id: workerId } of holders) {
        await batcher.execute({ kind: 'revoke_leases', actor, workerId, reason: 'rollback' });
      }
      await this.#rewind(target);
      await this.#finish(target);
      await onRolledBack();
    }
  }

  /** What it comes to is written down once, by whoever is first. Null: it is over. */
  async #counted(begun: Document): Promise<Document | null> {
    if (checkpointFrom(begun).rolling!.figures !== null) return begun;
    const done = await this.#commit('kernel', async (saving) => {
      if (!saving?.rolling || !(await this.#isStill(begun))) return ROLLING;
      const checkpoint = checkpointFrom(begun);
      const rolling = { ...checkpoint.rolling!, figures: await this.figures(checkpoint) };
      const next = checkpointDocument({ ...checkpoint, rolling }, begun.version + 1);
      return { puts: [{ kind: 'document', prev: begun, next }], answer: next };
    });
    return done instanceof Refusal ? null : done.answer;
  }

  /** Whether nobody has gone on with this rollback; if somebody has, what is under way by now may be another one. */
  async #isStill({ id, version }: Document): Promise<boolean> {
    return (await this.#options.store.document('checkpoint', id))?.version === version;
  }

  /** Nobody else changes anything meanwhile but whoever does the same. */
  async #rewind(target: Document): Promise<void> {
    const { store, batcher, clock } = this.#options;
    const { number } = checkpointFrom(target);
    const reads = [{ kind: 'document', id: nameOf(target), version: target.version }] as const;
    await batcher.alone(async (commit) => {
      for (let after: string | null = null, tries = 0; tries < MOST_TRIES; ) {
        const { saving, epoch } = await store.survey();
        if (!saving?.rolling || !(await this.#isStill(target))) return;
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

  async #finish(target: Document): Promise<void> {
    const checkpoint = checkpointFrom(target);
    const { actor, figures } = checkpoint.rolling!;
    await this.#commit('kernel', async (saving) => {
      if (!saving?.rolling || !(await this.#isStill(target))) return ROLLING;
      const next = checkpointDocument({ ...checkpoint, rolling: null, rolled: figures! }, target.version + 1);
      const puts: Put[] = [
        { kind: 'document', prev: target, next },
        { kind: 'saving', prev: saving, next: { ...saving, rolling: false } },
      ];
      const { restored, removed, requeued } = figures!.tasks;
      const data = { checkpoint_id: target.id, reason: 'requested', removed, requeued, restored };
      return { puts, event: { type: 'rollback_completed', data, actor }, answer: null };
    });
  }

  /** Now and then: what is begun is brought to its end, one is made by itself, and what no checkpoint needs is let go. */
  async tend(wall: number): Promise<void> {
    const { store, rules } = this.#options;
    const { saving } = await store.survey();
    if (saving?.rolling) return this.resume();
    const all = saving === null && rules.everyMs === null ? [] : await this.list();
    // Not what is kept for a checkpoint that is being made just now: its number is a higher one.
    const unneeded = all.at(-1)?.number ?? saving?.number ?? (await this.#lastNumber()).number + 1;
    await store.forgetSaved(unneeded, PAGE, saving);
    if (rules.everyMs === null) return;
    const last = all.find(({ label }) => label === AUTOMATIC)?.at ?? 0;
    if (wall - Math.max(last, this.#automaticAt) < rules.everyMs) return;
    this.#automaticAt = wall;
    await this.create(AUTOMATIC, 'kernel');
  }

  /** The highest number there was when the last checkpoint was deleted; 0: that has not happened. */
  async #lastNumber(): Promise<{ prev: Document | null; number: number }> {
    const prev = await this.#options.store.document(NUMBERING.collection, NUMBERING.id);
    return { prev, number: prev === null ? 0 : (prev.body as { number: number }).number };
  }

  /** One commit of its own, decided on how things stand, and anew when another kernel was faster. */
  async #commit<T>(actor: string, decide: (saving: Saving) => Promise<Step<T> | Refusal>): Promise<Done<T> | Refusal> {
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

const AUTOMATIC = 'automatic';

interface Step<T> {
  readonly puts: readonly Put[];
  readonly reads?: readonly Read[];
  readonly event?: Pick<NewEvent, 'type' | 'data'> & { readonly actor?: string };
  readonly answer: T;
}

interface Done<T> {
  readonly answer: T;
  readonly eventId: number;
}
