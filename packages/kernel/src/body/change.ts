import { type Document, nameOf } from '../core/document.ts';
import { Bug } from '../core/errors.ts';
import type { LedgerType, NewEvent, Source } from '../core/event.ts';
import type { JsonObject } from '../core/json.ts';
import { mayFollow } from '../core/lifecycle.ts';
import { planName } from '../core/plan.ts';
import { type IdempotencyRecord, type Portion, type Put, REMOVED, type Read, type Tombstone } from '../core/store.ts';
import { isTerminal, type Task, type TaskStatus } from '../core/task.ts';
import type { Worker } from '../core/worker.ts';
import type { Slice } from './slice.ts';
import { stillToDo } from './unfinished.ts';

/** A task of a plan that has ended, or has not any more. */
export interface Move {
  /** What it was; null: it has just been made. */
  readonly from: TaskStatus | null;
  readonly task: Task;
}

/** Lanes that a bound keeps closed to somebody who could take from them. */
export interface PassedOver {
  /** With what they require. */
  readonly lanes: ReadonlyMap<string, JsonObject>;
  /** What these bounds are called. */
  readonly by: ReadonlySet<string>;
}

/**
 * What one command changes, collected while it is decided: records to put, events to append, and what it rests on.
 * Reads go through it, so that a command with several steps sees its own.
 */
export class Change {
  readonly slice: Slice;
  readonly actor: string;
  /** It goes on with what the actor has brought about before. */
  readonly goesOn: boolean;
  readonly puts: Put[] = [];
  readonly events: NewEvent[] = [];
  readonly reads: Read[] = [];
  /** What their plans are still to learn. */
  readonly moves: Move[] = [];
  /** The colony's limit keeps back a task that the worker could run. */
  heldBack = false;
  /** What bounds keep back that the worker could run; null: nothing. */
  passedOver: PassedOver | null = null;
  readonly #tasks = new Map<string, Task>();
  readonly #workers = new Map<string, Worker | null>();
  readonly #documents = new Map<string, Document | null>();

  constructor(slice: Slice, actor: string, goesOn = false) {
    this.slice = slice;
    this.actor = actor;
    this.goesOn = goesOn;
  }

  task(id: string): Task | Tombstone | null {
    return this.#tasks.get(id) ?? this.slice.task(id);
  }

  liveTask(id: string): Task {
    return this.#tasks.get(id) ?? this.slice.liveTask(id);
  }

  worker(id: string): Worker | null {
    const own = this.#workers.get(id);
    return own === undefined ? this.slice.worker(id) : own;
  }

  /** By its name: see `nameOf`. */
  document(name: string): Document | null {
    const own = this.#documents.get(name);
    return own === undefined ? this.slice.document(name) : own;
  }

  /** A document that the decision rests on, and that it does not change. */
  readDocument(name: string): Document | null {
    const document = this.slice.document(name);
    this.reads.push({ kind: 'document', id: name, version: document?.version ?? 0 });
    return document;
  }

  /** A task that the decision rests on, and that it does not change, unless it makes it. */
  readTask(id: string): Task | Tombstone | null {
    const own = this.#tasks.get(id);
    if (own) return own;
    const task = this.slice.task(id);
    this.reads.push({ kind: 'task', id, version: task === null ? 0 : 'version' in task ? task.version : REMOVED });
    return task;
  }

  /** Nothing is done to it because of what it is: should it become something else, the decision does not hold. */
  passOver(task: Task): void {
    if (!this.#tasks.has(task.id)) this.reads.push({ kind: 'task', id: task.id, version: task.version });
  }

  /** The tasks that depend on this one: all of them, or the decision does not hold. */
  dependentsOf(id: string): readonly Task[] {
    this.reads.push({ kind: 'dependents', id, count: this.slice.loadedCount('dependents', id) });
    return this.slice.dependentsOf(id);
  }

  /** The next of them, behind a sequence number; should there be one more by now, the decision does not hold. */
  portionOf(id: string, after: number): Portion {
    const portion = this.slice.portionOf(id, after);
    this.reads.push({ kind: 'dependents', id, count: portion.count });
    return portion;
  }

  /** The tasks whose parent is this one, likewise. */
  childrenOf(id: string): readonly Task[] {
    this.reads.push({ kind: 'children', id, count: this.slice.loadedCount('children', id) });
    return this.slice.childrenOf(id);
  }

  /** The tasks that depend on this one of a plan, and are not of the plan: all of them, or the decision does not hold. */
  outsidersOf(task: Task): readonly Task[] {
    this.reads.push({ kind: 'dependents', id: task.id, count: this.slice.loadedWithOutsiders(task.id) });
    return this.slice.outsidersOf(task);
  }

  /** The tasks of a plan that have not ended, oldest first; all of one that is just being made, else no more than are called off at once. */
  unfinishedOf(plan: string): Task[] {
    const isNew = this.isNewPlan(plan);
    const tasks = isNew
      ? [...this.#tasks.values()].filter((task) => task.plan === plan)
      : this.slice.unfinishedOf(plan);
    return stillToDo(tasks.map(({ id }) => this.liveTask(id)));
  }

  /** Whether it is made just now. */
  isNewPlan(plan: string): boolean {
    const name = planName(plan);
    return !this.slice.hasDocument(name) || this.slice.document(name) === null;
  }

  create(task: Task): Task {
    this.#check(null, task);
    this.puts.push({ kind: 'task', prev: null, next: task });
    this.#tasks.set(task.id, task);
    return task;
  }

  update(prev: Task, fields: Partial<Task>): Task {
    const next: Task = { ...prev, ...fields, version: prev.version + 1 };
    this.#check(prev, next);
    this.puts.push({ kind: 'task', prev, next });
    this.#tasks.set(next.id, next);
    return next;
  }

  #check(prev: Task | null, next: Task): void {
    if (!mayFollow(prev?.status ?? null, next.status)) {
      throw new Bug(`task ${next.id} may not go from ${prev?.status ?? 'new'} to ${next.status}`);
    }
    if (next.plan !== null && (isTerminal(next) || (prev !== null && isTerminal(prev)))) {
      this.moves.push({ from: prev?.status ?? null, task: next });
    }
    if (prev && next.leaseToken < prev.leaseToken) throw new Bug(`task ${next.id}: its lease token went back`);
  }

  createWorker(worker: Worker): Worker {
    this.puts.push({ kind: 'worker', prev: null, next: worker });
    this.#workers.set(worker.id, worker);
    return worker;
  }

  updateWorker(prev: Worker, fields: Partial<Worker>): Worker {
    const next: Worker = { ...prev, ...fields, version: prev.version + 1 };
    this.puts.push({ kind: 'worker', prev, next });
    this.#workers.set(next.id, next);
    return next;
  }

  removeWorker(prev: Worker): void {
    this.puts.push({ kind: 'worker', prev, next: null });
    this.#workers.set(prev.id, null);
  }

  createDocument(document: Document): Document {
    return this.#putDocument(null, document);
  }

  updateDocument(prev: Document, fields: Partial<Document>): Document {
    return this.#putDocument(prev, { ...prev, ...fields, version: prev.version + 1 });
  }

  removeDocument(prev: Document): void {
    this.puts.push({ kind: 'document', prev, next: null });
    this.#documents.set(nameOf(prev), null);
  }

  #putDocument(prev: Document | null, next: Document): Document {
    this.puts.push({ kind: 'document', prev, next });
    this.#documents.set(nameOf(next), next);
    return next;
  }

  remember(next: IdempotencyRecord): void {
    this.puts.push({ kind: 'idempotency', prev: this.slice.idempotency(next.key), next });
  }

  /** `data` is written with its members in alphabetical order. */
  event(type: LedgerType, source: Source, data: JsonObject): void {
    this.events.push({ type, source, actor: this.actor, data });
  }
}
