import type { ChainedEntry } from '../core/event.ts';
import type { Task, TaskStatus } from '../core/task.ts';
import { isTerminal } from '../core/task.ts';
import { Submitter } from './actors/submitter.ts';
import { Watcher } from './actors/watcher.ts';
import { Worker } from './actors/worker.ts';
import type { World } from './simulation.ts';

/**
 * What must be true of a colony at rest, checked from outside: from what is stored, and from what the actors were
 * told. Numbers are those of the promises in docs/guarantees.md.
 */
export async function checkEverything(world: World): Promise<number> {
  const entries = await readLedger(world);
  const tasks = await readTasks(world);
  const complain = (text: string) => world.complaints.push(text);
  checkAcknowledged(world, tasks, complain);
  checkHistories(entries, tasks, complain);
  checkStreams(world, entries, complain);
  checkWorkers(world, entries, complain);
  checkDrained(tasks, complain);
  const verification = await world.store.ledger.verify();
  if (!verification.valid) complain(`invariant 11: the chain breaks at entry ${verification.firstInvalidId}`);
  if (verification.entries !== entries.length) complain('invariant 11: the chain and the entries differ in length');
  return entries.length;
}

type Complain = (text: string) => void;

async function readLedger(world: World): Promise<ChainedEntry[]> {
  const entries: ChainedEntry[] = [];
  for (;;) {
    const piece = await world.store.ledger.read(entries.length, 1000);
    if (piece.length === 0) return entries;
    entries.push(...piece);
  }
}

async function readTasks(world: World): Promise<Map<string, Task>> {
  const page = await world.store.tasks({ limit: 1_000_000, maxBytes: Number.POSITIVE_INFINITY });
  return new Map(page.items.map((task) => [task.id, task]));
}

/** 1, 2: what was acknowledged is there. */
function checkAcknowledged(world: World, tasks: ReadonlyMap<string, Task>, complain: Complain): void {
  const known = new Set<string>();
  for (const actor of world.actors) {
    if (actor instanceof Submitter) {
      for (const { taskId } of actor.submissions) {
        if (taskId === null) complain('invariant 18: a submission was never acknowledged');
        else if (!tasks.has(taskId)) complain(`invariant 1: acknowledged task ${taskId} is gone`);
        else if (known.has(taskId)) complain(`invariant 2: task ${taskId} answers two keys`);
        if (taskId) known.add(taskId);
      }
    } else if (actor instanceof Worker) {
      for (const [id, result] of actor.completed) {
        const task = tasks.get(id);
        if (task?.status !== 'completed' || task.result !== result)
          complain(`invariant 1: the completion of ${id} is lost`);
      }
    }
  }
  for (const id of tasks.keys()) if (!known.has(id)) complain(`invariant 2: nobody submitted task ${id}, or twice`);
}

interface Traced {
  status: TaskStatus | 'new';
  token: number;
  worker: string | null;
}

/** How each type of entry moves a task: from which statuses, to which. */
const MOVES: Record<string, readonly [from: readonly string[], to: TaskStatus]> = {
  task_queued: [['pending'], 'queued'],
  task_assigned: [['queued'], 'executing'],
  task_completed: [['executing'], 'completed'],
  task_failed: [['executing'], 'failed'],
  task_timeout: [['executing'], 'timeout'],
  task_released: [['executing'], 'queued'],
  task_retry_scheduled: [['executing'], 'pending'],
  task_cancelled: [['pending', 'queued', 'executing'], 'cancelled'],
};

/** 3, 4, 6, 10: the ledger alone, replayed, makes sense and comes to exactly what is stored. */
function checkHistories(entries: readonly ChainedEntry[], tasks: ReadonlyMap<string, Task>, complain: Complain): void {
  const traces = new Map<string, Traced>();
  for (const entry of entries) {
    if (entry.taskId === null || entry.type === 'task_validated') continue;
    const trace = traces.get(entry.taskId) ?? { status: 'new', token: 0, worker: null };
    traces.set(entry.taskId, trace);
    follow(trace, entry, tasks.get(entry.taskId), complain);
  }
  for (const [id, task] of tasks) {
    const trace = traces.get(id);
    if (trace?.status !== task.status)
      complain(`invariant 10: ${id} is ${task.status}, the ledger says ${trace?.status}`);
    if (trace && trace.token !== task.leaseToken) complain(`invariant 10: ${id} has another token than the ledger`);
  }
  for (const id of traces.keys())
    if (!tasks.has(id)) complain(`invariant 10: the ledger tells of ${id}, which is not stored`);
}

function follow(trace: Traced, entry: ChainedEntry, task: Task | undefined, complain: Complain): void {
  const data = JSON.parse(entry.data) as {
    status?: TaskStatus;
    reason?: string;
    lease_token?: number;
    worker_id?: string;
  };
  const wrong = () =>
    complain(`invariant 6: ${entry.type} (${entry.id}) of ${entry.taskId}, which was ${trace.status}`);
  if (entry.type === 'task_submitted') {
    if (trace.status !== 'new') wrong();
    trace.status = data.status!;
  } else if (entry.type === 'task_requeued' && data.reason === 'retried_by_hand') {
    if (!['failed', 'timeout', 'cancelled'].includes(trace.status)) wrong();
    trace.status = data.status ?? 'queued';
  } else if (entry.type === 'task_requeued') {
    if (trace.status !== 'executing') wrong();
    trace.status = 'queued';
  } else {
    const [from, to] = MOVES[entry.type] ?? [[], 'rejected'];
    if (!from.includes(trace.status)) wrong();
    trace.status = to;
  }
  if (entry.type === 'task_assigned') {
    if (data.lease_token! <= trace.token) complain(`invariant 4: the token of ${entry.taskId} went back`);
    trace.token = data.lease_token!;
    trace.worker = data.worker_id!;
  } else if (entry.source.startsWith('worker:') && entry.source !== `worker:${trace.worker}`) {
    complain(`invariant 3: ${entry.source} ended a lease of ${task?.id} that ${trace.worker} held`);
  }
}

/** 12: every watcher saw everything, once, in order. */
function checkStreams(world: World, entries: readonly ChainedEntry[], complain: Complain): void {
  for (const actor of world.actors) {
    if (!(actor instanceof Watcher)) continue;
    const at = actor.seen.findIndex((id, index) => id !== index + 1);
    if (at >= 0) complain(`invariant 12: a watcher saw ${actor.seen[at]} where ${at + 1} was due`);
    if (actor.seen.length !== entries.length)
      complain(`invariant 12: ${actor.seen.length} of ${entries.length} entries seen`);
  }
}

/** 14: whoever kept its heartbeat was never given up, whatever the clocks did. */
function checkWorkers(world: World, entries: readonly ChainedEntry[], complain: Complain): void {
  const offline = new Set(entries.filter(({ type }) => type === 'worker_offline').map(({ workerId }) => workerId));
  for (const actor of world.actors) {
    if (actor instanceof Worker && actor.steady && offline.has(actor.id))
      complain('invariant 14: a steady worker was given up');
  }
}

/** 7, 18: what could be done is done. A task may wait only for one that ended badly and was not retried. */
function checkDrained(tasks: ReadonlyMap<string, Task>, complain: Complain): void {
  const blocked = (task: Task): boolean =>
    task.pendingReason === 'dependencies' &&
    task.spec.value.depends_on.some((id) => {
      const dependency = tasks.get(id)!;
      return dependency.status !== 'completed' && (isTerminal(dependency) || blocked(dependency));
    });
  for (const task of tasks.values()) {
    if (!isTerminal(task) && !blocked(task))
      complain(`invariant 18: ${task.id} is still ${task.status} ${task.pendingReason}`);
    if (task.status === 'pending' && task.unmet === 0 && task.dueAt === null)
      complain(`invariant 7: ${task.id} is stranded`);
  }
}
