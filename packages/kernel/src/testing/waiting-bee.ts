import { onTestFinished } from 'vitest';
import type { WorkerLink } from '../body/links.ts';
import type { Assignment, Command } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { newTask, Pipeline } from './pipeline.ts';

export async function begin(maxConcurrentTasks = 0): Promise<Pipeline> {
  const pipeline = await Pipeline.open({ maxConcurrentTasks });
  onTestFinished(() => pipeline.store.close());
  return pipeline;
}

export interface Bee {
  readonly link: WorkerLink;
  /** What it was given, in order. */
  readonly given: () => string[];
  readonly assignments: () => Assignment[];
}

/** A registered worker with an open link and this much credit. */
export async function bee(
  pipeline: Pipeline,
  id: string,
  credit: number,
  can: string | readonly string[] = 'dig',
  slots = 100,
  attributes: JsonObject = {},
): Promise<Bee> {
  await pipeline.run({
    ...{ kind: 'register', actor: 'ann', id, name: id, attributes },
    capabilities: [can].flat().map((name) => ({ name })),
    maxConcurrentTasks: slots,
  });
  const link: WorkerLink = {
    workerId: id,
    isSignOfLife: true,
    assign: () => undefined,
    cancel: () => undefined,
    removed: () => undefined,
    drain: () => undefined,
  };
  pipeline.dispatcher.attach(link, (await pipeline.store.worker(id))!);
  pipeline.dispatcher.credit(link, credit);
  const assignments = () =>
    pipeline.happened
      .flatMap(({ served }) => served)
      .filter((one) => one.link === link)
      .flatMap(({ answer }) => (answer instanceof Refusal ? [] : answer.assignments));
  return { link, assignments, given: () => assignments().map(({ task }) => task.id) };
}

export function submit(...ids: string[]): Command {
  return {
    kind: 'submit',
    actor: 'ann',
    tasks: ids.map((id) => newTask(id, { requirements: { capability: 'dig' } }, 0)),
  };
}

export function complete({ task, token }: Assignment): Command {
  return { kind: 'complete', actor: 'bee', taskId: task.id, leaseToken: token, result: 'null' };
}
