import type { Task } from '../core/task.ts';
import { isTerminal } from '../core/task.ts';
import { known } from './relation.ts';

/** Which tasks of plans have not ended: what the store knew, and what this batch has put. For one batch only. */
export class Unfinished {
  readonly #loaded = new Map<string, readonly string[]>();
  /** Tasks that this batch has made, or has let run again. */
  readonly #here = new Map<string, Set<string>>();

  has(plan: string): boolean {
    return this.#loaded.has(plan);
  }

  load(plan: string, tasks: readonly Task[]): void {
    const ids = tasks.map(({ id }) => id);
    if (!this.#loaded.has(plan)) this.#loaded.set(plan, ids);
  }

  follow(task: Task): void {
    if (task.plan === null || isTerminal(task)) return;
    const here = this.#here.get(task.plan);
    if (here) here.add(task.id);
    else this.#here.set(task.plan, new Set([task.id]));
  }

  /** Oldest first. @param current what became of each in this batch */
  of(plan: string, current: (id: string) => Task): Task[] {
    const ids = new Set([...known(this.#loaded, plan, 'tasks of plan'), ...(this.#here.get(plan) ?? [])]);
    return stillToDo(Array.from(ids, current));
  }

  clear(): void {
    this.#loaded.clear();
    this.#here.clear();
  }
}

export function stillToDo(tasks: readonly Task[]): Task[] {
  return tasks.filter((task) => !isTerminal(task)).sort((a, b) => a.seq - b.seq);
}
