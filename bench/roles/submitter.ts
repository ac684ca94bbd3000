/** The process that hands tasks in. */
import { setTimeout as sleep } from 'node:timers/promises';
import { play } from '../lib/processes.ts';
import { epochMs } from '../lib/stats.ts';
import { clientOf, type Submitter, taskData } from '../peers/peer.ts';

const client = await clientOf(process.argv[2]!);
let submitter: Submitter;

export interface Span {
  readonly startedAt: number;
  readonly endedAt: number;
}

play({
  async connect({ address }: { address: string }) {
    submitter = await client.submitter(address);
  },

  /** `count` tasks, `batch` at a time, with `inFlight` calls under way. Ends when all are acknowledged. */
  async submit({ count, inFlight, batch }: { count: number; inFlight: number; batch: number }): Promise<Span> {
    const startedAt = epochMs();
    let next = 0;
    const one = async () => {
      while (next < count) {
        const n = next;
        next += batch;
        if (batch === 1) await submitter.submit(taskData(n));
        else await submitter.submitMany(Array.from({ length: Math.min(batch, count - n) }, (_, i) => taskData(n + i)));
      }
    };
    await Promise.all(Array.from({ length: inFlight }, one));
    return { startedAt, endedAt: epochMs() };
  },

  /** `perSecond` tasks a second, evenly, whether or not the earlier ones are acknowledged yet. */
  async offer({ perSecond, count }: { perSecond: number; count: number }): Promise<Span> {
    const startedAt = epochMs();
    const calls: Promise<void>[] = [];
    while (calls.length < count) {
      const now = epochMs();
      if (now >= startedAt + (calls.length * 1000) / perSecond)
        calls.push(submitter.submit(taskData(calls.length, now)));
      else await sleep(1);
    }
    await Promise.all(calls);
    return { startedAt, endedAt: epochMs() };
  },
});
