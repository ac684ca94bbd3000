import type { Basis, Committed, Store, Unit } from '../core/store.ts';
import { Scribe } from './scribe.ts';

/** A scribe that commits only as long as nobody else does. */
export class Hermit extends Scribe {
  #mark: string;

  /** Begins with how things stand now. */
  static async begin(store: Store): Promise<Hermit> {
    return new Hermit(store, (await store.survey()).mark!);
  }

  private constructor(store: Store, mark: string) {
    super(store);
    this.#mark = mark;
  }

  /** What the next commit rests on: the one before it, whether that has been answered or not. */
  basis(): Basis {
    const basis = { mark: this.#mark, exclusive: true, next: this.store.fellows!.newMark() };
    this.#mark = basis.next;
    return basis;
  }

  override async commit(...units: Unit[]): Promise<Committed> {
    const committed = await this.store.commit(units, this.at, { basis: this.basis() });
    if (!committed.undisturbed) throw new Error('somebody else has committed');
    return committed;
  }
}
