import type { Saving } from '../core/saved.ts';
import type { Basis, CommitLimits, Committed, Store, Unit } from '../core/store.ts';
import { Scribe } from './scribe.ts';

/** A scribe that commits only as long as nobody else does. */
export class Hermit extends Scribe {
  #mark: string;
  #saving: Saving;

  /** Begins with how things stand now. */
  static async begin(store: Store): Promise<Hermit> {
    const { mark, saving } = await store.survey();
    return new Hermit(store, mark!, saving);
  }

  private constructor(store: Store, mark: string, saving: Saving) {
    super(store);
    this.#mark = mark;
    this.#saving = saving;
  }

  /** What the next commit rests on: the one before it, whether that has been answered or not. */
  basis(): Basis {
    const basis = { mark: this.#mark, exclusive: true, next: this.store.fellows!.newMark() };
    this.#mark = basis.next;
    return basis;
  }

  /** The same for how the store saves: as the one before has left it. */
  #limits(units: readonly Unit[]): CommitLimits {
    const limits = { basis: this.basis(), saving: this.#saving };
    for (const put of units.flatMap(({ puts }) => puts)) if (put.kind === 'saving') this.#saving = put.next;
    return limits;
  }

  override async commit(...units: Unit[]): Promise<Committed> {
    const committed = await this.store.commit(units, this.at, this.#limits(units));
    if (!committed.undisturbed) throw new Error('somebody else has committed');
    return committed;
  }
}
