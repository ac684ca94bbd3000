import type { MarkUnroutable, Replies } from '../../core/command.ts';
import type { Refusal } from '../../core/errors.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import { unroutableAt } from '../told.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { noSuchTask } from './missing.ts';

/** A queued task that nobody who is registered can ever take says so, once for as long as that is so. */

export function needs(command: MarkUnroutable, wanted: Wanted): void {
  wanted.task(command.taskId);
}

export function mark(slice: Slice, command: MarkUnroutable): Decision<Replies['mark_unroutable']> | Refusal {
  const { taskId, reason, since } = command;
  const task = slice.task(taskId);
  if (!task || 'removed' in task) return noSuchTask(taskId);
  const toldAt = unroutableAt(task);
  if (task.status !== 'queued' || (toldAt !== null && toldAt >= since)) return { change: null, reply: { task } };
  const change = new Change(slice, command.actor);
  // However far the clock was put back since: told is told.
  const routing = JSON.stringify({ unroutable_at: Math.max(slice.now.wall, since) });
  change.event('task_unroutable', 'neurosphere', { reason, task_id: taskId });
  return { change, reply: { task: change.update(task, { routing }) } };
}
