import type * as Commands from '../../core/command.ts';
import { type ModelTask, Refused } from './colony.ts';
import { Workers } from './workers.ts';

const PAST = { complete: 'completed', fail: 'failed', release: 'released', progress: null } as const;

/** What is done to one task: by the worker that holds it, by the submitter's hand, and by time. */
export class Tasks extends Workers {
  /** When it was told of a task that nobody can do it. */
  protected readonly told = new Map<ModelTask, number>();

  protected settle(command: Commands.Complete | Commands.Fail | Commands.Release | Commands.ReportProgress): ModelTask {
    const task = this.find(command.taskId);
    const isNewest = task.leaseToken === command.leaseToken;
    if (task.status !== 'executing' || !isNewest) {
      const again =
        isNewest &&
        task.lastOutcome !== null &&
        task.lastOutcome === PAST[command.kind] &&
        (command.kind !== 'complete' || task.result === command.result) &&
        (command.kind !== 'fail' || (task.error === command.error && task.errorTrace === command.errorTrace));
      if (!again) throw new Refused('stale_lease');
      return task;
    }
    const worker = task.worker!;
    this.actor = `worker:${worker}`;
    const { wall } = this.now;
    const about = { task_id: task.id, worker_id: worker };
    if (command.kind === 'progress') {
      const before = task.progress ?? { fraction: null, message: null };
      task.progress = {
        fraction: command.fraction === null ? before.fraction : command.fraction,
        message: command.message === null ? before.message : command.message,
        at: wall,
      };
    } else if (command.kind === 'release') {
      this.say('task_released', `worker:${worker}`, { attempt: task.attempt, ...about });
      this.free(task, worker, 'none');
      Object.assign(task, { status: 'queued', lastOutcome: 'released', losses: 0, queuedAt: wall });
      Object.assign(task, { worker: null, deadline: null, startedAt: null });
    } else if (command.kind === 'fail') {
      const { startedAt } = task;
      this.failOrRetry(task, { status: 'failed', ...command });
      this.free({ ...task, startedAt }, worker, 'failed');
    } else {
      const elapsed_seconds = Math.max(0, wall - task.startedAt!) / 1000;
      this.say('task_completed', `worker:${worker}`, { attempt: task.attempt, elapsed_seconds, ...about });
      this.free(task, worker, 'completed');
      Object.assign(task, { status: 'completed', lastOutcome: 'completed', losses: 0, deadline: null });
      Object.assign(task, { result: command.result, completedAt: wall });
      this.#releaseDependents(task);
    }
    return task;
  }

  #releaseDependents(done: ModelTask): void {
    for (const task of this.dependents(done.id)) {
      // It may have fallen with one before it.
      if (task.status !== 'pending') continue;
      task.unmet = this.unmet(task.spec);
      if (task.unmet === 0 && task.spec.results_from) this.goOnWithResults(task);
      else if (task.unmet === 0 && task.pendingReason === 'dependencies') this.goOn(task, 'dependencies');
    }
  }

  protected cancel({ taskId, cascade }: Commands.Cancel): ModelTask {
    const task = this.find(taskId);
    if (this.isOver(task)) throw new Refused('invalid_transition');
    for (const one of cascade ? this.family(task) : [task]) {
      if (this.isOver(one)) continue;
      this.callOffVote(one);
      const holder = one.status === 'executing' ? one.worker : null;
      const reason = one === task ? 'requested' : 'parent_cancelled';
      this.say('task_cancelled', 'kernel', { reason, task_id: one.id, ...(holder ? { worker_id: holder } : {}) });
      if (holder) this.free(one, holder, 'none');
      const end = { status: 'cancelled', pendingReason: null, dueAt: null, deadline: null, completedAt: this.now.wall };
      Object.assign(one, end);
      this.fall(one);
    }
    return task;
  }

  toldAt(id: string): number | null {
    return this.told.get(this.find(id)) ?? null;
  }

  /** What is told is told until something has changed since. */
  protected markUnroutable({ taskId, since, reason }: Commands.MarkUnroutable): ModelTask {
    const task = this.find(taskId);
    const told = this.told.get(task);
    if (task.status !== 'queued' || (told !== undefined && told >= since)) return task;
    this.told.set(task, Math.max(this.now.wall, since));
    this.say('task_unroutable', 'neurosphere', { reason, task_id: taskId });
    return task;
  }

  protected sweep(command: Commands.EndAttempt | Commands.Promote | Commands.Recover): ModelTask {
    const task = this.find(command.taskId);
    const { wall, steady } = this.now;
    if (command.kind === 'promote') {
      const isDue = task.status === 'pending' && task.dueAt !== null && task.dueAt <= wall;
      if (isDue) this.enqueue(task, task.pendingReason!);
    } else if (task.status === 'executing' && command.kind === 'recover') {
      const left = task.timeoutMs - (wall - task.startedAt!);
      task.deadline = steady + Math.min(task.timeoutMs, Math.max(this.rules.recoveryGraceMs, left));
    } else if (command.kind === 'end_attempt') {
      const isLive = task.status === 'executing' && task.leaseToken === command.leaseToken;
      if (!isLive || task.deadline! > steady) return task;
      const error = `The attempt ran longer than its timeout of ${task.timeoutMs / 1000} s.`;
      const { worker, startedAt } = task;
      this.failOrRetry(task, { status: 'timeout', error, errorTrace: null, retryable: true, random: command.random });
      this.free({ ...task, startedAt }, worker!, 'failed');
    }
    return task;
  }
}
