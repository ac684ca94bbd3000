import type { Clock } from '../core/clock.ts';
import type { Assignment } from '../core/command.ts';
import { StorageUnavailable } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import type { Batcher } from './batcher.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { EventRelay } from './event-relay.ts';
import type { Presence } from './presence.ts';
import type { TaskWaiters } from './task-waiters.ts';

export interface RecoveryOptions {
  readonly store: Store;
  readonly batcher: Batcher;
  readonly presence: Presence;
  readonly relay: EventRelay;
  readonly clock: Clock;
  readonly dispatcher: Dispatcher;
  readonly taskWaiters: TaskWaiters;
  /** Makes the kernel look at once whether somebody waits for work. */
  readonly kick: () => void;
  readonly isStopping: () => boolean;
}

/** So many commands at a time, so that those of others find their place between them. */
const PIECE = 256;

/** What a kernel does when it starts, when its store comes back, and when the store comes back with less than it had. */
export class Recovery {
  readonly #options: RecoveryOptions;
  /** Assignments that may have been stored, of which no worker was told. */
  #doubtful: Assignment[] = [];

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** At start: everybody counts as just heard of, and running attempts get deadlines on the new steady clock. */
  async start(): Promise<void> {
    const { store, batcher } = this.#options;
    const workers = await this.#followWorkers();
    // Where kernels share a store they share its time, which goes on while one of them starts.
    const held = store.fellows ? [] : workers.flatMap((worker) => worker.holds);
    await Promise.all(held.map((taskId) => batcher.execute({ kind: 'recover', actor: 'kernel', taskId })));
  }

  /** Notes assignments of a commit that failed: it may have happened after all. */
  doubt(assignments: readonly Assignment[]): void {
    this.#doubtful.push(...assignments);
  }

  /**
   * What is in the store may be more than was heard of here, or less, or something else under the same numbers: whatever
   * somebody waits for is looked at anew.
   */
  async catchUp(): Promise<void> {
    const { presence, relay, dispatcher, taskWaiters, kick } = this.#options;
    const workers = await this.#followWorkers();
    presence.keepOnly(new Set(workers.map((worker) => worker.id)));
    relay.forget();
    await Promise.all([relay.catchUp(), taskWaiters.lookAgain()]);
    dispatcher.refresh();
    kick();
  }

  async #followWorkers() {
    const { store, clock, presence } = this.#options;
    const workers = await store.workers();
    const now = clock.now();
    for (const worker of workers) presence.follow(worker.id, worker.offline, now);
    return workers;
  }

  /** What a failed commit may have assigned goes back. */
  async settleDoubts(): Promise<void> {
    await this.giveBack(this.#doubtful.splice(0));
  }

  /** Nobody is there any more to take these: they go back at once, rather than when the lease is over. */
  async giveBack(assignments: readonly Assignment[]): Promise<void> {
    await Promise.all(
      assignments.map(async (assignment) => {
        const { task, token } = assignment;
        try {
          await this.#options.batcher.execute({ kind: 'release', actor: 'kernel', taskId: task.id, leaseToken: token });
        } catch (error) {
          // Once the store is back it is tried again.
          if (!(error instanceof StorageUnavailable)) throw error;
          this.#doubtful.push(assignment);
        }
      }),
    );
  }

  /**
   * The store has lost what it had acknowledged: a rollback nobody asked for. The numbers of the lost entries are filled,
   * and one beyond them, so that every watcher, wherever it was, is told; and no lease is what it was.
   */
  async resync(lostUpTo: number): Promise<void> {
    const { store, batcher } = this.#options;
    await this.#fill(lostUpTo);
    const holders = (await store.workers()).filter(({ holds }) => holds.length > 0);
    await inPieces(holders, ({ id }) => batcher.execute({ kind: 'revoke_leases', actor: 'kernel', workerId: id }));
    await this.catchUp();
  }

  /**
   * In pieces, each from where the ledger ends by then: what others commit in between counts as well, be it work or, when
   * several kernels notice the same loss, pieces of their own. A kernel that stops leaves the rest to them.
   */
  async #fill(lostUpTo: number): Promise<void> {
    const { store, batcher, isStopping } = this.#options;
    const data = { lost_up_to: lostUpTo, reason: 'failover' };
    const told = { kind: 'announce', actor: 'kernel', event: 'rollback_completed', data } as const;
    const missing = async () => lostUpTo + 1 - (await store.ledger.span()).last;
    let left = Math.max(1, await missing());
    do {
      await Promise.all(Array.from({ length: Math.min(left, PIECE) }, () => batcher.execute(told)));
      left = await missing();
    } while (left > 0 && !isStopping());
  }
}

async function inPieces<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += PIECE) await Promise.all(items.slice(from, from + PIECE).map(act));
}
