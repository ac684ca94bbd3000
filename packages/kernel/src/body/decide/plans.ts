import type { CancelPlan, Replies, SubmitPlan } from '../../core/command.ts';
import { type FieldError, Refusal } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import {
  NONE_ENDED,
  type Plan,
  planDocument,
  planFrom,
  planName,
  planTasksDocument,
  planTasksFrom,
  planTasksName,
} from '../../core/plan.ts';
import type { Put } from '../../core/store.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { countAgainstLimits, needsJudging, readPolicy } from './judging.ts';
import { noSuchPlan } from './missing.ts';
import { callOffRest, followPlans } from './plan-progress.ts';
import { admit, checkParent, keyConflict, validRecord } from './submit.ts';

/** Plans: handed in as a whole, and called off as one. What happens in between is in `plan-progress.ts`. */

export function needsSubmit(slice: Slice, command: SubmitPlan, wanted: Wanted): void {
  if (command.idempotency && wanted.idempotency(command.idempotency.key)) {
    const record = validRecord(slice, command.idempotency);
    if (record) {
      for (const id of record.taskIds) {
        wanted.document(planName(id));
        wanted.document(planTasksName(id));
      }
      return;
    }
  }
  needsJudging(slice, wanted, command.tasks);
  wanted.sequences(command.tasks.length);
  if (command.parentId !== null) wanted.task(command.parentId);
  for (const { spec } of command.tasks) if (spec.parent_id !== null) wanted.task(spec.parent_id);
}

/** All its tasks are let in, each as it would be alone; or none is. */
export function submit(slice: Slice, command: SubmitPlan): Decision<Replies['submit_plan']> | Refusal {
  const record = command.idempotency && validRecord(slice, command.idempotency);
  if (record) return replay(slice, command, record.taskIds[0]!, record.bodyHash);
  const errors = checkParents(slice, command);
  if (errors.length > 0) return new Refusal('validation_failed', errors[0]!.message, { errors });
  const change = new Change(slice, command.actor);
  const policy = readPolicy(change);
  const refusal = countAgainstLimits(change, policy, command.tasks);
  if (refusal) return refusal;
  const tasks = Object.fromEntries(command.tasks.map(({ key, id }) => [key, id]));
  begin(change, command, tasks);
  // Whatever a task depends on is let in before it.
  for (const place of command.order) {
    admit(change, policy, command.tasks[place]!, slice.sequences.at(place), command.id);
  }
  putByAge(change.puts);
  if (command.idempotency) {
    change.remember({ ...command.idempotency, taskIds: [command.id], at: slice.now.wall });
  }
  followPlans(change);
  const plan = planFrom(change.document(planName(command.id))!);
  return { change, reply: { plan, tasks, replayed: false } };
}

/** As they will be found: by age, which is as the plan has them, and not in the order in which they were let in. */
function putByAge(puts: Put[]): void {
  const places = puts.flatMap(({ kind }, place) => (kind === 'task' ? place : []));
  const made = places.map((place) => puts[place]!).sort((a, b) => ageOf(a) - ageOf(b));
  for (const [at, place] of places.entries()) puts[place] = made[at]!;
}

function ageOf(put: Put): number {
  return put.kind === 'task' ? put.next!.seq : 0;
}

function checkParents(slice: Slice, { tasks, parentId }: SubmitPlan): FieldError[] {
  const own = tasks.filter(({ spec }) => spec.parent_id !== parentId);
  const all = parentId === null ? own : [{ spec: { parent_id: parentId }, path: '' }, ...own];
  return all.flatMap(({ spec, path }) => checkParent(slice, spec.parent_id, path));
}

function begin(change: Change, command: SubmitPlan, tasks: Record<string, string>): void {
  const { id, goal, onFailure, createdBy, parentId } = command;
  const createdAt = change.slice.now.wall;
  const plan: Plan = {
    ...{ id, goal, status: 'running', onFailure, createdBy, parentId, total: command.tasks.length },
    ...{ counts: NONE_ENDED, failure: null, createdAt, endedAt: null },
  };
  change.createDocument(planDocument(plan, 1));
  change.createDocument(planTasksDocument(id, tasks, createdAt));
  const data: JsonObject = {
    created_by: createdBy,
    goal: brief(goal),
    on_failure: onFailure,
    ...(parentId === null ? {} : { parent_id: parentId }),
    plan_id: id,
    tasks: plan.total,
  };
  change.event('plan_created', 'neurosphere', data);
}

/** The ledger keeps enough of it to recognise it, cut between characters; the plan keeps all of it. */
function brief(goal: string): string {
  return (goal.length <= MOST_GOAL ? goal : `${goal.slice(0, MOST_GOAL)}…`).toWellFormed();
}

const MOST_GOAL = 500;

function replay(
  slice: Slice,
  { idempotency }: SubmitPlan,
  id: string,
  bodyHash: string,
): Decision<Replies['submit_plan']> | Refusal {
  if (bodyHash !== idempotency!.bodyHash) return keyConflict();
  const [document, tasks] = [slice.document(planName(id)), slice.document(planTasksName(id))];
  if (!document || !tasks) return keyConflict(`plan ${id}`);
  return { change: null, reply: { plan: planFrom(document), tasks: planTasksFrom(tasks), replayed: true } };
}

export function needsCancel(slice: Slice, command: CancelPlan, wanted: Wanted): void {
  const name = planName(command.planId);
  if (!wanted.document(name)) return;
  const document = slice.document(name);
  if (document && isLeft(planFrom(document), command)) wanted.fallOfPlan(command.planId);
}

/**
 * What is left of it is called off, some hundreds of tasks at once: whoever asks for it goes on as long as the plan is `ending`,
 * or the sweeper does. Of one that has ended nothing is left.
 */
export function cancel(slice: Slice, command: CancelPlan): Decision<Replies['cancel_plan']> | Refusal {
  const name = planName(command.planId);
  const document = slice.document(name);
  if (!document) return noSuchPlan(command.planId);
  const plan = planFrom(document);
  if (!isLeft(plan, command)) return { change: null, reply: { plan } };
  const { reason, actor } = plan.ending ?? { reason: 'plan_cancelled', actor: command.actor };
  const change = new Change(slice, actor, plan.ending !== undefined);
  callOffRest(change, plan.id, reason);
  followPlans(change, { id: plan.id, pauseMs: command.goesOn === 'due' ? 0 : LONGEST_PAUSE_MS });
  return { change, reply: { plan: planFrom(change.document(name)!) } };
}

/** Whoever asked for it is given up after that. */
const LONGEST_PAUSE_MS = 1000;

/** Whether there is something to call off. */
function isLeft({ status, ending }: Plan, { goesOn }: CancelPlan): boolean {
  return status === 'running' && (goesOn === undefined || ending !== undefined);
}
