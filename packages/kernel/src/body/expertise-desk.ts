import type { Clock } from '../core/clock.ts';
import type { Answer, Command, NewTask } from '../core/command.ts';
import type { Document } from '../core/document.ts';
import { EmbeddingRefused, EmbeddingUnavailable } from '../core/embedder.ts';
import { StorageUnavailable } from '../core/errors.ts';
import type { LedgerEntry } from '../core/event.ts';
import type { Nearness } from '../core/mind-rules.ts';
import type { Store } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import type { Worker } from '../core/worker.ts';
import { eligibility, passingFacts } from '../mind/eligibility.ts';
import { nearnesses } from '../mind/expertise.ts';
import { Allowance } from './allowance.ts';
import type { EmbeddingDesk } from './embedding-desk.ts';
import { EXPERIENCE_SCOPE, ExpertiseBook } from './expertise-book.ts';
import { Newest } from './newest.ts';

/** A task waits no longer than that for what it means. */
const WAIT_MS = 50;
/** Who only asks may wait. */
const PATIENT_MS = 1000;
/** After that nobody counts on an answer any more. */
const GIVE_UP_MS = 5000;
/** Of a command so many tasks are looked at: more do not find somebody who waits at once. */
const MOST_TASKS = 4;
/** Of those who wait so many are looked at, to find two that could take a task. */
const MOST_WAITING = 100;
const LONGEST = 2000;
/**
 * So many numbers are multiplied a second to hold tasks against examples, about a tenth of a second's work: many workers that wait, with
 * long vectors, are no reason to keep others waiting.
 */
const WORK = 40_000_000;
/** An embedder that was late or failed is left alone for so long; twice as long each further time. */
const REST_MS = 1000;
const MOST_REST_MS = 60_000;
const MOST_VECTORS = 1000;
/** As it stands in what the ledger tells. */
const OURS = `"scope":${JSON.stringify(EXPERIENCE_SCOPE)}`;
/** Of the tasks that have ended the newest wait to be learned from. */
const MOST_TO_LEARN = 20;

export interface ExpertiseDeskOptions {
  readonly store: Pick<Store, 'worker' | 'documentsNamed'>;
  readonly clock: Clock;
  readonly embedding: Pick<EmbeddingDesk, 'model' | 'isIdle' | 'vectorOf'>;
  readonly execute: <C extends Command>(command: C) => Promise<Answer<C>>;
  /** Those who take tasks now. */
  readonly waiting: () => Iterable<{ readonly worker: Worker }>;
  readonly onFault: (error: unknown) => void;
}

interface Ended {
  readonly workerId: string;
  readonly task: Task;
  readonly failed: boolean;
}

type Asked = Pick<NewTask, 'id' | 'spec'>;

/**
 * Finds out what tasks mean, before they are decided on, and lets the mind know how near they are to what workers did well; and
 * learns from what becomes of tasks. All of that is done as far as it costs others nothing: only where several could take a task,
 * only so many a second, and never for long.
 */
export class ExpertiseDesk {
  readonly #options: ExpertiseDeskOptions;
  readonly #book: ExpertiseBook;
  #byText = new Newest<string, Float32Array>(MOST_VECTORS);
  /** Of tasks that may be about to be decided on. */
  #byTask = new Newest<string, Float32Array>(MOST_VECTORS);
  /** How long they are. */
  #dimension: number | null = null;
  /** Texts that are embedded; tasks that are looked at; tasks that are learned from. */
  readonly #embedded = new Allowance(20, 20);
  readonly #looked = new Allowance(100, 100);
  readonly #learned = new Allowance(1, 20);
  readonly #worked = new Allowance(WORK, WORK);
  /** So many texts are being embedded. With one that never comes back nothing is asked any more, and nobody waits. */
  #asked = 0;
  /** So long it is left alone because it failed; and, by tasks that would wait for it, because it was late. */
  #restUntil = 0;
  #hurryAgainAt = 0;
  readonly #toLearn: Ended[] = [];
  #isLearning = false;
  /** As long as one does everything there is nothing to choose, and the model is not asked. Whoever comes back has another id. */
  readonly #names = new Set<string>();
  #last: string | null = null;
  #restMs = REST_MS;

  constructor(options: ExpertiseDeskOptions) {
    this.#options = options;
    this.#book = new ExpertiseBook({ ...options, model: options.embedding.model });
  }

  /** Reads what is known. Before that nothing is learned. */
  read(): Promise<void> {
    return this.#book.read();
  }

  /** Nothing of what is known may be so any more. */
  reread(): Promise<void> {
    return this.#book.reread();
  }

  /** What other kernels have committed. */
  hear(entries: readonly LedgerEntry[]): void {
    for (const { type, data } of entries) {
      if (!type.startsWith('memory_') || !data.includes(OURS)) continue;
      if (type === 'memory_embedded') this.#book.isEmbedded();
      else this.#book.isStale();
    }
  }

  /** An entry of the memory was committed here. */
  remembered({ id, body }: Document): void {
    if (id.startsWith(`${EXPERIENCE_SCOPE}/`) && body.embedding !== null) this.#book.isEmbedded();
  }

  stop(): void {
    this.#book.stop();
  }

  /** Looks ahead at what a command will want to know. Null: nothing, or it is known. Otherwise it takes `WAIT_MS` at the most. */
  lookAhead(command: Command): Promise<void> | null {
    if (command.kind !== 'submit' || this.#book.isEmpty) return null;
    const { steady } = this.#options.clock.now();
    const looked = command.tasks.slice(0, MOST_TASKS).filter(() => this.#looked.take(steady));
    const asked = looked.filter((task) => this.#isContested(task));
    const unknown = asked.filter((task) => !this.#isKnown(task));
    if (unknown.length === 0 || this.#asked > 0 || steady < this.#hurryAgainAt || !this.#mayAsk(steady)) return null;
    return this.#within(WAIT_MS, this.#askAll(unknown, steady));
  }

  /** The same for somebody who only asks about a task. */
  async prepare({ id, spec }: Pick<Task, 'id' | 'spec'>): Promise<void> {
    const { steady } = this.#options.clock.now();
    const asked = { id, spec: spec.value };
    if (this.#book.isEmpty || this.#isKnown(asked) || this.#restUntil > steady) return;
    await this.#within(PATIENT_MS, this.#askAll([asked], steady));
  }

  readonly nearness: Nearness = ({ id }, workers) => {
    const { clock } = this.#options;
    const book = this.#book;
    const vector = this.#byTask.get(id);
    if (vector === undefined) return null;
    const examples = workers.map(({ profile }) => book.examplesOf(profile.name));
    const work = examples.reduce((sum, { length }) => sum + length, 0) * vector.length;
    const { steady, wall } = clock.now();
    return this.#worked.take(steady, work) ? nearnesses(examples, vector, book.common, wall) : null;
  };

  /** An attempt has ended. Some of them are learned from. */
  ended(before: Task, task: Task): void {
    if (before.status !== 'executing' || before.worker === null || !this.#book.isRead) return;
    const failed = task.status !== 'completed';
    if (failed && task.status !== 'failed' && task.status !== 'timeout' && task.pendingReason !== 'retry') return;
    if (!this.#learned.take(this.#options.clock.now().steady)) return;
    this.#toLearn.push({ workerId: before.worker, task, failed });
    if (this.#toLearn.length > MOST_TO_LEARN) this.#toLearn.shift();
    if (this.#areSeveral || before.worker === this.#last) this.#learnSoon();
    else void this.#meet(before.worker);
    this.#last = before.worker;
  }

  get #areSeveral(): boolean {
    return this.#names.size > 1;
  }

  async #meet(workerId: string): Promise<void> {
    try {
      const worker = await this.#options.store.worker(workerId);
      if (worker) this.#names.add(worker.profile.name);
      this.#learnSoon();
    } catch (error) {
      this.#failed(error);
    }
  }

  #learnSoon(): void {
    if (this.#areSeveral && !this.#isLearning) void this.#learnAll();
  }

  /** One after another, as long as the model has nothing else to do; what is left waits for the next occasion. */
  async #learnAll(): Promise<void> {
    this.#isLearning = true;
    try {
      for (let next = this.#toLearn[0]; next !== undefined; next = this.#toLearn[0]) {
        const asked = { id: next.task.id, spec: next.task.spec.value };
        const { steady } = this.#options.clock.now();
        if (!this.#isKnown(asked)) {
          if (this.#asked > 0 || !this.#mayAsk(steady)) break;
          await this.#askAll([asked], steady);
        }
        const at = this.#toLearn.indexOf(next);
        if (at < 0) continue;
        this.#toLearn.splice(at, 1);
        await this.#learn(next, asked);
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#isLearning = false;
    }
  }

  async #learn({ workerId, failed }: Ended, asked: Asked): Promise<void> {
    const vector = this.#byTask.get(asked.id);
    const worker = vector === undefined ? null : await this.#options.store.worker(workerId);
    const at = this.#options.clock.now().wall;
    if (vector && worker) this.#book.learn(worker.profile.name, { text: textOf(asked), vector, failed, at });
  }

  /** Whether several wait that could take it at once, and something is known of one of them. */
  #isContested({ lane, spec }: NewTask): boolean {
    if (spec.run_at !== null || spec.depends_on.length > 0) return false;
    const facts = passingFacts(lane, spec.requirements);
    let first: string | null = null;
    let [areSeveral, isKnown] = [false, false];
    let left = MOST_WAITING;
    for (const { worker } of this.#options.waiting()) {
      if (left-- === 0) break;
      if (eligibility(worker, facts) === 0) continue;
      areSeveral ||= first !== null && first !== worker.id;
      isKnown ||= this.#book.has(worker.profile.name);
      if (areSeveral && isKnown) return true;
      first ??= worker.id;
    }
    return false;
  }

  #isKnown(asked: Asked): boolean {
    if (this.#byTask.get(asked.id) !== undefined) return true;
    const vector = this.#byText.get(textOf(asked));
    if (vector === undefined) return false;
    this.#byTask.set(asked.id, vector);
    return true;
  }

  #mayAsk(steady: number): boolean {
    return steady >= this.#restUntil && this.#options.embedding.isIdle && this.#embedded.has(steady);
  }

  /** Resolves when it has come to an end with each, however. */
  async #askAll(all: readonly Asked[], steady: number): Promise<void> {
    await Promise.all(all.filter(() => this.#embedded.take(steady)).map((asked) => this.#ask(asked)));
  }

  async #ask(asked: Asked): Promise<void> {
    const text = textOf(asked);
    const { clock, embedding } = this.#options;
    const begunAt = clock.now().steady;
    this.#asked++;
    try {
      const vector = await embedding.vectorOf(text, GIVE_UP_MS);
      this.#measure(vector.length);
      this.#byText.set(text, vector);
      this.#byTask.set(asked.id, vector);
      if (clock.now().steady - begunAt <= WAIT_MS) this.#restMs = REST_MS;
    } catch (error) {
      // A text that means nothing is nobody's fault.
      if (!(error instanceof EmbeddingRefused)) {
        this.#restUntil = this.#nextRest(error instanceof EmbeddingUnavailable ? error.retryAfterMs : 0);
      }
      this.#failed(error);
    } finally {
      this.#asked--;
    }
  }

  /** Of the same name, but with vectors of another length: it is another model now. */
  #measure(dimension: number): void {
    if (dimension !== this.#dimension) {
      this.#byText = new Newest(MOST_VECTORS);
      this.#byTask = new Newest(MOST_VECTORS);
    }
    this.#dimension = dimension;
    this.#book.isMeasured(dimension);
  }

  /** Until when it is left alone: longer each time that it is late or fails. */
  #nextRest(atLeastMs: number): number {
    const restMs = Math.max(this.#restMs, Math.min(atLeastMs, MOST_REST_MS));
    this.#restMs = Math.min(2 * this.#restMs, MOST_REST_MS);
    return this.#options.clock.now().steady + restMs;
  }

  async #within(ms: number, asking: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.timer(ms, () => {
      this.#hurryAgainAt = this.#nextRest(0);
      resolve();
    });
    await Promise.race([asking, promise]);
    cancel();
  }

  #failed(error: unknown): void {
    const isExpected =
      error instanceof EmbeddingRefused || error instanceof EmbeddingUnavailable || error instanceof StorageUnavailable;
    if (!isExpected) this.#options.onFault(error);
  }
}

function textOf({ spec }: Asked): string {
  return spec.description.slice(0, LONGEST);
}
