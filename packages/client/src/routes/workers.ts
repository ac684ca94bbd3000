import type { CallOptions, ClaimOptions, Failure, ProgressReport } from '../client-options.ts';
import { ColonyError } from '../errors.ts';
import type { AssignedTask, Task, WorkerInfo, WorkerInput } from '../types.ts';
import { get, post, remove, segment } from './calls.ts';
import { ScheduleRoutes } from './schedules.ts';

/** What a worker does. The class `Worker` does all of this by itself. */
export abstract class WorkerRoutes extends ScheduleRoutes {
  registerWorker(worker: WorkerInput, options: CallOptions = {}): Promise<WorkerInfo> {
    return this.requester.json(post('/workers', worker, 'unsent', options.signal));
  }

  listWorkers(options: CallOptions = {}): Promise<WorkerInfo[]> {
    return this.requester.json(get('/workers', options.signal));
  }

  getWorker(id: string, options: CallOptions = {}): Promise<WorkerInfo> {
    return this.requester.json(get(`/workers/${segment(id)}`, options.signal));
  }

  /** Renews the worker's leases. @param options.tasks what it holds: anything else goes back to the queue at once */
  async heartbeat(id: string, options: CallOptions & { tasks?: readonly string[] } = {}): Promise<void> {
    const body = options.tasks ? { tasks: options.tasks } : undefined;
    await this.requester.send(post(`/workers/${segment(id)}/heartbeat`, body, 'safe', options.signal));
  }

  /** Its tasks go back to the queue. @param options.drain it finishes them first */
  async removeWorker(id: string, options: CallOptions & { drain?: boolean } = {}): Promise<void> {
    const call = { ...remove(`/workers/${segment(id)}`, options.signal), query: { drain: options.drain } };
    const answer = await this.requester.send({ ...call, accept: [404] });
    if (answer.status === 404 && answer.retried === 0) throw ColonyError.from(answer.status, answer.body);
  }

  /** Lets it out of quarantine, and forgives what it has failed at. */
  releaseWorker(id: string, options: CallOptions = {}): Promise<WorkerInfo> {
    return this.requester.json(post(`/workers/${segment(id)}/release`, undefined, 'safe', options.signal));
  }

  /** Takes tasks for a worker; possibly none. A claim whose answer got lost is not repeated: see `heartbeat`. */
  async claim(workerId: string, options: ClaimOptions = {}): Promise<AssignedTask[]> {
    const { maxTasks = 1, waitSeconds = 0, signal } = options;
    const body = { max_tasks: maxTasks, wait_seconds: waitSeconds };
    const call = {
      ...post(`/workers/${segment(workerId)}/claim`, body, 'unsent', signal),
      extraMs: waitSeconds * 1000,
    };
    return (await this.requester.json<{ tasks: AssignedTask[] }>(call)).tasks;
  }

  /** @throws ColonyError 409 `stale_lease` when the task is no longer this lease's */
  complete(taskId: string, leaseToken: number, result: unknown = null, options: CallOptions = {}): Promise<Task> {
    return this.#report(taskId, 'complete', { lease_token: leaseToken, result }, options);
  }

  /** Retried by the kernel while retries are left, unless `retryable` is false. */
  fail(taskId: string, leaseToken: number, failure: Failure, options: CallOptions = {}): Promise<Task> {
    const { error, errorTrace, retryable } = failure;
    const body = { lease_token: leaseToken, error, error_trace: errorTrace, retryable };
    return this.#report(taskId, 'fail', body, options);
  }

  /** @throws ColonyError 409 when the task was cancelled or taken away: stop working on it */
  async progress(taskId: string, leaseToken: number, report: ProgressReport, options: CallOptions = {}): Promise<void> {
    const body = { lease_token: leaseToken, ...report };
    await this.requester.send(post(`/tasks/${segment(taskId)}/progress`, body, 'safe', options.signal));
  }

  /** Back to the queue; no retry is consumed. */
  release(taskId: string, leaseToken: number, options: CallOptions = {}): Promise<Task> {
    return this.#report(taskId, 'release', { lease_token: leaseToken }, options);
  }

  #report(taskId: string, verb: string, body: object, options: CallOptions): Promise<Task> {
    return this.requester.json(post(`/tasks/${segment(taskId)}/${verb}`, body, 'safe', options.signal));
  }
}
