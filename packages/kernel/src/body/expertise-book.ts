import { hash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { Answer, Command } from '../core/command.ts';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import {
  dimensionOf,
  type Embedding,
  type MemoryEntry,
  type MemoryInput,
  memoryFrom,
  vectorFrom,
} from '../core/memory.ts';
import type { Store } from '../core/store.ts';
import { type Common, commonOf, type Example, learn, type Outcome } from '../mind/expertise.ts';

/** Where it is written down, for anybody to read and to search. */
export const EXPERIENCE_SCOPE = 'colony.experience';
/** So many workers are known, by their names; of more, those who have shown something last. */
const MOST_WORKERS = 128;
/** What was learned is written down after so long, together. */
const WRITE_AFTER_MS = 2000;
/** Counts are written down again when they have grown so much. */
const WORTH_WRITING = 1.25;
const MOST_AT_ONCE = 100;
/** So long others may have written before it is read again; after a fault the same. */
const READ_AFTER_MS = 30_000;
/** It has become known what some of it means. */
const READ_SOON_MS = 1000;
const PAGE = { limit: 100, maxCharacters: 8 * 1024 * 1024 };
/** Who is called so cannot be written down, since that is no key (see the routes); so nothing is learned of them. */
const UNFIT = /[\p{Cc}\p{Cs}]/u;

export interface ExpertiseBookOptions {
  readonly store: Pick<Store, 'documentsNamed'>;
  readonly clock: Clock;
  /** Whose vectors count. */
  readonly model: string;
  readonly execute: <C extends Command>(command: C) => Promise<Answer<C>>;
  readonly onFault: (error: unknown) => void;
}

interface Known {
  examples: readonly Example[];
  /** As they are written down, by slot. */
  readonly written: Map<number, Example>;
  /** Something was learned that may have to be written. */
  isChanged: boolean;
  /** Of some of its examples it is not known yet what they mean to this model: until then nothing is learned. */
  readonly isPartial: boolean;
}

/**
 * What workers have shown, by their names: a worker that comes back has another id. It is in memory, and written down in the
 * colony's memory, seldom and together. What others write, and what a rollback brings back, is read again.
 */
export class ExpertiseBook {
  readonly #options: ExpertiseBookOptions;
  /** Who has shown something last is last. */
  #workers = new Map<string, Known>();
  #common: Common | null = null;
  #learnedSince = 0;
  #isRead = false;
  #isReading = false;
  /** Of some of what is written it is not known what it means, to this model. */
  #isPartial = false;
  /** Grows when nothing of what is known may be so any more: what was read or written before that is not to be taken. */
  #edition = 0;
  /** How long vectors are, as far as that is known: others say nothing. */
  #dimension: number | null = null;
  #cancelWriting: (() => void) | null = null;
  #cancelReading: (() => void) | null = null;
  #readAt = 0;
  #stopped = false;

  constructor(options: ExpertiseBookOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#workers.size === 0;
  }

  /** Whether it is known what was written down. Before, nothing is learned. */
  get isRead(): boolean {
    return this.#isRead;
  }

  has(name: string): boolean {
    return this.#workers.has(name);
  }

  examplesOf(name: string): readonly Example[] {
    return this.#workers.get(name)?.examples ?? [];
  }

  /** What all have in common: found out anew when there is a tenth more. */
  get common(): Common {
    const all = () => [...this.#workers.values()].flatMap(({ examples }) => examples);
    this.#common ??= commonOf(all());
    return this.#common;
  }

  learn(name: string, outcome: Outcome): void {
    const known = this.#workers.get(name) ?? { examples: [], written: new Map(), isChanged: false, isPartial: false };
    if (!this.#isRead || this.#stopped || known.isPartial || UNFIT.test(name)) return;
    known.examples = learn(known.examples, outcome);
    known.isChanged = true;
    this.#workers.delete(name);
    this.#workers.set(name, known);
    const examples = this.#workers.size * known.examples.length;
    if (++this.#learnedSince * 10 >= examples) this.#forgetCommon();
    this.#cancelWriting ??= this.#options.clock.timer(WRITE_AFTER_MS, () => void this.#write());
  }

  #forgetCommon(): void {
    this.#common = null;
    this.#learnedSince = 0;
  }

  /** Others have written: it is read again before long. */
  isStale(): void {
    this.#readLater(READ_AFTER_MS);
  }

  /** It has become known what something that is written means: maybe what was wanting. */
  isEmbedded(): void {
    if (this.#isPartial) this.#readLater(READ_SOON_MS);
  }

  /** So long vectors are now. If they were not before, none of what is known says anything any more. */
  isMeasured(dimension: number): void {
    if (dimension === this.#dimension) return;
    this.#dimension = dimension;
    const isSame = ({ vector }: Example) => vector.length === dimension;
    if (![...this.#workers.values()].every(({ examples }) => examples.every(isSame))) void this.reread();
  }

  /** Nothing of what is known may be so any more. What is being read at the moment is read again. */
  async reread(): Promise<void> {
    this.#edition++;
    this.#workers.clear();
    this.#forgetCommon();
    this.#isRead = false;
    if (!this.#isReading) await this.read();
  }

  async read(): Promise<void> {
    if (this.#isReading || this.#stopped) return this.#readLater(READ_AFTER_MS);
    this.#isReading = true;
    try {
      for (let edition = -1; edition !== this.#edition; ) {
        edition = this.#edition;
        const found = await this.#written();
        if (this.#stopped) return;
        if (edition === this.#edition) this.#take(found);
      }
    } catch (error) {
      this.#failed(error);
      this.#readLater(READ_AFTER_MS);
    } finally {
      this.#isReading = false;
    }
  }

  /** What was learned here and is not written down yet stays. */
  #take(found: Map<string, Known>): void {
    for (const [name, known] of this.#workers) if (known.isChanged) found.set(name, known);
    this.#workers = found;
    this.#forgetCommon();
    this.#isRead = true;
    this.#isPartial = [...found.values()].some(({ isPartial }) => isPartial);
    if (this.#isPartial) this.#readLater(READ_AFTER_MS);
  }

  /** After so long, or earlier if that is planned already. */
  #readLater(ms: number): void {
    const { clock } = this.#options;
    const at = clock.now().steady + ms;
    if (this.#stopped || (this.#cancelReading !== null && this.#readAt <= at)) return;
    this.#cancelReading?.();
    this.#readAt = at;
    this.#cancelReading = clock.timer(ms, () => {
      this.#cancelReading = null;
      void this.read();
    });
  }

  async #written(): Promise<Map<string, Known>> {
    const found = new Map<string, { examples: Example[]; isPartial: boolean }>();
    for (let after: string | undefined; ; ) {
      const behind = after === undefined ? {} : { after };
      const query = { collection: 'memory', prefix: `${EXPERIENCE_SCOPE}/`, ...PAGE } as const;
      const { items, more } = await this.#options.store.documentsNamed({ ...query, ...behind });
      for (const document of items) {
        const entry = memoryFrom(document);
        const name = nameIn(entry);
        const known = found.get(name) ?? { examples: [], isPartial: false };
        found.set(name, known);
        const example = exampleFrom(entry);
        if (example === null) continue;
        if (!this.#isKnown(entry.embedding)) known.isPartial = true;
        else if (example.vector.length > 0) known.examples.push(example);
      }
      if (!more) break;
      after = items.at(-1)!.id;
    }
    const byLast = [...found].sort(([, a], [, b]) => lastOf(a.examples) - lastOf(b.examples));
    return new Map(
      byLast.map(([name, { examples, isPartial }]) => {
        const written = new Map(examples.map((one) => [one.slot, one]));
        return [name, { examples, isPartial, isChanged: false, written }];
      }),
    );
  }

  /** Whether this model has said what it means, be it that it never will. */
  #isKnown(embedding: Embedding | null): boolean {
    if (embedding?.model !== this.#options.model) return false;
    const { vector } = embedding;
    return vector === null || this.#dimension === null || dimensionOf(vector) === this.#dimension;
  }

  async #write(): Promise<void> {
    const [actor, scope, edition] = ['kernel', EXPERIENCE_SCOPE, this.#edition];
    const condition = { match: null, absent: false };
    let left = this.#takeChanged();
    try {
      while (left.length > 0 && edition === this.#edition) {
        const some = left.slice(0, MOST_AT_ONCE);
        const items = some.map(({ name, example }) => inputOf(name, example));
        const answer = await this.#options.execute({ kind: 'put_memory', actor, scope, items, condition });
        if (answer instanceof Refusal) break;
        for (const { known, example } of some) known.written.set(example.slot, example);
        left = left.slice(some.length);
      }
      await this.#dropOldest();
    } catch (error) {
      this.#failed(error);
    }
    // Of those that cannot be written now it is not forgotten that they are to be.
    for (const { known } of left) known.isChanged = true;
    this.#cancelWriting = null;
    const isMore = [...this.#workers.values()].some(({ isChanged }) => isChanged);
    if (this.#stopped || !isMore) return;
    const restMs = left.length === 0 ? WRITE_AFTER_MS : READ_AFTER_MS;
    this.#cancelWriting = this.#options.clock.timer(restMs, () => void this.#write());
  }

  /** What has changed by so much that it is to be written. */
  #takeChanged(): { readonly name: string; readonly known: Known; readonly example: Example }[] {
    const changed = [...this.#workers].filter(([, { isChanged }]) => isChanged);
    return changed.flatMap(([name, known]) => {
      known.isChanged = false;
      const due = known.examples.filter((one) => isWorthWriting(one, known.written.get(one.slot)));
      return due.map((example) => ({ name, known, example }));
    });
  }

  async #dropOldest(): Promise<void> {
    const condition = { match: null, absent: false };
    while (this.#workers.size > MOST_WORKERS) {
      const [name, { written }] = this.#workers.entries().next().value!;
      this.#workers.delete(name);
      for (const slot of written.keys()) {
        const key = keyOf(name, slot);
        await this.#options.execute({
          kind: 'delete_memory',
          actor: 'kernel',
          scope: EXPERIENCE_SCOPE,
          key,
          condition,
        });
      }
    }
  }

  /** A store that is closed meanwhile is no fault. */
  #failed(error: unknown): void {
    if (!this.#stopped && !(error instanceof StorageUnavailable)) this.#options.onFault(error);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelWriting?.();
    this.#cancelReading?.();
  }
}

function keyOf(name: string, slot: number): string {
  return `${name}/${slot}`;
}

function nameIn({ key }: MemoryEntry): string {
  return key.slice(0, key.lastIndexOf('/'));
}

function lastOf(examples: readonly Example[]): number {
  return examples.reduce((last, { at }) => Math.max(last, at), 0);
}

/** Without a vector where nobody knows yet, or ever, what its text means. Null: it is not one of ours, whoever has put it there. */
function exampleFrom({ key, text, value, embedding, updatedAt }: MemoryEntry): Example | null {
  const { done, failed } = (JSON.parse(value) ?? {}) as { done?: unknown; failed?: unknown };
  const slot = Number(key.slice(key.lastIndexOf('/') + 1));
  if (text === null || !isCount(done) || !isCount(failed) || !(Number.isInteger(slot) && slot >= 0)) return null;
  const vector = embedding?.vector == null ? NO_VECTOR : vectorFrom(embedding.vector);
  return { slot, text, vector, done, failed, at: updatedAt };
}

const NO_VECTOR = new Float32Array(0);
/** Far more than anybody can do: with what is larger one cannot reckon. */
const MOST_COUNTED = 1e9;

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MOST_COUNTED;
}

function isWorthWriting({ text, done, failed }: Example, written: Example | undefined): boolean {
  if (written === undefined || written.text !== text) return true;
  return done > written.done * WORTH_WRITING || failed > written.failed * WORTH_WRITING;
}

function inputOf(name: string, { slot, text, done, failed }: Example): MemoryInput {
  const counts = { done: rounded(done), failed: rounded(failed) };
  const metadata = { worker: name };
  const content = canonicalJson({ metadata, text, value: counts, vector: null });
  const fixed = { vector: null, ttlMs: null, path: '', hash: hash('sha256', content, 'hex') };
  return { key: keyOf(name, slot), value: JSON.stringify(counts), metadata, text, ...fixed };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
