import { scopeOf } from '../core/memory.ts';

/** Ids of entries that wait, scope by scope: those of one that is being filled do not keep the others waiting. */
export class WaitingEntries {
  /** Whose turn was last is last. */
  readonly #byScope = new Map<string, Set<string>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(id: string): boolean {
    return this.#byScope.get(scopeOf(id))?.has(id) ?? false;
  }

  countOf(scope: string): number {
    return this.#byScope.get(scope)?.size ?? 0;
  }

  add(id: string): void {
    const scope = scopeOf(id);
    const ids = this.#byScope.get(scope) ?? new Set();
    if (ids.has(id)) return;
    this.#byScope.set(scope, ids.add(id));
    this.#size++;
  }

  /** So many, of each scope about the same number, those first that came first. */
  take(most: number): string[] {
    const taken: string[] = [];
    const share = Math.ceil(most / Math.max(1, this.#byScope.size));
    for (const [scope, ids] of this.#byScope) {
      const some = [...ids].slice(0, Math.min(share, most - taken.length));
      for (const id of some) ids.delete(id);
      taken.push(...some);
      // What has more gets in line again, behind the others, and has another turn if there is room.
      this.#byScope.delete(scope);
      if (ids.size > 0) this.#byScope.set(scope, ids);
      if (taken.length === most) break;
    }
    this.#size -= taken.length;
    return taken;
  }
}
