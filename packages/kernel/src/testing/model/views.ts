import { Refusal } from '../../core/errors.ts';
import type { PutEntry } from '../../core/memory.ts';
import type { Plan } from '../../core/plan.ts';
import type { Schedule } from '../../core/schedule.ts';
import { Spec, type Task, type TaskSpec } from '../../core/task.ts';
import type { Vote } from '../../core/vote.ts';
import type { Experience, Worker } from '../../core/worker.ts';
import type { ModelWorker } from './colony.ts';

/** What body and model must agree on. Sequence numbers and versions are the body's own business. */
const TASK_FIELDS = [
  'id', 'lane', 'priority', 'createdAt', 'timeoutMs', 'depth', 'status', 'pendingReason', 'dueAt', 'attempt',
  'retryCount', 'losses', 'leaseToken', 'worker', 'lastOutcome', 'deadline', 'queuedAt', 'startedAt', 'completedAt',
  'progress', 'result', 'error', 'errorTrace', 'vote', 'plan',
] as const; // biome-ignore format: a list

export function viewTask(
  task: Pick<Task, (typeof TASK_FIELDS)[number] | 'unmet'> & { readonly spec: Spec | TaskSpec },
): Record<string, unknown> {
  const view: Record<string, unknown> = {};
  for (const field of TASK_FIELDS) view[field] = task[field];
  view.spec = task.spec instanceof Spec ? task.spec.json : JSON.stringify(task.spec);
  // How many dependencies are missing matters, and is kept right, only while the task waits for them.
  view.unmet = task.status === 'pending' ? task.unmet : null;
  return view;
}

/** As it is at this moment. */
export function viewVote(vote: Vote): unknown {
  return { ...vote };
}

/** As it is at this moment. */
export function viewSchedule(schedule: Schedule): unknown {
  return { ...schedule };
}

export function viewWorker(worker: Worker | ModelWorker): Record<string, unknown> {
  const { version: _, experience: __, attempts: ___, ...view } = worker as Worker & ModelWorker;
  return view;
}

const DAY_MS = 86_400_000;

/** What ought to be known of a worker: worked out from all its attempts, each weighed by its age. */
export function experienceOf({ attempts }: ModelWorker): Experience[] {
  return [...Map.groupBy(attempts, ({ capability }) => capability)].map(([capability, all]) => {
    const { at } = all.at(-1)!;
    const weigh = (worth: (one: (typeof all)[number]) => number) =>
      all.reduce((sum, one) => sum + worth(one) * 0.5 ** (Math.max(0, at - one.at) / DAY_MS), 0);
    const successes = weigh(({ failed }) => Number(!failed));
    const timeMs = weigh(({ failed, elapsedMs }) => (failed ? 0 : elapsedMs));
    return { capability, attempts: weigh(() => 1), successes, meanMs: timeMs / (successes || 1), at };
  });
}

/** An answer of the body, as the model would give it. */
export function viewAnswer(answer: unknown): unknown {
  if (answer instanceof Refusal) return { refused: answer.code };
  const { plan, task, tasks, replayed, worker, assignments, vote, policy, schedule, fired, entries, embedded } =
    answer as {
      plan?: Plan;
      schedule?: Schedule;
      fired?: Task | null;
      policy?: unknown;
      vote?: Vote;
      task?: Task;
      tasks?: Task[];
      replayed?: boolean;
      worker?: Worker;
      entries?: PutEntry[];
      embedded?: number;
      assignments?: { task: Task; token: number }[];
    };
  if (plan) return replayed === undefined ? { plan } : { plan, tasks, replayed };
  if (entries) return { entries: entries.map(({ entry: { key, version }, isNew }) => ({ key, version, isNew })) };
  if (embedded !== undefined) return { embedded };
  if (task) return { task: viewTask(task) };
  if (tasks) return { tasks: tasks.map(viewTask), replayed };
  if (schedule) return { schedule: viewSchedule(schedule) };
  if (fired !== undefined) return { fired: fired && viewTask(fired) };
  if (policy) return { policy };
  if (vote) return { vote: viewVote(vote) };
  if (worker) return { worker: worker.id };
  if (assignments) return { assignments: assignments.map((one) => ({ task: viewTask(one.task), token: one.token })) };
  return {};
}
