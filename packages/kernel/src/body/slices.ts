import type { Now } from '../core/clock.ts';
import type { Rules } from '../core/command.ts';
import type { Basis, Store } from '../core/store.ts';
import { Rotation } from '../mind/rotation.ts';
import { Slice } from './slice.ts';

/** After so many commits in a row between which no other kernel has committed, none is expected to. */
const QUIET = 8;

/**
 * Gives each batch the slice it is decided on. Where other kernels may write, that is loaded anew each time, and what it
 * holds is compared with what is stored when the commit is carried out. But as long as nobody else does write, the slice
 * is kept: the next batch goes on with it, without asking the store for what this kernel knows, and without waiting for
 * the commit before. Such a batch commits only if nobody else has; if somebody has, it is decided anew.
 */
export class Slices {
  readonly #store: Store;
  readonly #rules: Rules;
  readonly #rotation = new Rotation();
  #kept: Slice | null = null;
  #quiet = 0;

  constructor(store: Store, rules: Rules) {
    this.#store = store;
    this.#rules = rules;
  }

  /** Whether the next batch goes on where the last one ended. */
  get goesOn(): boolean {
    return this.#kept !== null;
  }

  /** The slice for a batch that begins now. */
  next(now: Now): Slice {
    if (!this.#kept) return new Slice(now, this.#rules, this.#rotation);
    this.#kept.renew(now);
    return this.#kept;
  }

  /** What the commit of the batch that was decided on this slice rests on. */
  basis(slice: Slice, changes: boolean): Basis | undefined {
    const { fellows } = this.#store;
    const { mark, isKept: exclusive } = slice;
    if (!fellows || mark === null) return undefined;
    const next = changes ? fellows.newMark() : mark;
    slice.mark = next;
    return { mark, exclusive, next };
  }

  /** What became of a commit: whether it is certain that nobody else has committed since its mark. */
  settled(slice: Slice, undisturbed: boolean): void {
    this.#quiet = undisturbed ? this.#quiet + 1 : 0;
    const { isLarge } = slice;
    if (slice.isKept) {
      if (!undisturbed || isLarge) this.forget(slice);
    } else if (this.#quiet >= QUIET && !isLarge) {
      slice.isKept = true;
      this.#kept = slice;
    }
  }

  /** What is known may not be so any more; be it of this slice, or of all. */
  forget(slice = this.#kept): void {
    if (this.#kept === slice) this.#kept = null;
  }

  /** Somebody else has committed. */
  disturbed(): void {
    this.#quiet = 0;
    this.forget();
  }
}
