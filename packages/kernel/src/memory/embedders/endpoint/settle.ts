import type { Verdict } from '../verdict.ts';
import { RequestRefused } from './request.ts';

/** How the endpoint is asked; see `attempts.ts`. */
export interface Asking {
  /** @param isSearch whether a failure is to be taken for a refusal */
  ask(texts: readonly string[], isSearch: boolean): Promise<Verdict[]>;
  /** Throws when the endpoint has no vector even for a harmless text. */
  prove(): Promise<void>;
}

/**
 * What becomes of the texts of a batch. Where the endpoint refuses the batch, halves of it are asked for, and halves of
 * those that are refused, until the texts that it does not want stand alone and all others have their vectors.
 *
 * That a text never will have one is said only of an endpoint that has vectors for others: it may refuse everything, for
 * want of the right model or key, and that passes. And only after it has been asked for once more where the endpoint did
 * not refuse but fail.
 */
export async function settle(texts: readonly string[], asking: Asking): Promise<Verdict[]> {
  let isProven = false;

  async function part(some: readonly string[], isSearch: boolean): Promise<Verdict[]> {
    const verdicts = await answered(some, isSearch);
    if (!(verdicts instanceof RequestRefused)) {
      if (verdicts.some((verdict) => typeof verdict !== 'string')) isProven = true;
      else await proven();
      return verdicts;
    }
    await proven();
    const { message, isDoubtful } = verdicts;
    if (some.length > 1) return halves(some, isDoubtful);
    return isDoubtful && !isSearch ? part(some, true) : [`the endpoint ${message}`];
  }

  async function answered(some: readonly string[], isSearch: boolean): Promise<Verdict[] | RequestRefused> {
    try {
      return await asking.ask(some, isSearch);
    } catch (fault) {
      if (fault instanceof RequestRefused) return fault;
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
