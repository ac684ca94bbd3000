/** The process that fills a kernel's queue, and then claims and completes task after task over HTTP. */
import { ask, onEach } from '../lib/asking.ts';
import { play } from '../lib/processes.ts';
import { wireTask } from '../lib/wire-task.ts';

const BATCH = 500;

interface Claimed {
  readonly tasks: readonly { readonly id: string; readonly lease: { readonly token: number } }[];
}

play({
  async fill({ port, count }: { port: number; count: number }): Promise<void> {
    let left = count;
    await onEach(port, 4, async (connection) => {
      while (left > 0) {
        const size = Math.min(BATCH, left);
        left -= size;
        await ask(connection, '/tasks/batch', { tasks: Array.from({ length: size }, (_, n) => wireTask(n)) });
      }
    });
  },

  /** Answers how many pairs of claim and complete were carried out in a second. */
  async pairs({ port, count, connections }: { port: number; count: number; connections: number }): Promise<number> {
    let left = count;
    let startedAt = 0;
    await onEach(port, connections, async (connection) => {
      const worker = await ask<{ id: string }>(connection, '/workers', { name: 'bench', capabilities: [] });
      startedAt ||= performance.now();
      while (left-- > 0) {
        const { tasks } = await ask<Claimed>(connection, `/workers/${worker.id}/claim`, { max_tasks: 1 });
        const task = tasks[0];
        if (!task) throw new Error('a claim found nothing, though tasks are queued');
        await ask(connection, `/tasks/${task.id}/complete`, { lease_token: task.lease.token, result: null });
      }
    });
    return (count * 1000) / (performance.now() - startedAt);
  },
});
