/**
 * The process that is many workers at once. Of `count` workers and as many requirement sets, worker i of the specialists can do
 * set i alone; each of the generalists can do all of them. They wait on sockets of their own, or claim over HTTP.
 */
import { ask, onEach } from '../lib/asking.ts';
import { play } from '../lib/processes.ts';
import { wireTask } from '../lib/wire-task.ts';

export type Shape = 'specialists' | 'generalists';

const SLOTS = 16;
const BATCH = 500;

interface Lent {
  readonly id: string;
  readonly lease: { readonly token: number };
}

/** What comes out of one kernel's socket. */
type Frame = { readonly type: 'assign'; readonly task: Lent } | { readonly type: 'ack' | 'error'; task_id: string };

interface Throng {
  readonly shape: Shape;
  readonly workers: readonly string[];
  /** Called when a task's completion is acknowledged. */
  readonly awaited: Map<string, () => void>;
  /** Completions that were acknowledged before the submitter heard of its task. */
  readonly early: Set<string>;
  /** How many tasks were handed in, and how many of the workers' turns to claim are over. */
  submitted: number;
  claimed: number;
}

const throngs = new Map<number, Throng>();

function taskOf({ shape, workers }: Throng, n: number): object {
  const set = n % workers.length;
  return { ...wireTask(n), requirements: shape === 'specialists' ? { capability: `skill-${set}` } : { level: set } };
}

function profile(shape: Shape, n: number, count: number): object {
  const able =
    shape === 'specialists' ? { capabilities: [{ name: `skill-${n}` }] } : { attributes: { level: count - 1 } };
  return { name: `bee-${n}`, max_concurrent_tasks: SLOTS, ...able };
}

/** A worker that takes what it is given, does nothing, and says that it is done. */
async function wait(port: number, workerId: string, { awaited, early }: Throng): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/worker?worker_id=${workerId}`);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.onopen = () => resolve();
  socket.onerror = () => reject(new Error('a worker could not open its socket'));
  await promise;
  const ready = `{"type":"ready","slots":${SLOTS}}`;
  socket.onmessage = ({ data }) => {
    const parsed = JSON.parse(String(data)) as Frame | readonly Frame[];
    const answers: string[] = [];
    for (const frame of Array.isArray(parsed) ? (parsed as Frame[]) : [parsed as Frame]) {
      if (frame.type === 'assign') {
        const { id, lease } = frame.task;
        answers.push(`{"type":"complete","task_id":"${id}","lease_token":${lease.token},"result":null,"ref":1}`);
      } else if (frame.type === 'ack') {
        const done = awaited.get(frame.task_id);
        if (done) done();
        else early.add(frame.task_id);
      } else throw new Error(`a worker was told ${String(data)}`);
    }
    if (answers.length > 0) socket.send(`[${[...answers, ready].join(',')}]`);
  };
  socket.send(ready);
}

/** The queue holds tasks of all sets, in turn. */
async function fill({ port, count }: { port: number; count: number }): Promise<void> {
  const throng = throngs.get(port)!;
  await onEach(port, 1, async (connection) => {
    for (let left = count; left > 0; left -= BATCH) {
      const tasks = Array.from({ length: Math.min(BATCH, left) }, () => taskOf(throng, throng.submitted++));
      await ask(connection, '/tasks/batch', { tasks });
    }
  });
}

interface Claiming {
  readonly port: number;
  readonly connections: number;
  readonly most: number;
  readonly ms: number;
}

play({
  async register({ port, shape, count }: { port: number; shape: Shape; count: number }): Promise<void> {
    const workers: string[] = [];
    let next = 0;
    await onEach(port, 8, async (connection) => {
      for (let n = next++; n < count; n = next++) {
        workers[n] = (await ask<{ id: string }>(connection, '/workers', profile(shape, n, count))).id;
      }
    });
    throngs.set(port, { shape, workers, awaited: new Map(), early: new Set(), submitted: 0, claimed: 0 });
  },

  /** From now on all of them wait for work. */
  async attend({ port }: { port: number }): Promise<void> {
    const throng = throngs.get(port)!;
    for (const workerId of throng.workers) await wait(port, workerId, throng);
  },

  /** Tasks arrive while all wait, some at a time, for `ms`. Answers the microseconds for each, from submitted to completed. */
  async arrive({ port, inFlight, ms }: { port: number; inFlight: number; ms: number }): Promise<number> {
    const throng = throngs.get(port)!;
    const { awaited, early } = throng;
    const from = throng.submitted;
    const startedAt = performance.now();
    await onEach(port, inFlight, async (connection) => {
      while (performance.now() < startedAt + ms) {
        const { id } = await ask<{ id: string }>(connection, '/tasks', taskOf(throng, throng.submitted++));
        if (!early.delete(id)) await new Promise<void>((done) => awaited.set(id, done));
        awaited.delete(id);
      }
    });
    return ((performance.now() - startedAt) * 1000) / (throng.submitted - from);
  },

  fill,

  /** One after the other they claim a task and complete it, `most` times or for `ms`; then as many are put back. */
  async claim({ port, connections, most, ms }: Claiming): Promise<number> {
    const throng = throngs.get(port)!;
    const from = throng.claimed;
    const startedAt = performance.now();
    await onEach(port, connections, async (connection) => {
      while (throng.claimed < from + most && performance.now() < startedAt + ms) {
        const workerId = throng.workers[throng.claimed++ % throng.workers.length]!;
        const { tasks } = await ask<{ tasks: Lent[] }>(connection, `/workers/${workerId}/claim`, {});
        if (!tasks[0]) throw new Error('a claim found nothing, though its lane holds tasks');
        await ask(connection, `/tasks/${tasks[0].id}/complete`, { lease_token: tasks[0].lease.token, result: null });
      }
    });
    const each = ((performance.now() - startedAt) * 1000) / (throng.claimed - from);
    await fill({ port, count: throng.claimed - from });
    return each;
  },
});
