import type { AssignedTask, Task, TaskInput, WorkerInfo } from '../src/types.ts';

/** Tasks and workers in memory, with leases and idempotency keys, and no rules at all. */
export abstract class FakeColony {
  readonly tasks = new Map<string, Task & { lease_token: number }>();
  readonly workers = new Map<string, WorkerInfo>();
  leaseMs = 120_000;
  protected next = 1;
  readonly #keys = new Map<string, string>();

  /** Gives queued tasks to whoever has credit. */
  abstract assign(): void;

  add(input: TaskInput): Task {
    const id = `task-${this.next++}`;
    const task = { status: 'queued', attempt: 0, payload: null, result: null, ...input, id, lease_token: 0 };
    this.tasks.set(id, task as never);
    this.assign();
    return this.tasks.get(id) as Task;
  }

  claim(workerId: string, max: number): AssignedTask[] {
    const free = (this.workers.get(workerId)?.max_concurrent_tasks ?? 0) - this.held(workerId).length;
    const queued = [...this.tasks.values()]
      .filter(({ status }) => status === 'queued')
      .slice(0, Math.max(0, Math.min(free, max)));
    return queued.map((task) => {
      const now = Date.now();
      task.lease_token += 1;
      Object.assign(task, { status: 'executing', assigned_worker: workerId, started_at: new Date(now).toISOString() });
      return { ...task, lease: { token: task.lease_token, expires_at: new Date(now + this.leaseMs).toISOString() } };
    });
  }

  held(workerId: string): string[] {
    const all = [...this.tasks.values()];
    return all.filter((task) => task.status === 'executing' && task.assigned_worker === workerId).map(({ id }) => id);
  }

  /** Takes a task away, as a cancellation, timeout or lost lease does. */
  revoke(id: string, status: Task['status']): void {
    const task = this.tasks.get(id);
    if (task) Object.assign(task, { status, lease_token: task.lease_token + 1 });
  }

  report(taskId: string, verb: string, body: Record<string, unknown>): { code: string } | undefined {
    const task = this.tasks.get(taskId);
    if (!task) return { code: 'task_not_found' };
    if (task.lease_token !== body.lease_token) return { code: 'stale_lease' };
    const outcome = { complete: 'completed', fail: 'failed', release: 'queued' }[verb];
    if (verb === 'progress') task.progress = { fraction: body.fraction as number, message: null, at: '' };
    else Object.assign(task, { status: outcome, result: body.result ?? null, error: body.error ?? null });
    return undefined;
  }

  batch({ tasks, atomic = true }: { tasks: (TaskInput & { idempotency_key?: string })[]; atomic?: boolean }) {
    const results = tasks.map(({ idempotency_key: key, ...input }) => {
      if (input.description === '') return { status: 422, error: problem(422, 'validation_failed').body };
      const known = key === undefined ? undefined : this.#keys.get(key);
      const task = known ? (this.tasks.get(known) as Task) : this.add(input);
      if (key !== undefined) this.#keys.set(key, task.id);
      return { status: 201, task };
    });
    return atomic
      ? { status: 201, body: { tasks: results.map(({ task }) => task) } }
      : { status: 200, body: { results } };
  }
}

export function problem(status: number, code: string, headers: object = {}) {
  return {
    status,
    headers,
    body: {
      type: `urn:colonyos:problem:${code}`,
      title: code,
      status,
      code,
      detail: `It is ${code}.`,
      errors: [{ path: '/x', message: 'bad' }],
    },
  };
}

/** Resolves once `condition` holds; fails the test by its own timeout otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
