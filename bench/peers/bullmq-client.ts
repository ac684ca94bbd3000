import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { PeerClient, TaskData } from './peer.ts';

const QUEUE = 'bench';

function connection(address: string): Redis {
  return new Redis(address, { maxRetriesPerRequest: null });
}

/** BullMQ as its documentation shows it. Finished jobs are kept, which is its default. */
export const client: PeerClient = {
  async submitter(address) {
    const queue = new Queue<TaskData>(QUEUE, { connection: connection(address) });
    await queue.waitUntilReady();
    return {
      async submit(data) {
        await queue.add('task', data);
      },
      async submitMany(many) {
        await queue.addBulk(many.map((data) => ({ name: 'task', data })));
      },
    };
  },

  async worker(address, slots, count, watch) {
    let left = count;
    const redis = connection(address);
    const worker = new Worker<TaskData>(
      QUEUE,
      async (job) => {
        watch.started(job.data);
      },
      { connection: redis, concurrency: slots, autorun: false },
    );
    worker.on('error', (error) => console.error(error));
    // Told when Redis has acknowledged it.
    worker.on('completed', () => {
      if (--left === 0) watch.finished();
    });
    return {
      async start() {
        void worker.run();
        await worker.waitUntilReady();
      },
      async close() {
        await worker.close();
        redis.disconnect();
      },
    };
  },
};
