import type { Clock } from '../core/clock.ts';
import type { Answer, Command } from '../core/command.ts';
import type { Document } from '../core/document.ts';
import type { Embedder } from '../core/embedder.ts';
import type { LedgerEntry } from '../core/event.ts';
import type { Nearness } from '../core/mind-rules.ts';
import type { Store } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import type { Worker } from '../core/worker.ts';
import { EmbeddingDesk } from './embedding-desk.ts';
import { ExpertiseDesk } from './expertise-desk.ts';
import { MemoryDesk } from './memory-desk.ts';

export interface RememberingOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly embedder: Embedder;
  /** Whether it is anybody's business what workers do well. */
  readonly learns: boolean;
  readonly execute: <C extends Command>(command: C) => Promise<Answer<C>>;
  /** Those who take tasks now. */
  readonly waiting: () => Iterable<{ readonly worker: Worker }>;
  readonly onFault: (error: unknown, about: string) => void;
}

/** What the colony remembers: what is asked of it, what its texts mean, and what of it workers have shown. */
export class Remembering {
  readonly desk: MemoryDesk;
  /** How near a task is to what workers have shown; null: nobody learns from that. */
  readonly nearness: Nearness | null;
  readonly #embedding: EmbeddingDesk;
  readonly #expertise: ExpertiseDesk | null;

  constructor({ embedder, learns, waiting, onFault, ...parts }: RememberingOptions) {
    const { store, clock } = parts;
    const embedding = new EmbeddingDesk({ ...parts, embedder, onFault: (error) => onFault(error, 'embedding') });
    const onLearningFault = (error: unknown) => onFault(error, 'experience');
    this.desk = new MemoryDesk({ store, clock, embedding });
    this.#embedding = embedding;
    this.#expertise = learns ? new ExpertiseDesk({ ...parts, embedding, waiting, onFault: onLearningFault }) : null;
    this.nearness = this.#expertise?.nearness ?? null;
  }

  /** Reads what workers have shown before. */
  start(): void {
    void this.#expertise?.read();
  }

  /** Memory may be otherwise than it was: what its texts mean is looked after, and what workers have shown is read again. */
  startAnew(): void {
    this.#embedding.lookSoon();
    void this.#expertise?.reread();
  }

  /** An entry was committed here. */
  follow(document: Document): void {
    this.#embedding.follow(document);
    this.#expertise?.remembered(document);
  }

  /** Other kernels have committed this. */
  hear(entries: readonly LedgerEntry[]): void {
    this.#expertise?.hear(entries);
  }

  /** An attempt has ended. */
  ended(before: Task, task: Task): void {
    this.#expertise?.ended(before, task);
  }

  /** Finds out what a command's tasks mean, where that matters; null: there is nothing to wait for. */
  lookAhead(command: Command): Promise<void> | null {
    return this.#expertise?.lookAhead(command) ?? null;
  }

  /** The same for somebody who only asks about a task. */
  async prepare(task: Pick<Task, 'id' | 'spec'>): Promise<void> {
    await this.#expertise?.prepare(task);
  }

  /** Now and then: whether there is a text that nobody sees to. */
  look(steady: number): Promise<void> {
    return this.#embedding.look(steady);
  }

  async stop(): Promise<void> {
    this.#expertise?.stop();
    await this.#embedding.stop();
  }
}
