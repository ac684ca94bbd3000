import { ColonyClient } from '../client.ts';
import { ColonyError } from '../errors.ts';
import { Requester } from '../http/requester.ts';
import { within } from '../platform.ts';
import type { WorkerInput } from '../types.ts';
import { type Attempt, Attempts } from './attempts.ts';
import { Connection } from './connection.ts';
import { Heartbeats } from './heartbeats.ts';
import { HttpReporter } from './http-reporter.ts';
import type { LinkEvents } from './link.ts';
import type { WorkerOptions } from './options.ts';
import { MOOT, Outbox } from './outbox.ts';
import { ProgressBoard } from './progress-board.ts';
import { type Holdings, Reconciler } from './reconcile.ts';
import { runHandler } from './run-handler.ts';
import { onTermination } from './signals.ts';

const RECONCILE_MS = 30_000;
/**
 * How long `stop` waits for its last reports to be acknowledged, as they went and then by HTTP, and for the farewell.
 * Whoever sent the signal is waiting: what the kernel does not hear now, it will conclude from the silence.
 */
const DELIVER_MS = 1_000;
const DELIVER_BY_HTTP_MS = 4_000;
const UNREGISTER_MS = 4_000;
const UNREGISTER_IN_VAIN_MS = 500;

/**
 * Runs tasks. It registers, keeps its leases alive, takes tasks by socket or long poll, and reports how they ended.
 *
 *   new ──start──► running ──stop, a signal, or drained by the kernel──► stopping ──► stopped
 *                   │   ▲
 *   connection lost └───┘ reconnects, settles what it holds, sends again what was not acknowledged
 *   forgotten by the kernel   (registers anew; what it held is no longer its)
 */
export class Worker {
  /** The worker's own client. */
  readonly client: ColonyClient;
  /** Resolves once it has stopped, for whatever reason. */
  readonly stopped: Promise<void>;
  readonly #options: WorkerOptions;
  readonly #attempts: Attempts;
  readonly #outbox: Outbox;
  readonly #progress: ProgressBoard;
  readonly #connection: Connection;
  readonly #heartbeats: Heartbeats;
  readonly #reconciler: Reconciler;
  /** Ends what is under way when everything is over. */
  readonly #end = new AbortController();
  #resolveStopped = () => {};
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #cleanUp: (() => void)[] = [];

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { url, token, concurrency = 1, transport = 'auto' } = options;
    const requester = new Requester({ url, token });
    const client = new ColonyClient({ url, token });
    const { signal } = this.#end;
    this.client = client;
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
    this.#attempts = new Attempts(
      concurrency,
      (attempt) => this.#run(attempt),
      () => this.#connection.link?.freed(),
    );
    this.#outbox = new Outbox(
      (report) => this.#connection.deliver(report),
      (error) => this.#failed(error),
    );
    this.#progress = new ProgressBoard((progress) => this.#connection.link?.progress(progress));
    const events = this.#linkEvents();
    const holdings = this.#holdings();
    this.#reconciler = new Reconciler(client, holdings);
    this.#connection = new Connection({
      client,
      requester,
      transport,
      holdings,
      events,
      outbox: this.#outbox,
      http: new HttpReporter(client, events, signal),
      register: () => this.#register(),
      free: () => this.#attempts.free,
      onLink: () => this.#progress.reset(),
    });
    this.#heartbeats = new Heartbeats({
      base: requester.base,
      token,
      beat: () => void client.heartbeat(this.id, { signal }).catch(() => {}),
      onGone: () => this.#connection.restart(),
    });
  }

  /** What the kernel calls it; empty before `start`. It changes when the kernel has forgotten the worker. */
  get id(): string {
    return this.#connection.workerId;
  }

  /**
   * Registers, and begins to take tasks. The process stays alive until the worker has stopped.
   * @throws ColonyError when refused, ColonyNetworkError when the kernel cannot be reached
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Takes no more tasks, lets handlers finish (at most `shutdownTimeoutMs`, then their tasks are released), delivers
   * what they say, and unregisters. Never rejects; calling it again gives the same promise.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #start(): Promise<void> {
    if (this.#stopping) throw new Error('this worker has been stopped; make a new one');
    await this.#connection.register();
    // This timer is also what keeps the process alive between two connections.
    const timer = setInterval(() => void this.#reconcile(), RECONCILE_MS);
    this.#cleanUp.push(() => clearInterval(timer));
    if (this.#options.signals !== false) this.#cleanUp.push(onTermination(() => void this.stop()));
    void this.#connection.run();
  }

  async #stop(): Promise<void> {
    try {
      await this.#starting;
      if (this.id) await this.#drain();
    } catch {
      // It never started: there is nothing to stop.
    }
    this.#end.abort(new Error('the worker has stopped'));
    this.#connection.restart();
    this.#heartbeats.stop();
    for (const cleanUp of this.#cleanUp) cleanUp();
    this.#resolveStopped();
  }

  async #drain(): Promise<void> {
    this.#connection.stopTaking();
    for (const { task } of this.#attempts.takeQueued()) this.#outbox.add(task, { type: 'release' });
    await within(this.#attempts.idle(), this.#options.shutdownTimeoutMs ?? 30_000);
    for (const { task } of [...this.#attempts.held.values()]) {
      this.#attempts.revoke(task.id, 'the worker is stopping');
      this.#outbox.add(task, { type: 'release' });
    }
    let delivered = await within(this.#outbox.empty(), DELIVER_MS);
    if (!delivered) {
      this.#connection.deliverAll();
      delivered = await within(this.#outbox.empty(), DELIVER_BY_HTTP_MS);
    }
    try {
      const signal = AbortSignal.timeout(delivered ? UNREGISTER_MS : UNREGISTER_IN_VAIN_MS);
      await this.client.removeWorker(this.id, { signal });
    } catch (error) {
      // Drained by the kernel, it is gone as soon as it holds nothing; else the kernel will notice its silence.
      if (error instanceof ColonyError && error.status !== 404) this.#failed(error);
    }
  }

  async #register(): Promise<string> {
    const { name, capabilities, attributes, concurrency = 1 } = this.#options;
    const input: WorkerInput = {
      name,
      capabilities: capabilities.map((one) => (typeof one === 'string' ? { name: one } : one)),
      max_concurrent_tasks: concurrency,
    };
    if (attributes) input.attributes = attributes;
    const { id } = await this.client.registerWorker(input, { signal: this.#end.signal });
    await this.#heartbeats.start(id);
    return id;
  }

  async #run(attempt: Attempt): Promise<void> {
    const { task } = attempt;
    const base = { taskId: task.id, leaseToken: task.lease.token };
    const outcome = await runHandler(this.#options.handler, attempt, this.client, (fraction, message) =>
      this.#progress.put({ ...base, fraction, message }),
    );
    if (!outcome) return;
    this.#progress.forget(task.id);
    this.#outbox.add(task, outcome);
  }

  #linkEvents(): LinkEvents {
    return {
      assigned: (task) => {
        this.#heartbeats.learn(task);
        if (this.#stopping) this.#outbox.add(task, { type: 'release' });
        else this.#attempts.add(task);
      },
      acknowledged: (ref) => this.#outbox.acknowledge(ref),
      refused: (ref, code, detail) => this.#outbox.refuse(ref, code, detail),
      progressed: ({ taskId, leaseToken }, refusal) => {
        if (refusal && MOOT.has(refusal)) this.#attempts.revoke(taskId, refusal, leaseToken);
        this.#progress.answered(taskId);
      },
      cancelled: (taskId, reason) => this.#attempts.revoke(taskId, reason),
      draining: () => void this.stop(),
      failed: (error) => this.#failed(error),
    };
  }

  #holdings(): Holdings {
    return {
      signal: this.#end.signal,
      running: () => [...this.#attempts.held.keys()],
      all: () => [...this.#attempts.held.keys(), ...Array.from(this.#outbox.all(), ({ taskId }) => taskId)],
      lost: (taskId) => this.#attempts.revoke(taskId, 'the lease was lost'),
      draining: () => void this.stop(),
    };
  }

  async #reconcile(): Promise<void> {
    // Without a link there is nothing to compare with; the next one begins by settling it.
    if (!this.#connection.link || this.#stopping) return;
    try {
      await this.#reconciler.check(this.id);
    } catch (error) {
      if (error instanceof ColonyError && error.code === 'worker_not_found') this.#connection.restart();
    }
  }

  #failed(error: Error): void {
    if (this.#options.onError) this.#options.onError(error);
    else console.warn(`colony worker ${this.#options.name}: ${error.message}`);
  }
}
