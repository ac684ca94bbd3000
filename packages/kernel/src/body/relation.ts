import { Bug } from '../core/errors.ts';

/** Who hangs on whom: what the store knew, and what this batch added. */
export class Relation {
  readonly #loaded = new Map<string, readonly string[]>();
  readonly #added = new Map<string, string[]>();
  readonly #closed = new Set<string>();
  /** Who hangs on nobody any more. */
  readonly #removed = new Set<string>();

  has(id: string): boolean {
    return this.#loaded.has(id);
  }

  /** Whether everything below `id` is known, down to the last. */
  hasAll(id: string): boolean {
    return this.#closed.has(id);
  }

  closed(id: string): void {
    this.#closed.add(id);
  }

  forget(id: string): void {
    this.#loaded.delete(id);
    this.#closed.delete(id);
  }

  clear(): void {
    this.#loaded.clear();
    this.#added.clear();
    this.#closed.clear();
    this.#removed.clear();
  }

  /** What an earlier batch has added is in the store by now. */
  load(id: string, others: readonly string[]): void {
    if (this.#loaded.has(id)) return;
    this.#loaded.set(id, others);
    const added = this.#added.get(id)?.filter((other) => !others.includes(other));
    if (added) this.#added.set(id, added);
  }

  /** Who was found here to hang on it, besides what was loaded. */
  addedTo(id: string): readonly string[] {
    return this.#added.get(id) ?? [];
  }

  add(id: string, other: string): void {
    const others = this.#added.get(id);
    if (others) others.push(other);
    else this.#added.set(id, [other]);
  }

  remove(id: string): void {
    this.#removed.add(id);
  }

  loadedCount(id: string): number {
    return known(this.#loaded, id, 'relatives of task').length;
  }

  of(id: string): readonly string[] {
    const loaded = known(this.#loaded, id, 'relatives of task');
    const added = this.#added.get(id);
    const all = added ? [...loaded, ...added] : loaded;
    return this.#removed.size === 0 ? all : all.filter((other) => !this.#removed.has(other));
  }
}

/** Asking for what was never loaded is a bug. */
export function known<T>(map: ReadonlyMap<string, T>, key: string, what: string): T {
  const value = map.get(key);
  if (value === undefined) throw new Bug(`${what} ${key} was asked for and never loaded`);
  return value;
}
