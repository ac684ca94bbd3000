import type { Remains } from '../core/archive.ts';
import { collectionOf, type Document, IN_CHECKPOINTS } from '../core/document.ts';
import type { Saved, Saving } from '../core/saved.ts';
import type { IdempotencyRecord } from '../core/store.ts';
import { Spec, type Task, type TaskStatus } from '../core/task.ts';
import type { Worker } from '../core/worker.ts';
import type { Merged } from './units.ts';

/** What every store keeps for checkpoints, and how it writes it. */

type Kept = Task | Worker | Document | IdempotencyRecord;
type Kind = Saved['kind'] | 'worker';

/** A record's name among those of all kinds. */
export function savedName(kind: Kind, id: string): string {
  return `${kind} ${id}`;
}

export function savedRecord(name: string): { readonly kind: Kind; readonly id: string } {
  const cut = name.indexOf(' ');
  return { kind: name.slice(0, cut) as Kind, id: name.slice(cut + 1) };
}

/** As it is kept: JSON, and of a task its specification in a second line; of what retention had left of one its status alone. */
export function savedText(record: Kept): string {
  if (!('spec' in record)) return JSON.stringify(record);
  return `${JSON.stringify({ ...record, spec: undefined })}\n${record.spec.json}`;
}

/** Null: that is how it had ended, or there was none. */
export function taskOf(text: string | null): Task | null {
  if (text === null) return null;
  const cut = text.indexOf('\n');
  if (cut < 0) return null;
  const state = JSON.parse(text.slice(0, cut)) as Task;
  // Texts of before there were plans say nothing of these.
  const { plan = null, routing = null } = state;
  return { ...state, plan, routing, spec: new Spec(text.slice(cut + 1)) };
}

/** What there is now. */
export interface Present {
  task(id: string): Task | null;
  /** Of a task that is not there. */
  remains(id: string): Remains | null;
  /** By its name: see `nameOf`. */
  document(name: string): Document | null;
  key(key: string): IdempotencyRecord | null;
}

/**
 * What a record was beside what it is; null when it is none of those that go back. @param text null: there was no such record
 */
export function compare(number: number, name: string, text: string | null, present: Present): Saved | null {
  const { kind, id } = savedRecord(name);
  if (kind === 'worker' || (kind === 'document' && !IN_CHECKPOINTS[collectionOf(id)])) return null;
  const was = <T>() => (text === null ? null : (JSON.parse(text) as T));
  if (kind === 'document') return { kind, id, number, saved: was<Document>(), current: present.document(id) };
  if (kind === 'idempotency') return { kind, id, number, saved: was<IdempotencyRecord>(), current: present.key(id) };
  const [saved, current] = [taskOf(text), present.task(id)];
  const last = current ?? present.remains(id);
  const version = Math.max(saved?.version ?? 0, last?.version ?? 0);
  const leaseToken = Math.max(saved?.leaseToken ?? 0, last?.leaseToken ?? 0);
  const left = {
    saved: saved === null ? (text as TaskStatus | null) : null,
    current: current === null ? (last?.status ?? null) : null,
  };
  return { kind, id, number, saved, current, version, leaseToken, left };
}

/** A place among what is kept: by number, then by name in the order of its bytes. */
export class Cursor {
  readonly number: number;
  readonly name: string;

  constructor(number: number, name: string) {
    this.number = number;
    this.name = name;
  }

  static from(text: string | null | undefined): Cursor | null {
    if (text == null) return null;
    const cut = text.indexOf(' ');
    return new Cursor(Number(text.slice(0, cut)), text.slice(cut + 1));
  }

  get text(): string {
    return `${this.number} ${this.name}`;
  }
}

/** The task that is kept, and what it depends on. */
export function namedIn(name: string, text: string | null): string[] {
  const { kind, id } = savedRecord(name);
  return kind === 'task' ? [id, ...(taskOf(text)?.spec.value.depends_on ?? [])] : [];
}

/** Tasks that are not there, and of which a commit changes what is left. */
export function* absentIn({ tasks, back, remains }: Merged): Iterable<string> {
  yield* back;
  for (const id of remains.keys()) if (!tasks.has(id)) yield id;
}

/** What a commit changes, as it was before. Of what is left of a task it knows nothing. */
export function* statesBefore(merged: Merged): Iterable<readonly [string, Kept | null]> {
  const { tasks, workers, documents, idempotency } = merged;
  for (const [id, { first }] of tasks) yield [savedName('task', id), first];
  for (const id of absentIn(merged)) if (!tasks.has(id)) yield [savedName('task', id), null];
  for (const [id, { first }] of workers) yield [savedName('worker', id), first];
  for (const [key, { first }] of idempotency) yield [savedName('idempotency', key), first];
  for (const [name, { first }] of documents) yield [savedName('document', name), first];
}

/** As one word or two; nothing when nothing is kept. */
export function savingText(saving: Saving): string {
  if (saving === null) return '';
  return saving.rolling ? `${saving.number} rolling` : String(saving.number);
}

export function savingFrom(text: string | null): Saving {
  if (text === null || text === '') return null;
  const [number, rolling] = text.split(' ');
  return { number: Number(number), rolling: rolling !== undefined };
}

/** More names than this are not remembered. */
const MOST_KNOWN = 10_000;

/** Of which records it is known that something is kept under the number of the moment: once is enough. */
export class KnownSaved {
  #number: number | null = null;
  readonly #names = new Set<string>();

  has(number: number, name: string): boolean {
    return number === this.#number && this.#names.has(name);
  }

  add(number: number, names: readonly string[]): void {
    if (number !== this.#number) this.forget();
    this.#number = number;
    for (const name of names) this.#names.add(name);
    for (const oldest of this.#names) {
      if (this.#names.size <= MOST_KNOWN) break;
      this.#names.delete(oldest);
    }
  }

  forget(): void {
    this.#names.clear();
  }
}
