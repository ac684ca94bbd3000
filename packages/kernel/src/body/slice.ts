import type { Now } from '../core/clock.ts';
import type { Rules } from '../core/command.ts';
import { type Document, lengthOf, nameOf } from '../core/document.ts';
import { Bug } from '../core/errors.ts';
import { groupOf } from '../core/lane.ts';
import type { Saving } from '../core/saved.ts';
import type { IdempotencyRecord, Loaded, Needs, Portion, Put, Survey, Tombstone } from '../core/store.ts';
import { isTerminal, type Task } from '../core/task.ts';
import type { Worker } from '../core/worker.ts';
import { Rotation } from '../mind/rotation.ts';
import { Headroom } from './headroom.ts';
import { isAll, Portions, portionOf } from './portions.ts';
import { QueueView } from './queue-view.ts';
import { known, Relation } from './relation.ts';
import { Sequences } from './sequences.ts';
import { isUnstarted, reportedLength } from './task-traits.ts';
import { Unfinished } from './unfinished.ts';
import { UsedKeys } from './used-keys.ts';
import { Wanted } from './wanted.ts';

/** A slice with more records than this, or through which more text has gone, is not kept. */
const MOST_KEPT = 10_000;
const MOST_CHARACTERS = 32 * 1024 * 1024;

/**
 * The part of the colony that one batch of commands looks at: records as they were loaded, overlaid with what the
 * batch has decided so far, so that each command sees the ones before it. Deciding reads it and never writes;
 * `absorb` takes a decision's changes in. A slice that is kept serves the next batch as well.
 */
export class Slice {
  readonly rules: Rules;
  /** Which group's turn it is: older than the batch. */
  readonly rotation: Rotation;
  /** Tasks executing in the whole colony, and those that are queued or pending. */
  executing = 0;
  unstarted = 0;
  tokenFloor = 0;
  /** How the attempts of the workers that are registered ended. */
  attempts = { completed: 0, failed: 0 };
  epoch: string | null = null;
  saving: Saving = null;
  /** A name for how the colony stood, or will once what was decided is committed; null: nobody else could change it. */
  mark: string | null = null;
  /** Whether it outlives its batch. */
  isKept = false;
  readonly queue: QueueView;
  /** Workers whose record changed in this batch. */
  readonly stirredWorkers = new Set<string>();
  /** What the commands of this batch still need to know. */
  readonly wanted = new Wanted(this);
  readonly sequences = new Sequences();

  #now: Now;
  readonly #tasks = new Map<string, Task | Tombstone | null>();
  readonly #workers = new Map<string, Worker | null>();
  readonly #keys = new UsedKeys();
  readonly #documents = new Map<string, Document | null>();
  readonly #dependents = new Relation();
  readonly #children = new Relation();
  readonly #unfinished = new Unfinished();
  readonly portions = new Portions();
  /** How many of each lane may start. */
  readonly headroom: Headroom;
  #characters = 0;
  /** Tasks that this batch knows to have ended, and those that hang on others or that others hang on. */
  #ended: string[] = [];
  readonly #linked = new Set<string>();

  constructor(now: Now, rules: Rules, rotation = new Rotation()) {
    this.#now = now;
    this.rules = rules;
    this.rotation = rotation;
    this.headroom = new Headroom(this);
    this.queue = new QueueView(rules.priorityAgingMs > 0);
  }

  get now(): Now {
    return this.#now;
  }

  /** How much there is; known before anything is decided. */
  survey({ tasks, attempts, tokenFloor, epoch, lanes, mark, lastKey, saving }: Survey): void {
    this.executing = tasks.executing;
    this.unstarted = tasks.queued + tasks.pending;
    this.tokenFloor = tokenFloor;
    this.attempts = { ...attempts };
    this.epoch = epoch;
    this.saving = saving;
    this.mark = mark;
    this.#keys.survey(lastKey);
    this.queue.survey(lanes);
  }

  /** Another batch begins on what the one before has left. */
  renew(now: Now): void {
    this.#now = now;
    this.queue.stirred.clear();
    this.stirredWorkers.clear();
    this.headroom.renew();
    this.#keys.clear();
    this.#unfinished.clear();
    this.portions.clear();
    this.#forgetEnded();
    for (const [name, document] of this.#documents) if (document?.endedAt != null) this.#documents.delete(name);
  }

  /** What has ended (and keys) is hardly asked for again, and retention may remove it: that is not known here. */
  #forgetEnded(): void {
    let isLinked = false;
    for (const id of this.#ended) {
      const task = this.#tasks.get(id);
      if (!task || !('removed' in task || isTerminal(task))) continue;
      this.#tasks.delete(id);
      this.#dependents.forget(id);
      this.#children.forget(id);
      isLinked ||= this.#linked.has(id);
    }
    this.#ended = [];
    if (!isLinked) return;
    this.#dependents.clear();
    this.#children.clear();
    this.#linked.clear();
  }

  /** Whether it holds more, or has held more text, than is worth remembering. */
  get isLarge(): boolean {
    return (
      this.#tasks.size + this.#workers.size + this.#documents.size + this.queue.viewed > MOST_KEPT ||
      this.#characters > MOST_CHARACTERS
    );
  }

  // What deciding may ask. Asking for what was never loaded is a bug: a command's `needs` must name it first.

  task(id: string): Task | Tombstone | null {
    return known(this.#tasks, id, 'task');
  }

  /** A task that certainly exists, such as one a worker holds. */
  liveTask(id: string): Task {
    const task = this.task(id);
    if (!task || 'removed' in task) throw new Bug(`task ${id} is held or awaited but not stored`);
    return task;
  }

  worker(id: string): Worker | null {
    return known(this.#workers, id, 'worker');
  }

  idempotency(key: string): IdempotencyRecord | null {
    return this.#keys.get(key, this.#isAlone);
  }

  /** Nobody else can have committed since it was known how things stand. */
  get #isAlone(): boolean {
    return this.mark === null || this.isKept;
  }

  /** By its name: see `nameOf`. */
  document(name: string): Document | null {
    return known(this.#documents, name, 'document');
  }

  dependentsOf(taskId: string): readonly Task[] {
    return this.#dependents.of(taskId).map((id) => this.liveTask(id));
  }

  /** The next of those that depend on a task, behind a sequence number. */
  portionOf(id: string, after: number): Portion {
    if (!this.hasDependents(id)) return this.portions.of(id, (other) => this.liveTask(other));
    return portionOf(this.dependentsOf(id), after, this.loadedCount('dependents', id));
  }

  childrenOf(taskId: string): readonly Task[] {
    return this.#children.of(taskId).map((id) => this.liveTask(id));
  }

  /** The tasks that depend on this one of a plan, and are not of the plan themselves. */
  outsidersOf({ id, plan }: Task): readonly Task[] {
    const added = this.#dependents.addedTo(id).filter((other) => this.liveTask(other).plan !== plan);
    const ids = new Set([...this.#unfinished.outsidersOf(id).ids, ...added]);
    return Array.from(ids, (other) => this.liveTask(other));
  }

  /** How many depended on it when its outsiders were loaded, these and those of its plan. */
  loadedWithOutsiders(id: string): number {
    return this.#unfinished.outsidersOf(id).count;
  }

  /** The tasks of a plan that have not ended: the oldest of them, no more than are called off at once. */
  unfinishedOf(plan: string): Task[] {
    return this.#unfinished.of(plan, (id) => this.liveTask(id));
  }

  /** How many tasks hung on this one when it was loaded, be it as dependents or as children. */
  loadedCount(relation: 'dependents' | 'children', id: string): number {
    return (relation === 'dependents' ? this.#dependents : this.#children).loadedCount(id);
  }

  hasTask = (id: string) => this.#tasks.has(id);
  hasWorker = (id: string) => this.#workers.has(id);
  hasIdempotency = (key: string) => this.#keys.has(key, this.#isAlone);
  hasDocument = (name: string) => this.#documents.has(name);
  hasDependents = (id: string) => this.#dependents.has(id);
  hasAllDependents = (id: string) => this.#dependents.hasAll(id);
  hasOutsiders = (id: string) => this.#unfinished.hasOutsiders(id);
  hasUnfinished = (plan: string) => this.#unfinished.has(plan);
  hasAllDescendants = (id: string) => this.#children.hasAll(id);

  /** How many more tasks the colony may execute now. */
  get room(): number {
    const limit = this.rules.maxConcurrentTasks;
    return limit === 0 ? Number.POSITIVE_INFINITY : Math.max(0, limit - this.executing);
  }

  // What the shell does with it.

  /** Takes in what a store loaded, without touching what is already known here. */
  add(loaded: Loaded, needs: Needs): void {
    for (const [id, task] of loaded.tasks) this.#learn(id, task);
    for (const [id, worker] of loaded.workers) if (!this.#workers.has(id)) this.#workers.set(id, worker);
    for (const [key, record] of loaded.idempotency) this.#keys.learn(key, record);
    for (const [name, document] of loaded.documents) {
      if (!this.#documents.has(name)) this.#absorbDocument(name, document);
    }
    for (const [id, tasks] of loaded.dependents) this.#relate(this.#dependents, id, tasks);
    for (const [id, tasks] of loaded.children) this.#relate(this.#children, id, tasks);
    for (const [plan, tasks] of loaded.unfinished) {
      for (const task of tasks) this.#learn(task.id, task);
      this.#unfinished.load(plan, tasks);
    }
    for (const need of needs.portions ?? []) {
      const portion = loaded.portions.get(need.id)!;
      if (isAll(need, portion)) this.#relate(this.#dependents, need.id, portion.tasks);
      else this.portions.load(need, portion);
      for (const task of portion.tasks) this.#learn(task.id, task);
    }
    for (const [id, outsiders] of loaded.outsiders) {
      for (const task of outsiders.tasks) this.#learn(task.id, task);
      this.#unfinished.loadOutsiders(id, outsiders);
    }
    for (const [key, head] of loaded.lanes) {
      for (const task of head.tasks) this.#learn(task.id, task);
      this.queue.extend(key, head, (id) => this.#tasks.get(id) as Task | undefined);
    }
    for (const [pool, executing] of loaded.pools) this.headroom.learn(pool, executing);
    for (const id of needs.allDependents ?? []) this.#dependents.closed(id);
    for (const id of needs.allDescendants ?? []) this.#children.closed(id);
    if (needs.sequences) this.sequences.setAside(loaded.firstSequence, needs.sequences);
  }

  /** Makes a decision's changes visible to the commands after it. */
  absorb(puts: readonly Put[]): void {
    for (const put of puts) {
      if (put.kind === 'task') this.#absorbTask(put.prev, put.next);
      else if (put.kind === 'worker') {
        const id = (put.next ?? put.prev)!.id;
        this.#workers.set(id, put.next);
        this.attempts.completed += (put.next?.completed ?? 0) - (put.prev?.completed ?? 0);
        this.attempts.failed += (put.next?.failed ?? 0) - (put.prev?.failed ?? 0);
        this.stirredWorkers.add(id);
      } else if (put.kind === 'document') this.#absorbDocument(nameOf((put.next ?? put.prev)!), put.next);
      else if (put.kind === 'idempotency') this.#keys.absorb((put.next ?? put.prev)!.key, put.next);
      else if (put.kind === 'saving') this.saving = put.next;
    }
  }

  #absorbDocument(name: string, document: Document | null): void {
    this.#documents.set(name, document);
    if (document) this.#characters += lengthOf(document);
  }

  #absorbTask(prev: Task | null, next: Task | null): void {
    this.executing += Number(next?.status === 'executing') - Number(prev?.status === 'executing');
    this.unstarted += Number(isUnstarted(next)) - Number(isUnstarted(prev));
    if (prev?.status === 'queued') this.queue.leave(prev);
    if (next?.status === 'executing' && prev?.status !== 'executing') this.#start(next);
    else if (prev?.status === 'executing' && next?.status !== 'executing') this.headroom.follow(prev, -1);
    if (next === null) return void this.#absorbRemoved(prev!.id);
    this.#tasks.set(next.id, next);
    this.#unfinished.follow(next);
    this.#characters += (prev?.spec === next.spec ? 0 : next.spec.json.length) + reportedLength(next);
    if (prev === null) this.#absorbNew(next);
    if (isTerminal(next)) this.#ended.push(next.id);
    if (next.status === 'queued') this.queue.join(next);
  }

  #start(task: Task): void {
    this.rotation.served(groupOf(task.lane));
    this.headroom.follow(task, 1);
  }

  /** Who hangs on whom is asked for anew after this batch. */
  #absorbRemoved(id: string): void {
    this.#tasks.set(id, null);
    this.#dependents.remove(id);
    this.#children.remove(id);
    this.#characters = Number.POSITIVE_INFINITY;
  }

  #absorbNew(task: Task): void {
    this.sequences.used(task.seq);
    for (const relation of [this.#dependents, this.#children]) {
      relation.load(task.id, []);
      relation.closed(task.id);
    }
    for (const id of task.spec.value.depends_on) this.#link(this.#dependents, id, task.id);
    if (task.spec.value.parent_id !== null) this.#link(this.#children, task.spec.value.parent_id, task.id);
  }

  #link(relation: Relation, id: string, other: string): void {
    relation.add(id, other);
    this.#linked.add(id).add(other);
  }

  #learn(id: string, task: Task | Tombstone | null): void {
    if (this.#tasks.has(id)) return;
    this.#tasks.set(id, task);
    if (task && 'removed' in task) this.#ended.push(id);
    if (!task || 'removed' in task) return;
    this.#characters += task.spec.json.length + reportedLength(task);
    if (isTerminal(task)) this.#ended.push(id);
  }

  #relate(relation: Relation, id: string, tasks: readonly Task[]): void {
    for (const task of tasks) {
      this.#learn(task.id, task);
      this.#linked.add(id).add(task.id);
    }
    relation.load(
      id,
      tasks.map((task) => task.id),
    );
  }
}
