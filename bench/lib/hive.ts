/** One peer's server with a submitter and a worker, each a process of its own. */
import type { Peer, Server } from '../peers/peer.ts';
import type { Span } from '../roles/submitter.ts';
import type { RunReport } from '../roles/worker.ts';
import { Role } from './processes.ts';

export const SLOTS = 64;

export class Hive {
  readonly #server: Server;
  readonly #submitter: Role;
  readonly #worker: Role;

  private constructor(server: Server, client: string) {
    this.#server = server;
    this.#submitter = new Role('submitter.ts', [client]);
    this.#worker = new Role('worker.ts', [client]);
  }

  static async open(peer: Peer): Promise<Hive> {
    const hive = new Hive(await peer.serve(), peer.client);
    await hive.#submitter.ask('connect', { address: hive.#server.address });
    return hive;
  }

  submit(count: number, { inFlight = SLOTS, batch = 1 } = {}): Promise<Span> {
    return this.#submitter.ask('submit', { count, inFlight, batch });
  }

  offer(perSecond: number, count: number): Promise<Span> {
    return this.#submitter.ask('offer', { perSecond, count });
  }

  /** Starts the worker; `await` the result's `report` for when `count` tasks are done. */
  async run(count: number): Promise<{ report: Promise<RunReport> }> {
    await this.#worker.ask('start', { address: this.#server.address, slots: SLOTS, count });
    return { report: this.#worker.ask('finish') };
  }

  /** Starts the worker; the function that is answered stops it. */
  async work(): Promise<() => Promise<void>> {
    const count = Number.MAX_SAFE_INTEGER;
    await this.#worker.ask('start', { address: this.#server.address, slots: SLOTS, count });
    return () => this.#worker.ask('stop');
  }

  async close(): Promise<void> {
    await Promise.all([this.#submitter.end(), this.#worker.end()]);
    await this.#server.stop();
  }
}
