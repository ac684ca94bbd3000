import { type FieldError, Refusal } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { cycleText, orderOf } from '../mind/plans-graph.ts';
import { REFERENCE, referencesIn } from '../mind/plans-results.ts';

/** What a submitter says of a plan's tasks, before any of them has an id. */
export interface Draft {
  readonly key: string;
  /** Keys of tasks that must complete first. */
  readonly dependsOn: readonly string[];
  readonly payload: Json;
}

/** The same, found to be a plan. */
export interface Sketch {
  /** For each task the keys of those that must complete first, also of those whose results it refers to. */
  readonly dependsOn: readonly (readonly string[])[];
  /** For each task the keys of those whose results it refers to. */
  readonly sources: readonly (readonly string[])[];
  /** The tasks' places, such that none comes before what it depends on. */
  readonly order: readonly number[];
}

/** How many dependencies a plan may have in all. */
export const MOST_DEPENDENCIES = 50_000;
const MOST_ERRORS = 20;

/** Whether the tasks' keys, dependencies and references make a plan; a refusal says where they do not. */
export function sketchPlan(tasks: readonly Draft[]): Sketch | Refusal {
  const steps = sketching(tasks);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** The same a task at a time: payloads may be large, and there may be many. */
export function* sketching(tasks: readonly Draft[]): Generator<void, Sketch | Refusal> {
  const errors = duplicates(tasks);
  const known = new Set(tasks.map(({ key }) => key));
  const sources: string[][] = [];
  const dependsOn: string[][] = [];
  let count = 0;
  for (const [place, task] of tasks.entries()) {
    const at = `/tasks/${place}`;
    for (const [index, key] of task.dependsOn.entries()) {
      if (!known.has(key)) errors.push({ path: `${at}/depends_on/${index}`, message: unknown(key) });
    }
    const referred = keysIn(task, known, `${at}/payload`, errors);
    sources.push(referred);
    dependsOn.push([...new Set([...task.dependsOn, ...referred])]);
    count += dependsOn.at(-1)!.length;
    yield;
  }
  if (count > MOST_DEPENDENCIES) {
    const message = `must not have more than ${MOST_DEPENDENCIES} dependencies in all; these have ${count}`;
    errors.push({ path: '/tasks', message });
  }
  if (errors.length > 0) return refused(errors);
  const ordered = orderOf(tasks.map(({ key }, place) => ({ key, dependsOn: dependsOn[place]! })));
  return 'cycle' in ordered ? cyclic(tasks, ordered.cycle) : { dependsOn, sources, order: ordered.order };
}

function duplicates(tasks: readonly Draft[]): FieldError[] {
  const first = new Map<string, number>();
  return tasks.flatMap(({ key }, place) => {
    const before = first.get(key);
    if (before === undefined) first.set(key, place);
    return before === undefined ? [] : { path: `/tasks/${place}/key`, message: `is the key of /tasks/${before}, too` };
  });
}

/** The keys a task's payload refers to. */
function keysIn({ payload }: Draft, known: ReadonlySet<string>, path: string, errors: FieldError[]): string[] {
  const found = referencesIn(payload);
  if ('at' in found) {
    const message = `must be an object with the one member ${REFERENCE}, which is a text such as "key" or "key.member.0"`;
    errors.push({ path: `${path}${found.at}`, message });
    return [];
  }
  const keys = [...new Set(found.references.map(({ key }) => key))];
  for (const key of keys) if (!known.has(key)) errors.push({ path, message: unknown(key) });
  return keys;
}

function unknown(key: string): string {
  return `names ${JSON.stringify(key.slice(0, 100))}, which is the key of no task of this plan`;
}

function cyclic(tasks: readonly Draft[], cycle: readonly string[]): Refusal {
  const text = cycleText(cycle);
  const path = `/tasks/${tasks.findIndex(({ key }) => key === cycle[0])}/depends_on`;
  return new Refusal(
    'dependency_cycle',
    `These tasks wait for each other: ${text}. Take one of the dependencies out.`,
    {
      errors: [{ path, message: `is part of a cycle: ${text}` }],
    },
  );
}

function refused(errors: readonly FieldError[]): Refusal {
  const [{ path, message }] = errors as [FieldError];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new Refusal('validation_failed', `${path} ${message}${more}.`, { errors: errors.slice(0, MOST_ERRORS) });
}
