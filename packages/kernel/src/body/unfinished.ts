import { MOST_UNFINISHED, type Outsiders } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import { isTerminal } from '../core/task.ts';
import { known } from './relation.ts';

/**
 * Which tasks of plans have not ended, the oldest of them: what the store knew, and what this batch has put. And who depends on
 * them without being of their plan, by the store. For one batch only.
 */
export class Unfinished {
  readonly #loaded = new Map<string, readonly string[]>();
  readonly #outsiders = new Map<string, { readonly ids: readonly string[]; readonly count: number }>();
  /** Tasks that this batch has made, or has let run again. */
  readonly #here = new Map<string, Set<string>>();

  has(plan: string): boolean {
    return this.#loaded.has(plan);
  }

  load(plan: string, tasks: readonly Task[]): void {
    const ids = tasks.map(({ id }) => id);
    if (!this.#loaded.has(plan)) this.#loaded.set(plan, ids);
  }

  hasOutsiders(id: string): boolean {
    return this.#outsiders.has(id);
  }

  loadOutsiders(id: string, { tasks, count }: Outsiders): void {
    if (!this.#outsiders.has(id)) this.#outsiders.set(id, { ids: tasks.map((task) => task.id), count });
  }

  /** Who depends on a task, and how many do with those of its plan. */
  outsidersOf(id: string): { readonly ids: readonly string[]; readonly count: number } {
    return known(this.#outsiders, id, 'outsiders that depend on task');
  }

  follow(task: Task): void {
    if (task.plan === null || isTerminal(task)) return;
    const here = this.#here.get(task.plan);
    if (here) here.add(task.id);
    else this.#here.set(task.plan, new Set([task.id]));
  }

  /** Oldest first, no more than are called off at once. @param current what became of each in this batch */
  of(plan: string, current: (id: string) => Task): Task[] {
    const ids = new Set([...known(this.#loaded, plan, 'tasks of plan'), ...(this.#here.get(plan) ?? [])]);
    return stillToDo(Array.from(ids, current)).slice(0, MOST_UNFINISHED);
  }

  clear(): void {
    this.#loaded.clear();
    this.#outsiders.clear();
    this.#here.clear();
  }
}

export function stillToDo(tasks: readonly Task[]): Task[] {
  return tasks.filter((task) => !isTerminal(task)).sort((a, b) => a.seq - b.seq);
}
