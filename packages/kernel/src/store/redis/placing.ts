import { isTerminal, type Task } from '../../core/task.ts';
import type { Worker } from '../../core/worker.ts';
import { changesSpec, poolsOfTask } from '../units.ts';
import type { Keys } from './keys.ts';
import { NOBODY, pair, rankScore, specText } from './records.ts';
import type { Writes } from './writes.ts';

/** Where records stand besides their own places: the sets by which they are found, and what is counted of them. */

/**
 * Collects what a task's change comes to.
 * @param lanes gets the lanes whose queues change, with what they require
 * @param parent of a new task: what it descends from, when that is not what it was submitted under
 */
export function placeTask(
  writes: Writes,
  keys: Keys,
  first: Task | null,
  last: Task | null,
  lanes: Map<string, string>,
  parent?: string | null,
): void {
  if (last === null) {
    removeTask(writes, keys, first!, lanes);
    return;
  }
  const { id, seq } = last;
  // Looking into a specification means parsing it: only where it has to be.
  if (first === null) addTask(writes, keys, last, parent === undefined ? last.spec.value.parent_id : parent);
  else if (changesSpec(first, last)) writes.set(keys.specs, id, specText(last));
  if (first?.status !== last.status) {
    if (first) {
      writes.unrank(keys.status(first.status), id);
      writes.count(keys.counts, first.status, -1);
    }
    if (isTerminal(last)) writes.rank(keys.status(last.status), seq, id);
    else writes.rankBusy(keys.status(last.status), seq, id);
    writes.count(keys.counts, last.status, 1);
    if (first?.status === 'queued') writes.unrank(keys.queue(last.lane), id);
    if (last.status === 'queued') writes.rankBusy(keys.queue(last.lane), rankScore(last), id);
    if ((first?.status === 'queued' || last.status === 'queued') && !lanes.has(last.lane)) {
      lanes.set(last.lane, JSON.stringify(last.spec.value.requirements));
    }
  }
  const started = Number(last.status === 'executing') - Number(first?.status === 'executing');
  if (started !== 0) for (const pool of poolsOfTask(last)) writes.count(keys.pools, pool, started);
  writes.move(keys.due, id, first?.dueAt ?? null, last.dueAt);
  writes.move(keys.ended, id, first?.completedAt ?? null, last.completedAt);
  const [until, deadline] = [deadlineOf(first), deadlineOf(last)];
  if (deadline === null) writes.move(keys.deadlines, id, until, null);
  else if (deadline !== until) writes.rankBusy(keys.deadlines, deadline, id);
  const worker = first?.worker ?? null;
  if (worker !== last.worker) {
    if (worker !== null) writes.unrank(keys.worker(worker), id);
    if (last.worker !== null) writes.rank(keys.worker(last.worker), seq, id);
  }
}

/** Collects what is to be written beside the record itself, and its place in the family, when a task goes. */
export function removeTask(writes: Writes, keys: Keys, task: Task, lanes: Map<string, string>): void {
  const { id, seq, status, worker, lane, plan } = task;
  const { created_by, tags, depends_on, requirements } = task.spec.value;
  writes.unset(keys.specs, id);
  writes.unrank(keys.status(status), id);
  writes.count(keys.counts, status, -1);
  if (status === 'queued') {
    writes.unrank(keys.queue(lane), id);
    lanes.set(lane, JSON.stringify(requirements));
  }
  if (status === 'executing') for (const pool of poolsOfTask(task)) writes.count(keys.pools, pool, -1);
  writes.move(keys.due, id, task.dueAt, null);
  writes.move(keys.ended, id, task.completedAt, null);
  writes.move(keys.deadlines, id, deadlineOf(task), null);
  if (worker !== null) writes.unrank(keys.worker(worker), id);
  if (plan !== null) writes.unrank(keys.plan(plan), id);
  if (created_by !== NOBODY) writes.unrank(keys.creator(created_by), id);
  for (const tag of tags) writes.unrank(keys.tag(tag), id);
  for (const on of depends_on) writes.unrank(keys.dependents, pair(on, seq, id));
}

function addTask(writes: Writes, keys: Keys, task: Task, parent: string | null): void {
  const { id, seq } = task;
  const { created_by, tags, depends_on } = task.spec.value;
  writes.set(keys.specs, id, specText(task));
  if (task.plan !== null) writes.rank(keys.plan(task.plan), seq, id);
  if (created_by !== NOBODY) writes.rank(keys.creator(created_by), seq, id);
  for (const tag of tags) writes.rank(keys.tag(tag), seq, id);
  for (const on of depends_on) writes.rank(keys.dependents, 0, pair(on, seq, id));
  if (parent === null) return;
  writes.rank(keys.children, 0, pair(parent, seq, id));
  writes.set(keys.parents, id, parent);
}

/** What is counted of attempts, beside the tasks of each status. */
export const COMPLETED = 'attempts completed';
export const FAILED = 'attempts failed';

/** Collects what a worker's change comes to. @param steady since when one that comes online is heard of */
export function placeWorker(
  writes: Writes,
  { profiles, seen, counts }: Keys,
  id: string,
  first: Worker | null,
  last: Worker | null,
  steady: number,
): void {
  if (first === null && last !== null) writes.set(profiles, id, JSON.stringify(last.profile));
  else if (first !== null && last === null) writes.unset(profiles, id);
  writes.count(counts, COMPLETED, (last?.completed ?? 0) - (first?.completed ?? 0));
  writes.count(counts, FAILED, (last?.failed ?? 0) - (first?.failed ?? 0));
  const [was, is] = [isOnline(first), isOnline(last)];
  if (is && !was) writes.rank(seen, steady, id);
  else if (was && !is) writes.unrank(seen, id);
}

function isOnline(worker: Worker | null): boolean {
  return worker !== null && !worker.offline;
}

function deadlineOf(task: Task | null): number | null {
  return task?.status === 'executing' ? task.deadline : null;
}
