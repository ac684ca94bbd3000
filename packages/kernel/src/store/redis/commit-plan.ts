import type { Saving } from '../../core/saved.ts';
import type { Basis, Cap } from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import type { Call } from '../../redis/connection.ts';
import type { NewRow, Unnumbered } from '../../redis/ledger-rows.ts';
import { type KnownSaved, savedText, statesBefore } from '../saved.ts';
import { expectedOf, type Merged, startedIn, touched, versionOf } from '../units.ts';
import { documentText, placeDocument } from './documents.ts';
import { expectedText } from './expected-saving.ts';
import type { Keys } from './keys.ts';
import { placeTask, placeWorker } from './placing.ts';
import { highestText, historyTextOf, keyText, pair, stateText, statusText, workerText } from './records.ts';
import { Writes } from './writes.ts';

/** All that a commit writes, as far as it can be said before it is known which numbers its entries get. */
export interface CommitPlan {
  readonly merged: Merged;
  readonly rows: readonly NewRow[];
  /** When it was decided (wall). */
  readonly at: number;
  /** For each task the places of the entries about it, from 1 on. */
  readonly histories: ReadonlyMap<string, readonly number[]>;
  /** Tasks that have entries and do not change. */
  readonly told: readonly string[];
  /** Where records stand besides their own places. */
  readonly calls: readonly Call[];
  /** The lanes whose queues these calls change, with what they require. */
  readonly lanes: ReadonlyMap<string, string>;
  /** The last of the idempotency keys, in the order of their characters. */
  readonly lastKey: string;
  /** How the store must save for it; undefined: however it does. */
  readonly saving: Saving | undefined;
  /** What it changes, as it was before: names and texts; no text where there was nothing. */
  readonly saved: readonly (readonly [name: string, text: string])[];
}

interface Circumstances {
  readonly keys: Keys;
  readonly at: number;
  readonly steady: number;
  /** What the units were decided under. */
  readonly saving: Saving | undefined;
  readonly known: KnownSaved;
}

/** @param steady since when a worker that comes online is heard of */
export function planOf(
  merged: Merged,
  events: readonly Unnumbered[],
  rows: readonly NewRow[],
  { keys, at, steady, saving, known }: Circumstances,
): CommitPlan {
  const writes = new Writes();
  const lanes = new Map<string, string>();
  const histories = historiesOf(events);
  for (const { first, last } of merged.tasks.values()) placeTask(writes, keys, first, last, lanes);
  for (const [id, { first, last }] of merged.workers) placeWorker(writes, keys, id, first, last, steady);
  for (const [name, { first, last }] of merged.documents) placeDocument(writes, keys, name, first, last);
  const used = [...merged.idempotency.values()].flatMap(({ last }) => last ?? []);
  for (const [made, records] of Map.groupBy(used, (record) => record.at)) {
    const fields = records.flatMap(({ key }) => ['key', key]);
    writes.append(keys.idempotencyByTime, '*', 'at', String(made), ...fields);
  }
  let lastKey = '';
  for (const key of merged.idempotency.keys()) if (key > lastKey) lastKey = key;
  const told = [...histories.keys()].filter((id) => !merged.tasks.has(id));
  // Whoever changes how the store saves says what that was.
  const now = merged.saving ? merged.saving.first : saving;
  const saved = [...savedIn(merged, now, known)];
  return { merged, rows, at, histories, told, calls: writes.calls(), lanes, lastKey, saving: now, saved };
}

function* savedIn(merged: Merged, saving: Saving | undefined, known: KnownSaved): Iterable<[string, string]> {
  if (saving === null) return;
  for (const [name, record] of statesBefore(merged)) {
    if (saving && known.has(saving.number, name)) continue;
    yield [name, record === null ? '' : savedText(record)];
  }
}

function historiesOf(events: readonly Unnumbered[]): Map<string, number[]> {
  const histories = new Map<string, number[]>();
  for (const [index, { taskId }] of events.entries()) {
    if (taskId === null) continue;
    const places = histories.get(taskId);
    if (places) places.push(index + 1);
    else histories.set(taskId, [index + 1]);
  }
  return histories;
}

/** As they stand in a record: each with a space before it. */
function textOf(places: readonly number[] = [], head = 0): string {
  let text = '';
  for (const place of places) text += ` ${head + place}`;
  return text;
}

/** A task's history once the commit has been carried out behind entry `head`; undefined: it was not known before. */
export function historyAfter(
  { histories, merged }: CommitPlan,
  first: Task | null,
  last: Task,
  head: number,
): string | undefined {
  if (merged.back.has(last.id)) return undefined;
  const before = first === null ? '' : historyTextOf(first);
  return before === undefined ? undefined : before + textOf(histories.get(last.id), head);
}

export interface CommitHeader {
  readonly prefix: string;
  readonly kernel: string;
  readonly operation: number;
  readonly room: number | undefined;
  readonly caps: readonly Cap[] | undefined;
  readonly epoch: string | null | undefined;
  readonly basis: Basis | undefined;
}

/** The arguments of the script that commits (`commit-script.ts`). */
export function scriptArguments(plan: CommitPlan, header: CommitHeader): string[] {
  const { merged, histories, told, rows } = plan;
  const { prefix, kernel, operation, room, caps, epoch, basis } = header;
  const list: string[] = [
    prefix,
    kernel,
    String(operation),
    String(room ?? ''),
    String(startedIn(merged.tasks.values())),
  ];
  list.push(epoch ?? '', basis?.mark ?? '', basis?.exclusive ? '1' : '0');
  list.push(basis?.next ?? `${kernel} operation ${operation}`, plan.lastKey);
  list.push(expectedText(plan.saving), expectedText(merged.saving?.last));

  const tasks = [...merged.tasks];
  list.push(String(tasks.length));
  for (const [id] of tasks) list.push(id);
  for (const [, { first }] of tasks) list.push(String(versionOf(first)));
  for (const [, { last }] of tasks) list.push(last === null ? '' : String(last.version));
  for (const [id] of tasks) list.push(textOf(histories.get(id)));
  for (const [id, { last }] of tasks) list.push(last === null ? leftText(merged.gone.get(id)!) : stateText(last));
  list.push(String(told.length), ...told);
  for (const id of told) list.push(textOf(histories.get(id)));
  list.push(String(merged.back.size), ...merged.back);
  list.push(String(merged.remains.size));
  for (const [id, status] of merged.remains) list.push(id, statusText(status));

  const workers = [...merged.workers];
  list.push(String(workers.length));
  for (const [id] of workers) list.push(id);
  for (const [, { first }] of workers) list.push(String(first?.version ?? 0));
  for (const [, { last }] of workers) list.push(last === null ? '' : workerText(last));

  const records = [...merged.idempotency];
  list.push(String(records.length));
  for (const [key] of records) list.push(key);
  for (const [, { first }] of records) list.push(String(versionOf(first)));
  for (const [, { last }] of records) list.push(last === null ? '' : keyText(last));

  const documents = [...merged.documents];
  list.push(String(documents.length));
  for (const [name] of documents) list.push(name);
  for (const [, { first }] of documents) list.push(String(versionOf(first)));
  for (const [, { last }] of documents) list.push(last === null ? '' : documentText(last));

  for (const kind of ['task', 'document'] as const) {
    const reads = merged.reads.filter((read) => read.kind === kind);
    list.push(String(reads.length));
    for (const { id } of reads) list.push(id);
    for (const read of reads) list.push(String(expectedOf(read)));
  }
  const relations = basis?.exclusive ? [] : merged.reads.filter((read) => 'count' in read);
  list.push(String(relations.length));
  for (const { kind, id, count } of relations) list.push(kind, id, String(count));

  const close = touched(caps, merged);
  list.push(String(close.length));
  for (const { pool, most, started } of close) list.push(pool, String(most), String(started));

  list.push(String(plan.calls.length));
  for (const call of plan.calls) list.push(String(call.length), ...call);
  list.push(String(plan.lanes.size));
  for (const [lane, requirements] of plan.lanes) list.push(lane, requirements);
  list.push(String(rows.length));
  for (const { entries, text, indexes } of rows) {
    list.push(String(entries), String(plan.at), text, String(indexes.length), ...indexes);
  }
  list.push(String(plan.saved.length), ...plan.saved.flat());
  return list;
}

/** What is left of a task, and its place among its parent's children. */
function leftText(task: Task): string {
  return `${highestText(task)}\n${pair('', task.seq, task.id)}`;
}
