import type * as Commands from '../../core/command.ts';
import { Colony, type ModelTask, type ModelWorker } from './colony.ts';

/** What is done to one worker, and to the tasks it holds. Answers are the worker's id. */
export class Workers extends Colony {
  /** How many ever were. */
  registered = 0;

  protected register({ id, name, capabilities, attributes, maxConcurrentTasks }: Commands.Register): string {
    const { wall } = this.now;
    this.registered++;
    this.workers.push({
      id,
      profile: { name, capabilities, attributes, maxConcurrentTasks },
      ...{ holds: [], offline: false, draining: false, registeredAt: wall, lastHeartbeat: wall },
      ...{ completed: 0, failed: 0, busyMs: 0, recent: '', attempts: [], quarantine: null },
    });
    this.say('worker_registered', 'kernel', { name, worker_id: id });
    return id;
  }

  protected aboutWorker(
    command:
      | Commands.Heartbeat
      | Commands.Drain
      | Commands.Unregister
      | Commands.LoseWorker
      | Commands.RevokeLeases
      | Commands.TryWorker
      | Commands.ReleaseWorker,
  ): string {
    const worker = this.findWorker(command.workerId);
    const held = worker.holds.map((id) => this.find(id));
    if (command.kind === 'heartbeat') {
      this.bringBack(worker);
      const stray = held.filter(({ id }) => command.tasks && !command.tasks.includes(id));
      for (const task of stray) this.requeue(task, 'not_held');
    } else if (command.kind === 'release_worker') {
      if (worker.quarantine) this.say('worker_released', 'neurasphere', { reason: 'by_hand', worker_id: worker.id });
      if (worker.quarantine) Object.assign(worker, { quarantine: null, recent: '' });
    } else if (command.kind === 'try_worker') {
      const { quarantine } = worker;
      if (quarantine && !quarantine.onTrial && this.now.wall >= quarantine.until) {
        worker.quarantine = { ...quarantine, onTrial: true };
        this.say('worker_released', 'neurasphere', { reason: 'on_trial', worker_id: worker.id });
      }
    } else if (command.kind === 'revoke_leases') {
      for (const task of held) this.requeue(task, 'failover');
    } else if (command.kind === 'unregister' || (command.kind === 'drain' && held.length === 0)) {
      for (const task of held) this.requeue(task, 'worker_unregistered');
      const reason = command.kind === 'unregister' ? command.reason : 'drained';
      if (this.workers.includes(worker)) this.dismiss(worker, reason);
    } else if (command.kind === 'drain') {
      if (!worker.draining) this.say('worker_draining', 'kernel', { worker_id: worker.id });
      worker.draining = true;
    } else if (!worker.offline) {
      worker.offline = true;
      this.say('worker_offline', 'kernel', { worker_id: worker.id });
      for (const task of held) this.#lose(task, worker);
    }
    return worker.id;
  }

  #lose(task: ModelTask, worker: ModelWorker): void {
    if (task.losses + 1 < this.rules.maxLeaseLosses) {
      this.requeue(task, 'lease_expired');
      return;
    }
    const error = 'lease_losses_exceeded';
    const data = { attempt: task.attempt, error, task_id: task.id, worker_id: worker.id };
    this.say('task_failed', `worker:${worker.id}`, data);
    this.free(task, worker.id, 'failed');
    Object.assign(task, {
      status: 'failed',
      losses: task.losses + 1,
      deadline: null,
      error,
      completedAt: this.now.wall,
    });
    this.fall(task);
  }
}
