import { ColonyClient, Worker } from '@colonyos/client';
import type { PeerClient, TaskData } from './peer.ts';

const spec = (data: TaskData) => ({ description: 'a task that does nothing', payload: { ...data } });

/** The kernel through the client that is published for it. */
export const client: PeerClient = {
  async submitter(url) {
    const colony = new ColonyClient({ url });
    return {
      async submit(data) {
        await colony.submit(spec(data));
      },
      async submitMany(many) {
        await colony.submitMany(many.map(spec));
      },
    };
  },

  async worker(url, slots, count, watch) {
    let left = count;
    const worker = new Worker({
      url,
      name: 'bench',
      capabilities: [],
      concurrency: slots,
      signals: false,
      handler: async (task) => {
        watch.started(task.payload as unknown as TaskData);
        if (--left === 0) void worker.stop();
        return null;
      },
    });
    // It stops only when the kernel has acknowledged everything, so the last task's acknowledgement counts.
    void worker.stopped.then(() => watch.finished());
    return {
      start: () => worker.start(),
      close: () => worker.stop(),
    };
  },
};
