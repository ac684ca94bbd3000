import type { GoOnReleasing, Replies } from '../../core/command.ts';
import type { Task } from '../../core/task.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { progressOf, releasingName } from './release-progress.ts';
import { needsResults, type Released, release } from './releasing.ts';
import { isWaiting } from './resolving.ts';

export function needs(slice: Slice, { taskId }: GoOnReleasing, wanted: Wanted): void {
  const document = wanted.document(releasingName(taskId)) && slice.document(releasingName(taskId));
  if (!document) return;
  const { after, bytes } = progressOf(document);
  if (!wanted.portion(taskId, after)) return;
  const { tasks } = slice.portionOf(taskId, after);
  let isKnown = true;
  for (const task of tasks) {
    if (!isWaiting(task)) continue;
    for (const id of task.spec.value.depends_on) isKnown = wanted.task(id) && isKnown;
  }
  if (isKnown)
    needsResults(
      slice,
      wanted,
      released(tasks, (id) => slice.task(id), bytes),
      null,
    );
}

export function goOn(slice: Slice, { taskId }: GoOnReleasing): Decision<Replies['go_on_releasing']> {
  const document = slice.document(releasingName(taskId));
  if (!document) return { change: null, reply: {} };
  const { actor, after, bytes } = progressOf(document);
  const change = new Change(slice, actor, true);
  const { tasks, more } = change.portionOf(taskId, after);
  const brought = release(
    change,
    released(tasks, (id) => change.task(id), bytes),
  );
  if (!more) change.removeDocument(document);
  else {
    const body = { actor, after: tasks.at(-1)!.seq, bytes: bytes + brought };
    change.updateDocument(document, { body, dueAt: slice.now.wall });
  }
  return { change, reply: {} };
}

/** Some of those that wait, with how many of their dependencies have not completed. */
function released(tasks: readonly Task[], taskOf: (id: string) => { status: string } | null, bytes: number): Released {
  const unmetOf = ({ spec }: Task) => spec.value.depends_on.filter((id) => taskOf(id)?.status !== 'completed').length;
  return { tasks, unmetOf, bytes };
}
