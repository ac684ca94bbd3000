import { Newest } from './newest.ts';

const MOST = 1000;
const ASIDE_MS = 600_000;

/**
 * Which texts are left alone for a while, because it is them on which the model fails: asked for alone there was no vector for one,
 * and there was for a harmless one just before or after that. When the model fails on everything, that is not the fault of any.
 */
export class SetAside {
  /** Asked for alone there was no vector, and it is not known why. */
  readonly #suspects = new Newest<string, true>(MOST);
  /** Steady time. */
  readonly #until = new Newest<string, number>(MOST);

  suspect(id: string): void {
    this.#suspects.set(id, true);
  }

  isSuspect(id: string): boolean {
    return this.#suspects.get(id) !== undefined;
  }

  add(id: string, steady: number): void {
    this.#until.set(id, steady + ASIDE_MS);
  }

  has(id: string, steady: number): boolean {
    return (this.#until.get(id) ?? 0) > steady;
  }
}
