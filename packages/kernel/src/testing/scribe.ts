import type { Document } from '../core/document.ts';
import type { NewEvent } from '../core/event.ts';
import { laneOf, requirementsKey } from '../core/lane.ts';
import type { Saving } from '../core/saved.ts';
import type { Committed, Store, Unit } from '../core/store.ts';
import { Spec, type Task, type TaskInput, toSpec } from '../core/task.ts';
import type { Worker } from '../core/worker.ts';

/** The wall time at which tests begin. */
export const DAWN = Date.parse('2026-01-01T00:00:00Z');

/** Writes records straight into a store, whatever a test wants them to be: nothing is decided here. */
export class Scribe {
  store: Store;
  /** The time of the next commit. */
  at = DAWN;
  #made = 0;

  constructor(store: Store) {
    this.store = store;
  }

  /** A task as it would be submitted, not stored yet. */
  async draft(input: Partial<TaskInput> = {}, fields: Partial<Task> = {}): Promise<Task> {
    const { firstSequence } = await this.store.load({ sequences: 1 });
    return aTask(input, { id: `task-${++this.#made}`, seq: firstSequence, ...fields }, this.at);
  }

  /** A stored task, told of by one `task_submitted`. */
  async add(input: Partial<TaskInput> = {}, fields: Partial<Task> = {}): Promise<Task> {
    const task = await this.draft(input, fields);
    await this.commit(insert(task));
    return task;
  }

  async change(prev: Task, fields: Partial<Task>): Promise<Task> {
    const next = after(prev, fields);
    await this.commit(update(prev, next));
    return next;
  }

  async addWorker(fields: Partial<Worker> = {}): Promise<Worker> {
    const worker = aWorker(fields);
    await this.commit({ puts: [{ kind: 'worker', prev: null, next: worker }], events: [] });
    return worker;
  }

  async addDocument(fields: Partial<Document> = {}): Promise<Document> {
    const document = aDocument(fields);
    await this.commit({ puts: [{ kind: 'document', prev: null, next: document }], events: [] });
    return document;
  }

  async changeDocument(prev: Document, fields: Partial<Document>): Promise<Document> {
    const next = after(prev, fields);
    await this.commit({ puts: [{ kind: 'document', prev, next }], events: [] });
    return next;
  }

  /** As if it had never been. */
  async remove(prev: Task): Promise<void> {
    await this.commit({ puts: [{ kind: 'task', prev, next: null }], events: [] });
  }

  /** From now on what changes is kept under another number; or under none. */
  async save(next: Saving): Promise<void> {
    const prev = (await this.store.survey()).saving;
    await this.commit({ puts: [{ kind: 'saving', prev, next }], events: [] });
  }

  /** Commits units that must all succeed. */
  async commit(...units: Unit[]): Promise<Committed> {
    const committed = await this.store.commit(units, this.at);
    const conflicts = committed.outcomes.filter((outcome) => outcome === 'conflict').length;
    if (conflicts > 0) throw new Error(`${conflicts} of ${units.length} units conflicted`);
    return committed;
  }
}

/** A task that is queued, as it would be submitted. @param at wall time */
export function aTask(input: Partial<TaskInput> = {}, fields: Partial<Task> = {}, at = DAWN): Task {
  const spec = toSpec({ description: 'dig', ...input }, 'anonymous', at);
  return {
    id: 'task-1',
    seq: 1,
    version: 1,
    spec: Spec.of(spec),
    lane: laneOf(requirementsKey(spec.requirements), input.group ?? null),
    priority: spec.priority,
    createdAt: at,
    timeoutMs: spec.timeout_seconds * 1000,
    depth: 0,
    plan: null,
    status: 'queued',
    pendingReason: null,
    unmet: 0,
    dueAt: null,
    vote: null,
    attempt: 0,
    retryCount: 0,
    losses: 0,
    leaseToken: 0,
    worker: null,
    lastOutcome: null,
    deadline: null,
    queuedAt: at,
    startedAt: null,
    completedAt: null,
    progress: null,
    result: null,
    error: null,
    errorTrace: null,
    routing: null,
    ...fields,
  };
}

export function aWorker(fields: Partial<Worker> = {}): Worker {
  return {
    id: 'bee-1',
    version: 1,
    profile: { name: 'Maya', capabilities: [], attributes: {}, maxConcurrentTasks: 1 },
    holds: [],
    offline: false,
    draining: false,
    registeredAt: DAWN,
    lastHeartbeat: DAWN,
    completed: 0,
    failed: 0,
    busyMs: 0,
    recent: '',
    experience: [],
    quarantine: null,
    ...fields,
  };
}

export function aDocument(fields: Partial<Document> = {}): Document {
  return {
    ...{ collection: 'vote', id: 'vote-1', version: 1, state: 'open', createdAt: DAWN, dueAt: null, endedAt: null },
    body: {},
    ...fields,
  };
}

/** The record that follows `prev`. */
export function after<T extends { readonly version: number }>(prev: T, fields: Partial<T>): T {
  return { ...prev, ...fields, version: prev.version + 1 };
}

export function insert(task: Task): Unit {
  return { puts: [{ kind: 'task', prev: null, next: task }], events: [about(task)] };
}

export function update(prev: Task, next: Task): Unit {
  return { puts: [{ kind: 'task', prev, next }], events: [about(next, 'task_queued')] };
}

export function about(task: Pick<Task, 'id'>, type: NewEvent['type'] = 'task_submitted'): NewEvent {
  return { type, source: 'kernel', actor: 'kernel', data: { task_id: task.id } };
}

/** A task without what merely caches, or a store has noted on it: two of them are equal when their records are. */
export function plain(task: Task): Omit<Task, 'spec'> & { spec: string } {
  const named = Object.fromEntries(Object.entries(task)) as unknown as Task;
  return { ...named, spec: task.spec.json };
}
