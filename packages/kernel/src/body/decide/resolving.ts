import { contentHash } from '../../core/chain.ts';
import type { Json } from '../../core/json.ts';
import type { Tombstone } from '../../core/store.ts';
import { Spec, type Task, type TaskSpec } from '../../core/task.ts';
import type { Policy } from '../../guardian/policy.ts';
import { type Piece, resolve } from '../../mind/plans-results.ts';
import { judge, type Verdict } from './judging.ts';

/**
 * How a task of a plan gets the results that its payload refers to. What it says then is something else than what was judged
 * when it was handed in, so it is judged once more.
 */

/** What a payload may be, with everything in it: no more than one that is handed in as it is. */
const BOUNDS = { maxBytes: 1024 * 1024, maxDepth: 31 };
/** So many bytes may go into tasks with one completion: as many as a plan may have. */
const MOST_AT_ONCE = 16 * 1024 * 1024;

/** What the task then says, and what the guardian says of that; or why there is no such thing, for people. */
export type Resolution = { readonly spec: Spec; readonly verdict: Verdict } | { readonly error: string };

/** By its id. */
export type TaskOf = (id: string) => Task | Tombstone | null;

/** Whether its payload refers to results. Only those of plans can; others are not looked into. */
export function refersToResults(task: Task): boolean {
  return task.plan !== null && task.spec.value.results_from !== undefined;
}

/** The tasks whose results it refers to. */
export function sourcesOf(task: Task): string[] {
  return Object.values(task.spec.value.results_from ?? {});
}

/** Those of the tasks that wait for nothing any more, and refer to results. @param unmetOf how many of its dependencies are left */
export function awaiting(dependents: readonly Task[], unmetOf: (task: Task) => number): Task[] {
  return dependents.filter((task) => isWaiting(task) && unmetOf(task) === 0 && refersToResults(task));
}

/** Whether it waits for what it depends on. */
export function isWaiting({ status, unmet }: Task): boolean {
  return status === 'pending' && unmet > 0;
}

/** How many bytes went into tasks so, or were to go. */
export function bytesOf(resolutions: ReadonlyMap<string, Resolution>): number {
  let bytes = 0;
  for (const resolution of resolutions.values()) {
    if ('spec' in resolution) bytes += resolution.spec.json.length;
    else if (resolution === TOO_MUCH) return MOST_AT_ONCE + 1;
  }
  return bytes;
}

/**
 * What becomes of these, in their order, now that all they depend on has completed.
 * @param before how many bytes the same completion has brought into tasks already
 */
export function resolutionsOf(
  tasks: readonly Task[],
  taskOf: TaskOf,
  policy: Policy,
  before = 0,
): ReadonlyMap<string, Resolution> {
  let bytes = before;
  const reading = new Reading();
  return new Map(
    tasks.map((task) => {
      // Once it is too much, nothing more is put together only to be thrown away.
      if (bytes > MOST_AT_ONCE) return [task.id, TOO_MUCH];
      const resolution = resolutionOf(task, taskOf, policy, reading);
      if ('spec' in resolution) bytes += resolution.spec.json.length;
      return [task.id, bytes > MOST_AT_ONCE ? TOO_MUCH : resolution];
    }),
  );
}

const TOO_MUCH: Resolution = {
  error: `result_too_large: more than ${MOST_AT_ONCE} bytes of results would go into tasks at once`,
};

interface Remembered {
  readonly results: readonly (string | null)[];
  readonly policy: Policy;
  readonly resolution: Resolution;
}

/** Results as they are read, and put into payloads: many tasks may refer to the same large ones, and that is what takes long. */
class Reading {
  /** By what refers to them. All tasks that are looked at together are of one plan, where a key means one task. */
  readonly pieces = new Map<string, Piece>();
  readonly #read = new Map<string, { readonly text: string; readonly value: Json }>();

  /** @param id of the task whose result it is */
  of(id: string, text: string): Json {
    const known = this.#read.get(id);
    if (known?.text === text) return known.value;
    const value = JSON.parse(text) as Json;
    this.#read.set(id, { text, value });
    return value;
  }
}

/** Asked for when it is found out what a decision needs, and again by the decision. */
const remembered = new WeakMap<Task, Remembered>();

export function resolutionOf(task: Task, taskOf: TaskOf, policy: Policy, reading = new Reading()): Resolution {
  const results = sourcesOf(task).map((id) => resultIn(taskOf(id)));
  const known = remembered.get(task);
  if (known?.policy === policy && known.results.every((result, at) => result === results[at])) return known.resolution;
  const resolution = resolved(task.spec.value, results, policy, reading);
  remembered.set(task, { results, policy, resolution });
  return resolution;
}

function resultIn(task: Task | Tombstone | null): string | null {
  return task && !('removed' in task) && task.status === 'completed' ? task.result : null;
}

function resolved(before: TaskSpec, results: readonly (string | null)[], policy: Policy, reading: Reading): Resolution {
  const { results_from: from = {}, ...rest } = before;
  const byKey = new Map(Object.entries(from).map(([key, id], at) => [key, { id, text: results[at] ?? null }]));
  const resultOf = (key: string) => {
    const source = byKey.get(key);
    return source && source.text !== null ? reading.of(source.id, source.text) : undefined;
  };
  const answer = resolve(before.payload, resultOf, BOUNDS, reading.pieces);
  if ('error' in answer) return answer;
  const spec = new Spec(specText(rest, answer.text), { ...rest, payload: answer.payload });
  const subject = { spec: spec.value, json: spec.json };
  return { spec, verdict: judge(policy, subject, contentHash(spec.json), {}) };
}

/** The specification's JSON text, its payload being written already. */
function specText(spec: TaskSpec, payload: string): string {
  const members = Object.entries(spec).map(
    ([name, value]) => `${JSON.stringify(name)}:${name === 'payload' ? payload : JSON.stringify(value)}`,
  );
  return `{${members.join(',')}}`;
}
