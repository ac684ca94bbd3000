import { onTestFinished } from 'vitest';
import type { Assignment, Command, Replies, Reply, Rules } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import type { ChainedEntry } from '../core/event.ts';
import type { Task, TaskInput } from '../core/task.ts';
import type { Worker } from '../core/worker.ts';
import { newTask, Pipeline } from './pipeline.ts';

/** A small colony to tell stories with: short sentences that hand commands to the body. Refusals are thrown. */
export class Hive {
  readonly pipeline: Pipeline;

  static async begin(rules: Partial<Rules> = {}): Promise<Hive> {
    const hive = new Hive(await Pipeline.open(rules));
    onTestFinished(() => hive.pipeline.store.close());
    return hive;
  }

  constructor(pipeline: Pipeline) {
    this.pipeline = pipeline;
  }

  async do<C extends Command>(command: C): Promise<Reply<C>> {
    const answer = await this.pipeline.run(command);
    if (answer instanceof Refusal) throw answer;
    return answer as Reply<C>;
  }

  /** The code of the refusal that a command meets; null when it is carried out. */
  async refused(command: Command): Promise<string | null> {
    const answer = await this.pipeline.run(command);
    return answer instanceof Refusal ? answer.code : null;
  }

  async submit(id: string, input: Partial<TaskInput> = {}): Promise<Task> {
    const tasks = [newTask(id, input, this.pipeline.clock.now().wall)];
    return (await this.do({ kind: 'submit', actor: 'ann', tasks })).tasks[0]!;
  }

  async hire(id: string, maxConcurrentTasks = 1): Promise<void> {
    const about = { name: id, capabilities: [], attributes: {}, maxConcurrentTasks };
    await this.do({ kind: 'register', actor: 'ann', id, ...about });
  }

  async claim(workerId: string, max = 1): Promise<readonly Assignment[]> {
    return (await this.do({ kind: 'claim', actor: `worker:${workerId}`, workerId, max })).assignments;
  }

  /** Claims one task, which must be there. */
  async take(workerId: string): Promise<Assignment> {
    const [assignment] = await this.claim(workerId);
    if (!assignment) throw new Error(`there is nothing for ${workerId}`);
    return assignment;
  }

  complete({ task, token }: Assignment, result = 'null'): Promise<Replies['complete']> {
    return this.do(complete(task.id, token, result));
  }

  fail({ task, token }: Assignment, retryable = true): Promise<Replies['fail']> {
    return this.do(fail(task.id, token, { retryable }));
  }

  cancel(taskId: string, cascade = false): Promise<Replies['cancel']> {
    return this.do({ kind: 'cancel', actor: 'ann', taskId, cascade });
  }

  retry(taskId: string): Promise<Replies['retry']> {
    return this.do({ kind: 'retry', actor: 'ann', taskId });
  }

  lose(workerId: string): Promise<Replies['lose_worker']> {
    return this.do({ kind: 'lose_worker', actor: 'kernel', workerId });
  }

  async task(id: string): Promise<Task> {
    const task = await this.pipeline.store.task(id);
    if (!task) throw new Error(`there is no task ${id}`);
    return task;
  }

  worker(id: string): Promise<Worker | null> {
    return this.pipeline.store.worker(id);
  }

  /** The ledger from `after` on. */
  ledger(after = 0): Promise<readonly ChainedEntry[]> {
    return this.pipeline.store.ledger.read(after, 10_000);
  }

  /** A task's history, each entry as its type and, where it has one, its reason. */
  async history(taskId: string): Promise<string[]> {
    const entries = await this.pipeline.store.ledger.query({ taskId, limit: 1000 });
    return entries.map(({ type, data }) => {
      const { reason } = JSON.parse(data) as { reason?: string };
      return reason ? `${type} ${reason}` : type;
    });
  }
}

const LEASE = { actor: 'worker', random: 0.5 };

export function complete(taskId: string, leaseToken: number, result = 'null'): Command & { kind: 'complete' } {
  return { kind: 'complete', actor: LEASE.actor, taskId, leaseToken, result };
}

export function fail(
  taskId: string,
  leaseToken: number,
  { retryable = true, error = 'it broke' } = {},
): Command & { kind: 'fail' } {
  return { kind: 'fail', ...LEASE, taskId, leaseToken, error, errorTrace: null, retryable };
}

export function release(taskId: string, leaseToken: number): Command & { kind: 'release' } {
  return { kind: 'release', actor: LEASE.actor, taskId, leaseToken };
}

export function progress(taskId: string, leaseToken: number): Command & { kind: 'progress' } {
  return { kind: 'progress', actor: LEASE.actor, taskId, leaseToken, fraction: 0.5, message: 'half' };
}
