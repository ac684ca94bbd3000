/** A text for whose verdict somebody waits. */
export interface Waiting<C> {
  readonly caller: C;
  /** Which of the caller's texts it is. */
  readonly index: number;
  readonly text: string;
}

/** Texts that wait, in the order in which they came. Whoever goes leaves nothing behind, at the cost of its own texts only. */
export class Lane<C> {
  readonly #texts = new Set<Waiting<C>>();
  #characters = 0;

  get size(): number {
    return this.#texts.size;
  }

  get characters(): number {
    return this.#characters;
  }

  add(one: Waiting<C>): void {
    this.#texts.add(one);
    this.#characters += one.text.length;
  }

  remove(one: Waiting<C>): void {
    if (this.#texts.delete(one)) this.#characters -= one.text.length;
  }

  /** The first so many, of so many characters; a longer one alone. */
  take(maxTexts: number, maxCharacters: number): Waiting<C>[] {
    const taken: Waiting<C>[] = [];
    let characters = 0;
    for (const one of this.#texts) {
      characters += one.text.length;
      if (taken.length > 0 && (taken.length === maxTexts || characters > maxCharacters)) break;
      taken.push(one);
    }
    for (const one of taken) this.remove(one);
    return taken;
  }

  callers(): C[] {
    return [...this.#texts].map(({ caller }) => caller);
  }
}
