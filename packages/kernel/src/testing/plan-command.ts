import { sketchPlan } from '../body/plan-draft.ts';
import { contentHash } from '../core/chain.ts';
import type { PlannedTask, SubmitPlan } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { OnFailure } from '../core/plan.ts';
import { type TaskInput, toSpec } from '../core/task.ts';

/** A task of a plan as a submitter says it: `depends_on` are keys. */
export type PlanInput = Readonly<Record<string, Partial<TaskInput>>>;

export interface PlanOptions {
  readonly onFailure?: OnFailure;
  readonly parentId?: string;
  readonly actor?: string;
  /** What a task is to be called by its key; `<plan>.<key>` unless given. */
  readonly idOf?: (key: string) => string;
}

/** A plan to submit, as the API would prepare it. Throws the refusal of what is none. */
export function planCommand(id: string, input: PlanInput, now: number, options: PlanOptions = {}): SubmitPlan {
  const { onFailure = 'stop', parentId = null, actor = 'ann', idOf = (key) => `${id}.${key}` } = options;
  const members = Object.entries(input);
  const sketch = sketchPlan(
    members.map(([key, { depends_on = [], payload = null }]) => ({ key, dependsOn: depends_on, payload })),
  );
  if (sketch instanceof Refusal) throw sketch;
  const tasks = members.map(([key, member], place): PlannedTask => {
    const depends_on = sketch.dependsOn[place]!.map(idOf);
    const spec = toSpec({ description: key, parent_id: parentId, ...member, depends_on }, actor, now);
    const sources = sketch.sources[place]!;
    if (sources.length > 0) spec.results_from = Object.fromEntries(sources.map((one) => [one, idOf(one)]));
    const json = JSON.stringify(spec);
    const lane = canonicalJson(spec.requirements);
    return { id: idOf(key), key, spec, json, contentHash: contentHash(json), lane, path: `/tasks/${place}` };
  });
  const { order } = sketch;
  return { kind: 'submit_plan', actor, id, goal: `goal of ${id}`, onFailure, createdBy: actor, parentId, tasks, order };
}
