import { MOST_DEPENDENTS, type Portion, type PortionNeed } from '../core/store.ts';
import type { Task } from '../core/task.ts';

/** Some of those that depend on a task, where there are too many to look at all of them at once. For one batch only. */
export class Portions {
  readonly #loaded = new Map<string, Portion & { readonly after: number }>();

  has(id: string, after: number): boolean {
    return this.#loaded.get(id)?.after === after;
  }

  load({ id, after }: PortionNeed, portion: Portion): void {
    if (!this.has(id, after)) this.#loaded.set(id, { ...portion, after });
  }

  /**
   * As they are by now. Who has come to depend on the task in this batch is not among them: that knows that it has completed, or
   * its turn comes.
   * @param current what became of each in this batch
   */
  of(id: string, current: (id: string) => Task): Portion {
    const { tasks, more, count } = this.#loaded.get(id)!;
    return { tasks: tasks.map((task) => current(task.id)), more, count };
  }

  clear(): void {
    this.#loaded.clear();
  }
}

/** Whether these are all that depend on the task, as nearly always. */
export function isAll({ after }: PortionNeed, { more }: Portion): boolean {
  return after === 0 && !more;
}

/** The first of those behind `after`, as many as are looked at once. @param all in any order */
export function portionOf(all: readonly Task[], after: number, count: number): Portion {
  if (all.length === 0) return { tasks: all, more: false, count };
  const behind = all.filter(({ seq }) => seq > after).sort((a, b) => a.seq - b.seq);
  return { tasks: behind.slice(0, MOST_DEPENDENTS), more: behind.length > MOST_DEPENDENTS, count };
}
