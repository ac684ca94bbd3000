import { Newest } from './newest.ts';

const MOST = 1000;
/** So long at first, four times as long each further time. */
const ASIDE_MS = 15_000;
const MOST_ASIDE_MS = 600_000;

/**
 * Which texts are left alone for a while, because it is them on which the model fails: asked for alone there was no vector for one,
 * and there was for a harmless one just before or after that. When the model fails on everything, that is not the fault of any.
 */
export class SetAside {
  /** Asked for alone there was no vector, and it is not known why. */
  readonly #suspects = new Newest<string, true>(MOST);
  /** Until when (steady), and for how long that was. */
  readonly #aside = new Newest<string, { readonly until: number; readonly ms: number }>(MOST);

  suspect(id: string): void {
    this.#suspects.set(id, true);
  }

  isSuspect(id: string): boolean {
    return this.#suspects.get(id) !== undefined;
  }

  add(id: string, steady: number): void {
    const before = this.#aside.get(id);
    const ms = before ? Math.min(4 * before.ms, MOST_ASIDE_MS) : ASIDE_MS;
    this.#aside.set(id, { until: steady + ms, ms });
  }

  has(id: string, steady: number): boolean {
    return (this.#aside.get(id)?.until ?? 0) > steady;
  }
}
