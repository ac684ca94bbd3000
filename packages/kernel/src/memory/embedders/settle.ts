import type { Verdict } from './verdict.ts';

/** The model works, and does not want this: because of one of the texts, or of how many they are. */
export class BatchRefused extends Error {
  override readonly name = 'BatchRefused';
  /** It was said by a failure, which may have had another reason. */
  readonly isDoubtful: boolean;

  constructor(message: string, isDoubtful: boolean) {
    super(message);
    this.isDoubtful = isDoubtful;
  }
}

/** How vectors are asked for. */
export interface Asking {
  /** @param isSearch whether a failure is to be taken for a refusal */
  ask(texts: readonly string[], isSearch: boolean): Promise<Verdict[]>;
  /** Throws when there is no vector even for a harmless text. */
  prove(): Promise<void>;
}

/**
 * What becomes of the texts of a batch. Where the model refuses the batch, halves of it are asked for, and halves of
 * those that are refused, until the texts that it does not want stand alone and all others have their vectors.
 *
 * That a text never will have one is said only when there has been a vector for a harmless one after that: an endpoint may
 * refuse everything, for want of the right model or key, or begin to fail in the middle, and that passes. And only after it
 * has been asked for once more where it was not refused, but something failed.
 */
export async function settle(texts: readonly string[], asking: Asking): Promise<Verdict[]> {
  let isProven = false;

  async function part(some: readonly string[], isSearch: boolean): Promise<Verdict[]> {
    const verdicts = await answered(some, isSearch);
    if (!(verdicts instanceof BatchRefused)) {
      if (verdicts.some((verdict) => typeof verdict !== 'string')) isProven = true;
      else await asking.prove();
      return verdicts;
    }
    const { message, isDoubtful } = verdicts;
    if (some.length > 1) {
      await proven();
      return halves(some, isDoubtful);
    }
    if (isDoubtful && !isSearch) {
      await proven();
      return part(some, true);
    }
    // What was so before this says nothing: it is the last word about this text.
    await asking.prove();
    return [message];
  }

  async function answered(some: readonly string[], isSearch: boolean): Promise<Verdict[] | BatchRefused> {
    try {
      return await asking.ask(some, isSearch);
    } catch (fault) {
      if (fault instanceof BatchRefused) return fault;
      throw fault;
    }
  }

  async function halves(some: readonly string[], isSearch: boolean): Promise<Verdict[]> {
    const middle = some.length >> 1;
    const first = await part(some.slice(0, middle), isSearch);
    return [...first, ...(await part(some.slice(middle), isSearch))];
  }

  async function proven(): Promise<void> {
    if (!isProven) await asking.prove();
    isProven = true;
  }

  return part(texts, false);
}
