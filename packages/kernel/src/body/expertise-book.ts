import { hash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { Answer, Command } from '../core/command.ts';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import { type MemoryEntry, type MemoryInput, memoryFrom, vectorFrom } from '../core/memory.ts';
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
const PAGE = { limit: 100, maxCharacters: 8 * 1024 * 1024 };
/** No key: see the routes. */
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
  #reading = false;
  #cancelWriting: (() => void) | null = null;
  #cancelReading: (() => void) | null = null;
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
    if (!this.#isRead || this.#stopped || known.isPartial) return;
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
    this.#readLater();
  }

  /** Nothing of what is known may be so any more. */
  async reread(): Promise<void> {
    this.#workers.clear();
    this.#forgetCommon();
    this.#isRead = false;
    await this.read();
  }

  async read(): Promise<void> {
    if (this.#reading || this.#stopped) return this.#readLater();
    this.#reading = true;
    try {
      const found = await this.#written();
      if (this.#stopped) return;
      this.#take(found);
      this.#isRead = true;
      if ([...found.values()].some(({ isPartial }) => isPartial)) this.#readLater();
    } catch (error) {
      this.#failed(error);
      this.#readLater();
    } finally {
      this.#reading = false;
    }
  }

  /** What was learned here and is not written down yet stays. */
  #take(found: Map<string, Known>): void {
    for (const [name, known] of this.#workers) if (known.isChanged) found.set(name, known);
    this.#workers = found;
    this.#forgetCommon();
  }

  #readLater(): void {
    if (this.#stopped) return;
    this.#cancelReading ??= this.#options.clock.timer(READ_AFTER_MS, () => {
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
        const example = exampleFrom(entry, this.#options.model);
        if (example) known.examples.push(example);
        else if (entry.embedding?.model !== this.#options.model) known.isPartial = true;
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

  async #write(): Promise<void> {
    const actor = 'kernel';
    const scope = EXPERIENCE_SCOPE;
    const condition = { match: null, absent: false };
    let isDone = true;
    try {
      const due: { readonly known: Known; readonly example: Example; readonly item: MemoryInput }[] = [];
      for (const [name, known] of this.#workers) {
        if (!known.isChanged || UNFIT.test(name)) continue;
        known.isChanged = false;
        for (const example of known.examples) {
          if (isWorthWriting(example, known.written.get(example.slot))) {
            due.push({ known, example, item: inputOf(name, example) });
          }
        }
      }
      for (let from = 0; from < due.length && isDone; from += MOST_AT_ONCE) {
        const some = due.slice(from, from + MOST_AT_ONCE);
        const items = some.map(({ item }) => item);
        const answer = await this.#options.execute({ kind: 'put_memory', actor, scope, items, condition });
        isDone = !(answer instanceof Refusal);
        for (const { known, example } of some) {
          if (isDone) known.written.set(example.slot, example);
          else known.isChanged = true;
        }
      }
      await this.#dropOldest();
    } catch (error) {
      isDone = false;
      this.#failed(error);
    }
    this.#cancelWriting = null;
    const isLeft = [...this.#workers.values()].some(({ isChanged }) => isChanged);
    if (this.#stopped || (isDone && !isLeft)) return;
    this.#cancelWriting = this.#options.clock.timer(isDone ? WRITE_AFTER_MS : READ_AFTER_MS, () => void this.#write());
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

/** Null: nobody knows yet, or ever, what its text means to this model. */
function exampleFrom({ key, text, value, embedding, updatedAt }: MemoryEntry, model: string): Example | null {
  if (text === null || embedding?.model !== model || embedding.vector === null) return null;
  const { done, failed } = JSON.parse(value) as { done: number; failed: number };
  const slot = Number(key.slice(key.lastIndexOf('/') + 1));
  return { slot, text, vector: vectorFrom(embedding.vector), done, failed, at: updatedAt };
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
