import type { Collection } from '../../core/document.ts';
import { TASK_STATUSES, type TaskStatus } from '../../core/task.ts';

/**
 * Where a colony's things are. Every key begins with the colony's name in braces, so that all of them live in one slot
 * of a cluster, and several colonies can share a server.
 */
export class Keys {
  readonly prefix: string;
  /**
   * Hash: schema; run, epoch and name (of the epoch); sequence, first, last, sealed, hash, anchor, directory, lastKey, saving,
   * restoring. Beside it stand `steward` and `operation:…`.
   */
  readonly meta: string;
  /** A name for how things stand; every commit gives them another. */
  readonly mark: string;
  /** Hash: wall and steady time of the last beat, and since when beats come. */
  readonly clock: string;
  /** Hash: a task's id → version, history, state. */
  readonly tasks: string;
  /** Hash: a task's id → what never changes of it. */
  readonly specs: string;
  /** Hash: a removed task's id → how it ended, history, and the highest version and token it had. */
  readonly removed: string;
  /** Hash: a worker's id → version, state. */
  readonly workers: string;
  /** Hash: a worker's id → profile. */
  readonly profiles: string;
  /** Sorted set: the workers that are online, by the steady time at which a kernel last heard of them. */
  readonly seen: string;
  /** Hash: an idempotency key → when, body hash, task ids. */
  readonly idempotency: string;
  /** Stream of idempotency keys, by when they were made. */
  readonly idempotencyByTime: string;
  /** Hash: a status → how many tasks. */
  readonly counts: string;
  /** Hash: a pool → how many of its tasks are executing; nothing, or 0, when none are. */
  readonly pools: string;
  /** Hash: a lane in which something is queued → what it requires. */
  readonly lanes: string;
  /** Sorted sets: by when a wait, an attempt or a task is over. */
  readonly due: string;
  readonly deadlines: string;
  readonly ended: string;
  /** Sorted sets of pairs: who depends on, and who descends from whom. */
  readonly dependents: string;
  readonly children: string;
  /** Hash: a task's id → the task it descends from. */
  readonly parents: string;
  /** Hash: a document's name → version, how it is found, body. */
  readonly documents: string;
  /** Sorted sets of names: by when a document is due (see `EXPIRING_FROM`), or of no more use. */
  readonly documentsDue: string;
  readonly documentsEnded: string;
  /** Sorted set: the numbers under which something is, or is to be, kept for a checkpoint. */
  readonly saved: string;
  /** Streams: the ledger's rows, and the hashes of those that are sealed. */
  readonly ledger: string;
  readonly seals: string;
  readonly #statuses: Readonly<Record<TaskStatus, string>>;

  constructor(colony: string) {
    this.prefix = `{${colony}}:`;
    const key = (name: string) => `${this.prefix}${name}`;
    this.meta = key('meta');
    this.mark = key('mark');
    this.clock = key('clock');
    this.tasks = key('tasks');
    this.specs = key('specs');
    this.removed = key('removed');
    this.workers = key('workers');
    this.profiles = key('profiles');
    this.seen = key('seen');
    this.idempotency = key('idempotency');
    this.idempotencyByTime = key('idempotency-by-time');
    this.counts = key('counts');
    this.pools = key('pools');
    this.lanes = key('lanes');
    this.due = key('due');
    this.deadlines = key('deadlines');
    this.ended = key('ended');
    this.dependents = key('dependents');
    this.children = key('children');
    this.parents = key('parents');
    this.documents = key('documents');
    this.documentsDue = key('documents-due');
    this.documentsEnded = key('documents-ended');
    this.saved = key('saved');
    this.ledger = key('ledger');
    this.seals = key('seals');
    this.#statuses = Object.fromEntries(TASK_STATUSES.map((status) => [status, key(`status:${status}`)])) as Record<
      TaskStatus,
      string
    >;
  }

  /** Sorted set: the tasks queued in a lane, in queue order. */
  queue(lane: string): string {
    return `${this.prefix}queue:${lane}`;
  }

  // Sorted sets of tasks by sequence number, for listings.

  status(status: TaskStatus): string {
    return this.#statuses[status];
  }

  tag(tag: string): string {
    return `${this.prefix}tag:${tag}`;
  }

  worker(id: string): string {
    return `${this.prefix}worker:${id}`;
  }

  creator(name: string): string {
    return `${this.prefix}creator:${name}`;
  }

  plan(id: string): string {
    return `${this.prefix}plan:${id}`;
  }

  /** Sorted set: the ids of a collection's documents, or of those in one state, by when they were made. */
  listed(collection: Collection, state?: string): string {
    return `${this.prefix}documents:${collection}${state === undefined ? '' : `:${state}`}`;
  }

  /** Whether a collection is listed by its ids as well. */
  isNamed(collection: Collection): boolean {
    return collection === 'memory' || collection === 'memory_scope';
  }

  /** Sorted set without scores: the ids of such a collection's documents. */
  named(collection: Collection): string {
    return `${this.prefix}documents-named:${collection}`;
  }

  /** Stream: the ids of the entries of a scope of memory that have changed, the last of them. */
  memoryChanges(scope: string): string {
    return `${this.prefix}memory-changes:${scope}`;
  }

  /** Hash: a record's name → what it was; nothing when there was none. */
  savedUnder(number: number): string {
    return `${this.prefix}saved:${number}`;
  }

  /** Sorted set without scores: these names, in order. */
  savedNames(number: number): string {
    return `${this.prefix}saved-names:${number}`;
  }

  /** Stream: the ledger's rows that hold an entry of this type, worker or actor. */
  index(kind: 'type' | 'worker' | 'actor', value: string): string {
    return `${this.prefix}index:${kind}:${value}`;
  }
}
