import { createHash } from 'node:crypto';
import type * as Commands from '../../core/command.ts';
import type { Command } from '../../core/command.ts';
import { type ModelTask, type ModelWorker, Refused } from './colony.ts';
import { Remembering } from './memory.ts';
import type { ModelPlan } from './plans.ts';
import type { ModelSchedule } from './schedules.ts';
import { viewSchedule, viewTask, viewVote } from './views.ts';

const DAY_MS = 86_400_000;

/** Every command, carried out on the model as simply as it can be said. */
export class Model extends Remembering {
  run(command: Command): unknown {
    this.events = [];
    this.actor = command.actor;
    const sum = (of: 'completed' | 'failed') => this.workers.reduce((all, worker) => all + worker[of], 0);
    this.attempts = { completed: sum('completed'), failed: sum('failed') };
    try {
      const answer = this.#carryOut(command);
      this.followPlans();
      return typeof answer === 'function' ? answer() : answer;
    } catch (error) {
      if (error instanceof Refused) return { refused: error.code };
      throw error;
    }
  }

  /** The answer; or how it is found once it is known what all of it means for plans. */
  #carryOut(command: Command): unknown {
    switch (command.kind) {
      case 'submit':
        return this.#submit(command);
      case 'submit_plan': {
        const { plan, replayed } = this.#submitPlan(command);
        return () => ({ plan: this.viewPlan(plan), tasks: plan.tasks, replayed });
      }
      case 'cancel_plan': {
        const plan = this.cancelPlan(command);
        return () => ({ plan: this.viewPlan(plan) });
      }
      case 'claim':
        return this.#claim(command);
      case 'complete':
      case 'fail':
      case 'release':
      case 'progress':
        return { task: viewTask(this.settle(command)) };
      case 'cancel':
        return { task: viewTask(this.cancel(command)) };
      case 'retry':
        return { task: viewTask(this.#retry(command)) };
      case 'end_attempt':
      case 'promote':
      case 'recover':
        return { task: viewTask(this.sweep(command)) };
      case 'mark_unroutable':
        return { task: viewTask(this.markUnroutable(command)) };
      case 'register':
        return { worker: this.register(command) };
      case 'heartbeat':
      case 'drain':
      case 'unregister':
      case 'lose_worker':
      case 'revoke_leases':
      case 'try_worker':
      case 'release_worker':
        return { worker: this.aboutWorker(command) };
      case 'set_policy':
        return { policy: this.setPolicy(command) };
      case 'open_vote':
        return { vote: viewVote(this.openVote(command)) };
      case 'cast_ballot':
        return { vote: viewVote(this.castBallot(command)) };
      case 'expire_vote':
        return { vote: viewVote(this.expireVote(command)) };
      case 'create_schedule':
      case 'pause_schedule':
      case 'delete_schedule':
        return { schedule: viewSchedule(this.aboutSchedule(command) as ModelSchedule) };
      case 'fire_schedule': {
        const fired = this.aboutSchedule(command) as ModelTask | null;
        return { fired: fired && viewTask(fired) };
      }
      case 'put_memory':
      case 'embed_memory':
      case 'delete_memory':
      case 'expire_memory':
        return this.aboutMemory(command);
      case 'go_on_releasing':
        return {};
      case 'announce':
        this.say(command.event, 'kernel', command.data);
        return {};
    }
  }

  #submit({ tasks, idempotency }: Commands.Submit): unknown {
    const known = this.keys.find((one) => one.key === idempotency?.key && one.at > this.now.wall - DAY_MS);
    if (known) {
      const found = known.taskIds.map((id) => this.tasks.find((task) => task.id === id && !task.removed));
      const same = known.bodyHash === idempotency!.bodyHash;
      if (!same || found.includes(undefined)) throw new Refused('idempotency_conflict');
      return { tasks: found.map((task) => viewTask(task!)), replayed: true };
    }
    for (const { spec } of tasks) {
      const parent = this.tasks.find((task) => task.id === spec.parent_id && !task.removed);
      const orphan = spec.parent_id !== null && !(parent && parent.depth < this.rules.maxTaskDepth);
      const unknown = spec.depends_on.some((id) => !this.tasks.some((task) => task.id === id));
      if (orphan || unknown) throw new Refused('validation_failed');
    }
    this.count(tasks);
    const admitted = tasks.map((task) => this.admit(task));
    if (idempotency) this.keys.unshift({ ...idempotency, taskIds: tasks.map(({ id }) => id), at: this.now.wall });
    return { tasks: admitted.map(viewTask), replayed: false };
  }

  #submitPlan(command: Commands.SubmitPlan): { plan: ModelPlan; replayed: boolean } {
    const { idempotency, tasks, parentId } = command;
    const known = this.keys.find((one) => one.key === idempotency?.key && one.at > this.now.wall - DAY_MS);
    if (known) {
      const plan = this.plans.find(({ id }) => id === known.taskIds[0]);
      if (known.bodyHash !== idempotency!.bodyHash || !plan) throw new Refused('idempotency_conflict');
      return { plan, replayed: true };
    }
    const parent = this.tasks.find((task) => task.id === parentId && !task.removed);
    if (parentId !== null && !(parent && parent.depth < this.rules.maxTaskDepth))
      throw new Refused('validation_failed');
    this.count(tasks);
    const plan = this.beginPlan(command);
    const first = this.tasks.length;
    for (const place of command.order) this.admit(tasks[place]!, plan.id, first + place);
    this.tasks.sort((a, b) => a.place - b.place);
    if (idempotency) this.keys.unshift({ ...idempotency, taskIds: [plan.id], at: this.now.wall });
    return { plan, replayed: false };
  }

  protected admit(asked: Commands.NewTask, plan: string | null = null, place = this.tasks.length): ModelTask {
    const { id, spec, contentHash, lane } = asked;
    const { wall } = this.now;
    const unmet = this.unmet(spec);
    const failed = spec.depends_on
      .map((other) => this.tasks.find((task) => task.id === other)!)
      .find((task) => task.status !== 'completed' && this.isOver(task));
    const { verdict } = this.judged(spec);
    const wait = this.firstWait({ spec }, verdict === 'require_approval');
    const isRejected = verdict === 'reject';
    const status = isRejected ? 'rejected' : failed ? 'cancelled' : wait ? 'pending' : 'queued';
    const isWaiting = status === 'pending';
    const vote = isWaiting && wait === 'approval' ? id : null;
    const dueAt = isWaiting && wait === 'scheduled' ? this.dueAfter(spec) : null;
    const task: ModelTask = {
      ...{ id, spec, lane, status, unmet, dueAt, vote, removed: false, place },
      pendingReason: isWaiting ? wait : null,
      depth: spec.parent_id === null ? 0 : this.find(spec.parent_id).depth + 1,
      ...{ priority: spec.priority, createdAt: wall, timeoutMs: spec.timeout_seconds * 1000 },
      ...{ attempt: 0, retryCount: 0, losses: 0, leaseToken: 0, worker: null, lastOutcome: null, deadline: null },
      ...{
        queuedAt: status === 'queued' ? wall : null,
        startedAt: null,
        completedAt: isRejected || failed ? wall : null,
      },
      ...{ progress: null, result: null, error: failed && !isRejected ? 'dependency_failed' : null, errorTrace: null },
      ...{ plan, routing: null },
    };
    this.tasks.push(task);
    if (!isRejected) this.tellVerdict(id, spec, contentHash);
    this.say('task_submitted', 'kernel', {
      created_by: spec.created_by,
      ...(spec.parent_id === null ? {} : { parent_id: spec.parent_id }),
      ...(plan === null ? {} : { plan_id: plan }),
      priority: spec.priority,
      status: failed || isRejected ? 'pending' : status,
      task_id: id,
    });
    if (vote !== null) this.askForApproval(id, vote, spec, contentHash);
    else if (isRejected) task.error = this.tellRejection(id, spec, contentHash);
    else if (failed) {
      this.say('task_cancelled', 'kernel', { dependency: failed.id, reason: 'dependency_failed', task_id: id });
    }
    return task;
  }

  #retry({ taskId }: Commands.Retry): ModelTask {
    const task = this.find(taskId);
    if (!['failed', 'timeout', 'cancelled'].includes(task.status)) throw new Refused('invalid_transition');
    const dependencies = this.tasks.filter(({ id }) => task.spec.depends_on.includes(id));
    const isLost = ({ removed, status }: ModelTask) => (removed ? status !== 'completed' : status === 'rejected');
    if (dependencies.some(isLost)) throw new Refused('invalid_transition');
    const spec = task.spec.results_from && this.unmet(task.spec) === 0 ? this.withResults(task) : task.spec;
    if (typeof spec === 'string') throw new Refused('invalid_transition');
    task.spec = spec;
    const hash = createHash('sha256').update(JSON.stringify(spec)).digest('hex');
    const { verdict } = this.judged(spec);
    const isRejected = verdict === 'reject';
    const wait = isRejected ? null : this.firstWait(task, verdict === 'require_approval');
    const asked = this.votesOn(taskId);
    const again = asked === 0 ? taskId : `${taskId}.${asked + 1}`;
    const vote = wait === 'approval' ? again : task.vote;
    const status = isRejected ? 'rejected' : wait ? 'pending' : 'queued';
    Object.assign(task, { status, pendingReason: wait, vote, unmet: this.unmet(spec), retryCount: 0, losses: 0 });
    Object.assign(task, { dueAt: wait === 'scheduled' ? this.dueAfter(spec) : null, worker: null, lastOutcome: null });
    Object.assign(task, { queuedAt: status === 'queued' ? this.now.wall : null, startedAt: null, progress: null });
    Object.assign(task, {
      completedAt: isRejected ? this.now.wall : null,
      result: null,
      error: null,
      errorTrace: null,
    });
    if (isRejected) {
      task.error = this.tellRejection(taskId, spec, hash);
      this.fall(task);
    } else {
      this.tellVerdict(taskId, spec, hash);
      this.say('task_requeued', 'kernel', { reason: 'retried_by_hand', status, task_id: taskId });
      if (wait === 'approval') this.askForApproval(taskId, again, spec, hash);
    }
    return task;
  }

  #claim({ workerId, max }: Commands.Claim): unknown {
    const worker = this.findWorker(workerId);
    this.bringBack(worker);
    const executing = this.tasks.filter((task) => task.status === 'executing').length;
    const room =
      this.rules.maxConcurrentTasks === 0 ? Number.POSITIVE_INFINITY : this.rules.maxConcurrentTasks - executing;
    const { quarantine } = worker;
    const slots = quarantine ? Number(quarantine.onTrial) : worker.profile.maxConcurrentTasks;
    const count = worker.draining ? 0 : Math.min(max, slots - worker.holds.length, room);
    const able = worker.profile.capabilities.map(({ name }) => name);
    const queue = this.tasks
      .filter(({ status, spec }) => status === 'queued' && able.includes(String(spec.requirements.capability)))
      .sort((a, b) => b.priority - a.priority);
    const taken = queue.slice(0, Math.max(0, count));
    for (const task of taken) this.#assign(task, worker);
    return { assignments: taken.map((task) => ({ task: viewTask(task), token: task.leaseToken })) };
  }

  #assign(task: ModelTask, worker: ModelWorker): void {
    task.attempt++;
    this.told.delete(task);
    task.leaseToken++;
    Object.assign(task, { status: 'executing', worker: worker.id, lastOutcome: null, startedAt: this.now.wall });
    Object.assign(task, { deadline: this.now.steady + task.timeoutMs, progress: null, error: null, errorTrace: null });
    Object.assign(worker, { holds: [...worker.holds, task.id], lastHeartbeat: this.now.wall });
    const { attempt, leaseToken } = task;
    const data = { attempt, lease_token: leaseToken, task_id: task.id, worker_id: worker.id };
    this.say('task_assigned', 'neurosphere', data);
  }
}
