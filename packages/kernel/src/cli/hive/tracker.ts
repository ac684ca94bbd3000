import type { ColonyEvent, Task } from '@colonyos/client';
import { ENDED, follow, newTrail, type Stage, type Trail } from './trail.ts';

/**
 * Follows the tasks of a run by the event stream alone. Tasks of others pass by as well: only what was adopted, that
 * is, what a submit was answered with, counts.
 */
export class Tracker {
  readonly #trails = new Map<string, Trail>();
  readonly #adopted = new Map<string, Trail>();
  readonly #counts = new Map<Stage, number>();
  events = 0;
  /** When anything last happened to a task of ours, on this machine's steady clock. */
  lastChange = performance.now();

  /** An event, whoever it is about. */
  hear(event: ColonyEvent): void {
    this.events++;
    const id = event.data.task_id;
    if (typeof id !== 'string') return;
    const trail = this.#trail(id);
    const before = trail.stage;
    follow(trail, event);
    if (trail.path === undefined) return;
    this.lastChange = performance.now();
    this.#move(before, trail.stage);
  }

  /** The task is ours: the kernel has acknowledged it. */
  adopt({ id }: Pick<Task, 'id'>, path: string, submitMs: number): void {
    const trail = this.#trail(id);
    if (trail.path !== undefined) return;
    trail.path = path;
    trail.submitMs = submitMs;
    this.#adopted.set(id, trail);
    this.#counts.set(trail.stage, this.count(trail.stage) + 1);
    this.lastChange = performance.now();
  }

  /** The tasks of the run, in the order in which they were acknowledged. */
  get tasks(): ReadonlyMap<string, Trail> {
    return this.#adopted;
  }

  count(...stages: readonly Stage[]): number {
    return stages.reduce((sum, stage) => sum + (this.#counts.get(stage) ?? 0), 0);
  }

  /** How many have not ended, as far as is known here. */
  get open(): number {
    return this.#adopted.size - this.count(...ENDED);
  }

  #trail(id: string): Trail {
    const known = this.#trails.get(id);
    if (known) return known;
    const trail = newTrail();
    this.#trails.set(id, trail);
    return trail;
  }

  #move(from: Stage, to: Stage): void {
    if (from === to) return;
    this.#counts.set(from, this.count(from) - 1);
    this.#counts.set(to, this.count(to) + 1);
  }
}
