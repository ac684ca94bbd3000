import { type Document, nameOf as documentName } from '../core/document.ts';
import type { NewEvent } from '../core/event.ts';
import { levelOf, poolsOf } from '../core/lane.ts';
import type { Saving } from '../core/saved.ts';
import type { Cap, IdempotencyRecord, LaneNeed, Put, Read, Unit } from '../core/store.ts';
import type { Task, TaskStatus } from '../core/task.ts';
import type { Worker } from '../core/worker.ts';

/** What every store makes of a commit's units before it writes. */

/** What all units of one commit come to: each record's state before and after. */
export interface Merged {
  readonly tasks: ReadonlyMap<string, Span<Task>>;
  readonly workers: ReadonlyMap<string, Span<Worker>>;
  readonly idempotency: ReadonlyMap<string, Span<IdempotencyRecord>>;
  /** By their names. */
  readonly documents: ReadonlyMap<string, Span<Document>>;
  /** Tasks that go, as they were last. */
  readonly gone: ReadonlyMap<string, Task>;
  /** Tasks that were there before, and are there again. */
  readonly back: ReadonlySet<string>;
  /** What is left of tasks that are not there after it is to say this. */
  readonly remains: ReadonlyMap<string, TaskStatus | null>;
  /** How the store saves from the next commit on; undefined: as before. */
  readonly saving: Span<NonNullable<Saving>> | undefined;
  readonly events: readonly NewEvent[];
  /** What units rest on beside what they change. */
  readonly reads: readonly Read[];
}

interface Span<T> {
  first: T | null;
  last: T | null;
}

/** Some record was not at the version that was expected. */
export class Conflict extends Error {}

/**
 * A record that several units change is written once, in its final state: a task that is submitted and assigned in
 * the same breath costs one insert. Throws `Conflict` when units do not build on each other.
 */
export function merge(units: readonly Unit[]): Merged {
  const tasks = new Map<string, Span<Task>>();
  const workers = new Map<string, Span<Worker>>();
  const idempotency = new Map<string, Span<IdempotencyRecord>>();
  const documents = new Map<string, Span<Document>>();
  const gone = new Map<string, Task>();
  const back = new Set<string>();
  const remains = new Map<string, TaskStatus | null>();
  let saving: Merged['saving'];
  let removes = false;
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
      if (put.kind === 'remains') {
        remains.set(put.id, put.status);
        continue;
      }
      removes ||= put.next === null;
      if (put.kind === 'task') {
        mergeOne(tasks, put, put.prev, put.next);
        if (put.next === null) gone.set(put.prev!.id, put.prev!);
        else if (put.prev === null && isBack(tasks, put.next)) back.add(put.next.id);
      } else if (put.kind === 'worker') mergeOne(workers, put, put.prev, put.next);
      else if (put.kind === 'document') mergeOne(documents, put, put.prev, put.next);
      else if (put.kind === 'idempotency') mergeOne(idempotency, put, put.prev, put.next);
      else saving = { first: put.prev, last: put.next };
    }
    for (const event of unit.events) events.push(event);
  }
  if (removes) for (const spans of [tasks, workers, idempotency, documents]) dropEmpty(spans);
  return { tasks, workers, idempotency, documents, gone, back, remains, saving, events, reads };
}

/** What comes and goes within a commit has never been. */
function dropEmpty(spans: Map<string, Span<unknown>>): void {
  for (const [id, { first, last }] of spans) if (first === null && last === null) spans.delete(id);
}

function isBack(tasks: Merged['tasks'], task: Task): boolean {
  return task.version > 1 && tasks.get(task.id)!.first === null;
}

function mergeOne<T extends Versioned>(map: Map<string, Span<T>>, put: Put, prev: T | null, next: T | null): void {
  const id = idOf(put);
  const known = map.get(id);
  if (!known) map.set(id, { first: prev, last: next });
  else if (versionOf(known.last) !== versionOf(prev)) throw new Conflict();
  else known.last = next;
}

/** A version that nothing expects. */
const NEVER = -2;

/** How many more tasks may be executing, of all and of some pools. */
export interface Left {
  readonly room: number;
  readonly pools: ReadonlyMap<string, number>;
}

export const NO_LIMIT: Left = { room: Number.POSITIVE_INFINITY, pools: new Map() };

/**
 * Takes a commit apart: which units find every record at the version they expect, and room for what they assign?
 * @param stored the version of something as it is stored; 0 when there is none
 */
export function judge(units: readonly Unit[], stored: Stored, left = NO_LIMIT): ('committed' | 'conflict')[] {
  const versions = new Map<string, number>();
  let { room } = left;
  const pools = new Map(left.pools);
  return units.map((unit) => {
    const changes = changesOf(unit);
    const [started, inPools] = [startedIn(changes), startedInPools(changes, pools)];
    const isFull = (started > 0 && started > room) || [...inPools].some(([pool, n]) => n > 0 && n > pools.get(pool)!);
    const next = isFull ? null : versionsAfter(unit, versions, stored);
    if (next) {
      room -= started;
      for (const [pool, n] of inPools) pools.set(pool, pools.get(pool)! - n);
    }
    // What builds on a unit that conflicted was decided on a state that never came to be.
    for (const put of unit.puts) versions.set(nameOf(put), next?.get(nameOf(put)) ?? NEVER);
    return next ? 'committed' : 'conflict';
  });
}

function changesOf({ puts }: Unit): Span<Task>[] {
  return puts.flatMap((put) => (put.kind === 'task' ? [{ first: put.prev, last: put.next }] : []));
}

/** How many more tasks are executing after these changes than before. */
export function startedIn(changes: Iterable<Span<Task>>): number {
  let started = 0;
  for (const { first, last } of changes) started += startedBy(first, last);
  return started;
}

/** The same of each of these pools, as far as something changes there. */
export function startedInPools(
  changes: Iterable<Span<Task>>,
  pools: { has(pool: string): boolean; readonly size: number },
): Map<string, number> {
  const counts = new Map<string, number>();
  if (pools.size === 0) return counts;
  for (const { first, last } of changes) {
    const started = startedBy(first, last);
    if (started === 0) continue;
    for (const pool of poolsOfTask((last ?? first)!)) {
      if (pools.has(pool)) counts.set(pool, (counts.get(pool) ?? 0) + started);
    }
  }
  return counts;
}

/** Whether the specification is another one, which it hardly ever is. What it is found by stays the same. */
export function changesSpec(first: Task, last: Task): boolean {
  return first.spec !== last.spec && first.spec.json !== last.spec.json;
}

function startedBy(first: Task | null, last: Task | null): number {
  return Number(last?.status === 'executing') - Number(first?.status === 'executing');
}

export function poolsOfTask({ lane, spec }: Task): readonly string[] {
  return poolsOf(lane, () => spec.value.requirements);
}

/** The caps that a commit may come up against, and by how many tasks it would come closer. */
export function touched(caps: readonly Cap[] | undefined, { tasks }: Merged): (Cap & { readonly started: number })[] {
  if (!caps || caps.length === 0) return [];
  const started = startedInPools(tasks.values(), new Set(caps.map(({ pool }) => pool)));
  return caps.flatMap((cap) => {
    const count = started.get(cap.pool) ?? 0;
    return count > 0 ? [{ ...cap, started: count }] : [];
  });
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
    if (put.kind === 'remains') continue;
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
  if (put.kind === 'saving') return '';
  if (put.kind === 'remains') return put.id;
  if (put.kind === 'document') return documentName((put.next ?? put.prev)!);
  return put.kind === 'idempotency' ? (put.next ?? put.prev)!.key : (put.next ?? put.prev)!.id;
}

/** Tells a put's record from all others. */
function nameOf(put: Put): string {
  return `${put.kind} ${idOf(put)}`;
}

type Versioned = Task | Worker | Document | IdempotencyRecord | NonNullable<Saving>;

/**
 * The version of a record, 0 when there is none; an idempotency record is told by when it was made, how the store saves by
 * what it is.
 */
export function versionOf(record: Versioned | null): number {
  if (record === null) return 0;
  if ('version' in record) return record.version;
  return 'at' in record ? record.at : 1 + 2 * record.number + Number(record.rolling);
}

/** What a need of a lane is answered under. */
export function nameOfNeed({ lane, priority }: LaneNeed): string {
  return priority === undefined ? lane : levelOf(lane, priority);
}
