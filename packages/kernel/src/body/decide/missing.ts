import { Refusal } from '../../core/errors.ts';

/** What is said when somebody asks for something that is not there. */

export function noSuchTask(id: string): Refusal {
  return new Refusal(
    'task_not_found',
    `There is no task ${id}. It may have ended long ago and been removed by retention.`,
  );
}

export function noSuchWorker(id: string): Refusal {
  return new Refusal(
    'worker_not_found',
    `There is no worker ${id}. Register with POST /workers and use the id it answers.`,
  );
}

export function noSuchVote(id: string): Refusal {
  return new Refusal(
    'vote_not_found',
    `There is no vote ${id}. It may have ended long ago and been removed by retention.`,
  );
}

export function noSuchPlan(id: string): Refusal {
  return new Refusal(
    'plan_not_found',
    `There is no plan ${id}. It may have ended long ago and been removed by retention.`,
  );
}

export function noSuchSchedule(id: string): Refusal {
  return new Refusal('schedule_not_found', `There is no schedule ${id}. GET /schedules lists those there are.`);
}

export function noSuchKey(scope: string, key: string): Refusal {
  return new Refusal(
    'memory_key_not_found',
    `There is nothing under ${key} in the scope ${scope}. It may have been deleted, or its time was over.`,
  );
}

export function noSuchCheckpoint(id: string): Refusal {
  return new Refusal(
    'checkpoint_not_found',
    `There is no checkpoint ${id}. GET /system/checkpoints lists those there are; only the newest are kept.`,
  );
}
