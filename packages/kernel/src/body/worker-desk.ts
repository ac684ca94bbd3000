import type { Clock } from '../core/clock.ts';
import type { Answer, Assignment, Command, Rules } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import type { EventBus } from '../core/event-bus.ts';
import type { Store } from '../core/store.ts';
import type { Worker } from '../core/worker.ts';
import { noSuchWorker } from './decide/missing.ts';
import type { Dispatcher } from './dispatcher.ts';
import { holdClaim } from './held-claim.ts';
import type { WorkerLink } from './links.ts';
import type { Presence } from './presence.ts';

export interface WorkerDeskOptions {
  readonly store: Store;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly rules: Rules;
  readonly presence: Presence;
  readonly dispatcher: Dispatcher;
  readonly execute: <C extends Command>(command: C) => Promise<Answer<C>>;
  /** What is said while the kernel stops; null: it does not. */
  readonly refusal: () => Refusal | null;
  /** Looks for work, in case something came in meanwhile. */
  readonly kick: () => void;
  /** A link takes more than it did. */
  readonly credited: () => void;
  readonly giveBack: (assignments: readonly Assignment[]) => Promise<void>;
}

/** What workers ask for beside the commands that anybody gives: to be heard, to be given work, to be told. */
export class WorkerDesk {
  readonly #options: WorkerDeskOptions;

  constructor(options: WorkerDeskOptions) {
    this.#options = options;
  }

  /** A sign of life: renews all leases of the worker, and brings it back if it had been given up. */
  async touch(workerId: string): Promise<Refusal | null> {
    const { presence, clock, execute } = this.#options;
    if (presence.touch(workerId, clock.now())) return null;
    const answer = await execute({ kind: 'heartbeat', actor: `worker:${workerId}`, workerId });
    if (answer instanceof Refusal) return answer;
    this.#hear(answer.worker);
    return null;
  }

  /** A worker that makes itself heard here, perhaps for the first time. */
  #hear({ id, offline }: Worker): void {
    const { presence, clock } = this.#options;
    const now = clock.now();
    presence.follow(id, offline, now);
    presence.touch(id, now);
  }

  /** A heartbeat. With `tasks`, whatever else the worker is thought to hold goes back to the queue. */
  async heartbeat(workerId: string, tasks: readonly string[] | undefined): Promise<Worker | Refusal> {
    const { store, bus, clock, presence, execute, refusal } = this.#options;
    const stopped = refusal();
    if (stopped) return stopped;
    const known = presence.touch(workerId, clock.now()) ? await store.worker(workerId) : null;
    let worker = known;
    if (!known || (tasks && known.holds.some((id) => !tasks.includes(id)))) {
      const command = { kind: 'heartbeat', actor: `worker:${workerId}`, workerId } as const;
      const answer = await execute(tasks ? { ...command, tasks } : command);
      if (answer instanceof Refusal) return answer;
      worker = answer.worker;
      this.#hear(worker);
    }
    bus.publishEphemeral({
      type: 'worker_heartbeat',
      source: 'kernel',
      at: clock.now().wall,
      data: JSON.stringify({ worker_id: workerId }),
      taskId: null,
      workerId,
    });
    return worker!;
  }

  /** Wall time at which the worker's leases expire if nothing more is heard of it. */
  leaseExpiresAt(workerId: string): number {
    const { presence, clock, rules } = this.#options;
    return (presence.lastSeen(workerId)?.wall ?? clock.now().wall) + rules.leaseMs;
  }

  /** The workers with their last sign of life as of now, which their records do not keep up with. */
  async asHeard(workers: readonly Worker[]): Promise<Worker[]> {
    const { store, presence } = this.#options;
    const elsewhere = await store.fellows?.lastSeen(workers.map(({ id }) => id));
    return workers.map((worker) => {
      const here = presence.lastSeen(worker.id)?.wall ?? 0;
      return { ...worker, lastHeartbeat: Math.max(worker.lastHeartbeat, here, elsewhere?.get(worker.id) ?? 0) };
    });
  }

  /** Claims up to `max` tasks; if there are none, holds on until there are, `waitMs` is over or `signal` aborts. */
  async claim(
    workerId: string,
    max: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<readonly Assignment[] | Refusal> {
    const { store, presence, clock, execute, giveBack } = this.#options;
    presence.touch(workerId, clock.now());
    const answer = await execute({ kind: 'claim', actor: `worker:${workerId}`, workerId, max });
    if (answer instanceof Refusal) return answer;
    const { assignments } = answer;
    if (signal.aborted) {
      await giveBack(assignments);
      return [];
    }
    if (assignments.length > 0 || waitMs <= 0) return assignments;
    const worker = await store.worker(workerId);
    if (!worker) return noSuchWorker(workerId);
    if (worker.draining) return [];
    return holdClaim(this.#options, worker, max, waitMs, signal);
  }

  /** Opens a link through which tasks can be pushed to a worker. The returned function closes it. */
  attach(link: WorkerLink, worker: Worker): () => void {
    const { dispatcher } = this.#options;
    dispatcher.attach(link, worker);
    return () => dispatcher.detach(link);
  }

  /** Sets how many more tasks the link will take from now on. */
  credit(link: WorkerLink, slots: number): void {
    this.#options.dispatcher.credit(link, slots);
    if (slots > 0) this.#options.credited();
  }
}
