import type { ChainedEntry } from '../core/event.ts';
import { isTerminal, type Task } from '../core/task.ts';
import { Planner } from './actors/planner.ts';
import { Rememberer } from './actors/rememberer.ts';
import { SCHEDULER } from './actors/scheduler.ts';
import { Submitter } from './actors/submitter.ts';
import { Watcher } from './actors/watcher.ts';
import { Worker } from './actors/worker.ts';
import { CapCheck, capsOf } from './cap-check.ts';
import { checkExport, readMemory, readPlans, readSchedules, readTasks, readVotes } from './export-check.ts';
import { compareMemoryIndex } from './memory-index-check.ts';
import { Replay } from './replay.ts';
import type { World } from './simulation.ts';

/**
 * What must be true of a colony at rest, checked from outside: from what is stored, and from what the actors were
 * told. Numbers are those of the promises in docs/guarantees.md.
 */
export async function checkEverything(world: World): Promise<number> {
  const entries = await readLedger(world);
  const tasks = await readTasks(world.store);
  const complain = (text: string) => world.complaints.push(text);
  const replay = new Replay(complain);
  const caps = new CapCheck(capsOf(world, tasks), replay, complain);
  for (const entry of entries) {
    replay.follow(entry);
    caps.follow(entry);
  }
  replay.compare(tasks, await readVotes(world.store), await readPlans(world.store));
  replay.schedules.compare(await readSchedules(world.store));
  replay.memory.compare(await readMemory(world.store));
  const { written, due } = compareMemoryIndex(world.path);
  if (written.join('\n') !== due.join('\n')) complain('what memory is searched by is not what is remembered');
  checkScheduled(tasks, replay, complain);
  world.firings = replay.schedules.tasks.size;
  checkAcknowledged(world, tasks, replay, complain);
  checkStreams(world, entries, complain);
  checkWorkers(world, entries, complain);
  checkDrained(tasks, complain);
  for (const pieces of world.exports) {
    const exported = await checkExport(pieces, complain);
    if (exported.some(({ hash }, index) => hash !== entries[index]!.hash))
      complain('invariant 11: an export has other entries');
  }
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

/** 1, 2: what was acknowledged is there, unless somebody took the colony back to before it. */
function checkAcknowledged(
  world: World,
  tasks: ReadonlyMap<string, Task>,
  { everRemoved, everUndone, memory }: Replay,
  complain: Complain,
): void {
  const known = new Set<string>();
  for (const actor of world.actors) {
    if (actor instanceof Submitter) {
      for (const { key, taskId, earlier } of actor.submissions) {
        if (taskId === null) complain('invariant 18: a submission was never acknowledged');
        else if (!tasks.has(taskId) && !everRemoved.has(taskId))
          complain(`invariant 1: acknowledged task ${taskId} is gone`);
        else if (known.has(taskId)) complain(`invariant 2: task ${taskId} answers two keys`);
        if (taskId) known.add(taskId);
        for (const id of earlier) {
          if (!everRemoved.has(id)) complain(`invariant 2: key ${key} gave task ${id} and then another one`);
        }
      }
    } else if (actor instanceof Planner) {
      for (const { made } of actor.intentions) {
        for (const [at, { id, tasks: ids }] of made.entries()) {
          const isThere = ids.every((one) => tasks.has(one));
          if (!isThere && !ids.every((one) => everRemoved.has(one)))
            complain(`invariant 1: plan ${id} is gone, or some of it`);
          if (at < made.length - 1 && !ids.every((one) => everRemoved.has(one)))
            complain(`invariant 2: a key gave plan ${id} and then another one`);
        }
      }
    } else if (actor instanceof Rememberer) {
      for (const one of actor.told) if (!memory.written.has(one)) complain(`invariant 1: memory ${one} is lost`);
    } else if (actor instanceof Worker) {
      for (const [id, result] of actor.completed) {
        const task = tasks.get(id);
        if (everUndone.has(id)) continue;
        if (task?.status !== 'completed' || task.result !== result)
          complain(`invariant 1: the completion of ${id} is lost`);
      }
    }
  }
  // Each is begun with words of its own, and repeated under its key however often nobody answers.
  const words = new Map<string, string>();
  for (const [id, { spec }] of tasks) {
    if (spec.value.created_by === SCHEDULER) continue;
    const other = words.get(spec.value.description);
    if (other !== undefined) complain(`invariant 2: tasks ${other} and ${id} are of one submission`);
    words.set(spec.value.description, id);
  }
}

/** What schedules hand in is what the ledger says of them, and nothing else is. */
function checkScheduled(tasks: ReadonlyMap<string, Task>, { schedules }: Replay, complain: Complain): void {
  for (const [id, { spec }] of tasks) {
    if ((spec.value.created_by === SCHEDULER) !== schedules.tasks.has(id))
      complain(
        `task ${id} of ${spec.value.created_by} was ${schedules.tasks.has(id) ? '' : 'not '}handed in by a schedule`,
      );
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
