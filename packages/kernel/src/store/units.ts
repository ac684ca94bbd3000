import { type Document, nameOf as documentName } from '../core/document.ts';
import type { NewEvent } from '../core/event.ts';
import type { IdempotencyRecord, Put, Read, Unit } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import type { Worker } from '../core/worker.ts';

/** What every store makes of a commit's units before it writes. */

/** What all units of one commit come to: each record's state before and after. */
export interface Merged {
  readonly tasks: ReadonlyMap<string, Span<Task, Task>>;
  readonly workers: ReadonlyMap<string, Span<Worker, Worker | null>>;
  readonly idempotency: ReadonlyMap<string, Span<IdempotencyRecord, IdempotencyRecord>>;
  /** By their names. */
  readonly documents: ReadonlyMap<string, Span<Document, Document | null>>;
  readonly events: readonly NewEvent[];
  /** What units rest on beside what they change. */
  readonly reads: readonly Read[];
}

interface Span<First, Last> {
  first: First | null;
  last: Last;
}

/** Some record was not at the version that was expected. */
export class Conflict extends Error {}

/**
 * A record that several units change is written once, in its final state: a task that is submitted and assigned in
 * the same breath costs one insert. Throws `Conflict` when units do not build on each other.
 */
export function merge(units: readonly Unit[]): Merged {
  const tasks = new Map<string, Span<Task, Task>>();
  const workers = new Map<string, Span<Worker, Worker | null>>();
  const idempotency = new Map<string, Span<IdempotencyRecord, IdempotencyRecord>>();
  const documents = new Map<string, Span<Document, Document | null>>();
  const events: NewEvent[] = [];
  const reads: Read[] = [];
  for (const unit of units) {
    for (const read of unit.reads ?? []) {
      const known =
        read.kind === 'task' ? tasks.get(read.id) : read.kind === 'document' ? documents.get(read.id) : undefined;
      if (!known) {
        // Nearly all rest on the same policy.
        const last = reads.at(-1);
        const isSame = last?.kind === 'document' && last.id === read.id && last.version === expectedOf(read);
        if (!isSame) reads.push(read);
      } else if (versionOf(known.last) !== expectedOf(read)) throw new Conflict();
    }
    for (const put of unit.puts) {
      if (put.kind === 'task') mergeOne(tasks, put, put.prev, put.next);
      else if (put.kind === 'worker') mergeOne(workers, put, put.prev, put.next);
      else if (put.kind === 'document') mergeOne(documents, put, put.prev, put.next);
      else mergeOne(idempotency, put, put.prev, put.next);
    }
    for (const event of unit.events) events.push(event);
  }
  return { tasks, workers, idempotency, documents, events, reads };
}

function mergeOne<T extends Versioned, L extends T | null>(
  map: Map<string, Span<T, L>>,
  put: Put,
  prev: T | null,
  next: L,
): void {
  const id = idOf(put);
  const known = map.get(id);
  if (!known) map.set(id, { first: prev, last: next });
  else if (versionOf(known.last) !== versionOf(prev)) throw new Conflict();
  else known.last = next;
}

/** A version that nothing expects. */
const NEVER = -2;

/**
 * Takes a commit apart: which units find every record at the version they expect, and room for what they assign?
 * @param stored the version of something as it is stored; 0 when there is none
 * @param room how many more tasks may be executing
 */
export function judge(
  units: readonly Unit[],
  stored: Stored,
  room = Number.POSITIVE_INFINITY,
): ('committed' | 'conflict')[] {
  const versions = new Map<string, number>();
  let left = room;
  return units.map((unit) => {
    const started = startedBy(unit);
    const next = started > 0 && started > left ? null : versionsAfter(unit, versions, stored);
    if (next) left -= started;
    // What builds on a unit that conflicted was decided on a state that never came to be.
    for (const put of unit.puts) versions.set(nameOf(put), next?.get(nameOf(put)) ?? NEVER);
    return next ? 'committed' : 'conflict';
  });
}

/** How many more tasks are executing after a unit than before it. */
function startedBy({ puts }: Unit): number {
  let started = 0;
  for (const put of puts) {
    if (put.kind !== 'task') continue;
    started += Number(put.next.status === 'executing') - Number(put.prev?.status === 'executing');
  }
  return started;
}

/** How many more tasks are executing after a commit than before it. */
export function startedIn({ tasks }: Merged): number {
  let started = 0;
  for (const { first, last } of tasks.values()) {
    started += Number(last.status === 'executing') - Number(first?.status === 'executing');
  }
  return started;
}

/** @param expected the version it had for whoever is asking */
export type Stored = (kind: Put['kind'] | Read['kind'], id: string, expected: number) => number;

/** The versions of a unit's records after it, or null when it does not find what it expects. */
function versionsAfter(
  unit: Unit,
  versions: ReadonlyMap<string, number>,
  stored: Stored,
): ReadonlyMap<string, number> | null {
  const next = new Map<string, number>();
  for (const read of unit.reads ?? []) {
    const current = versions.get(`${read.kind} ${read.id}`) ?? stored(read.kind, read.id, expectedOf(read));
    if (current !== expectedOf(read)) return null;
  }
  for (const put of unit.puts) {
    const name = nameOf(put);
    const expected = versionOf(put.prev);
    if ((next.get(name) ?? versions.get(name) ?? stored(put.kind, idOf(put), expected)) !== expected) return null;
    next.set(name, versionOf(put.next));
  }
  return next;
}

/** What a read found: a version, or a number of relatives. */
export function expectedOf(read: Read): number {
  return 'version' in read ? read.version : read.count;
}

/** The id of a put's record among those of its kind. */
export function idOf(put: Put): string {
  if (put.kind === 'task') return put.next.id;
  if (put.kind === 'document') return documentName((put.next ?? put.prev)!);
  return put.kind === 'worker' ? (put.next ?? put.prev)!.id : put.next.key;
}

/** Tells a put's record from all others. */
function nameOf(put: Put): string {
  return `${put.kind} ${idOf(put)}`;
}

type Versioned = Task | Worker | Document | IdempotencyRecord;

/** The version of a record, 0 when there is none; an idempotency record is told by when it was made. */
export function versionOf(record: Versioned | null): number {
  if (record === null) return 0;
  return 'version' in record ? record.version : record.at;
}
