/** The process that runs tasks which do nothing. */
import { play } from '../lib/processes.ts';
import { epochMs } from '../lib/stats.ts';
import { clientOf, type WorkerHandle } from '../peers/peer.ts';

const client = await clientOf(process.argv[2]!);

export interface RunReport {
  readonly startedAt: number;
  readonly endedAt: number;
  /** Milliseconds from handing in to the handler, for tasks that carry a time. */
  readonly waits: readonly number[];
}

let worker: WorkerHandle | undefined;
let startedAt = 0;
let waits: number[] = [];
let done = Promise.withResolvers<number>();

play({
  /** Begins to take tasks, until `count` are done. */
  async start({ address, slots, count }: { address: string; slots: number; count: number }) {
    waits = [];
    done = Promise.withResolvers();
    worker = await client.worker(address, slots, count, {
      started(data) {
        if (data.at > 0) waits.push(epochMs() - data.at);
      },
      finished() {
        done.resolve(epochMs());
      },
    });
    startedAt = epochMs();
    await worker.start();
  },

  /** No more tasks, however many there were. */
  async stop() {
    await worker?.close();
  },

  async finish(): Promise<RunReport> {
    const endedAt = await done.promise;
    await worker?.close();
    return { startedAt, endedAt, waits };
  },
});
