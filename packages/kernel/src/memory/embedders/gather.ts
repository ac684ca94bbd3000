import { EmbeddingUnavailable } from '../../core/embedder.ts';
import type { Verdict } from './verdict.ts';

export interface GatherOptions {
  readonly maxTexts: number;
  readonly maxCharacters: number;
  /** How many batches are under way at once. */
  readonly maxAtOnce: number;
  /** How many texts may wait, and of how many characters. Beyond that, whoever comes is told to come later. */
  readonly maxWaiting: number;
  readonly maxWaitingCharacters: number;
  /** Answers one verdict for each text. Must come to an end. */
  readonly send: (texts: readonly string[], signal: AbortSignal) => Promise<readonly Verdict[]>;
}

/** Somebody who waits for the verdicts on some texts. */
interface Caller {
  readonly verdicts: Verdict[];
  missing: number;
  isGone: boolean;
  readonly resolve: (verdicts: Verdict[]) => void;
  readonly reject: (reason: unknown) => void;
}

interface Waiting {
  readonly caller: Caller;
  readonly index: number;
  readonly text: string;
}

interface Batch {
  readonly texts: readonly Waiting[];
  readonly abort: AbortController;
}

const COME_BACK_MS = 1000;

/**
 * Lets many callers share few requests: what waits when a request may be made goes into it, in the order in which it
 * came, up to the bounds. A text that is longer than a batch may be goes alone. Nobody waits for others to come: the
 * first batch is sent as soon as those who ask at this very moment have done so.
 */
export class Gatherer {
  readonly #options: GatherOptions;
  #waiting: Waiting[] = [];
  /** How many those have that wait. */
  #characters = 0;
  readonly #underWay = new Set<Batch>();
  #isScheduled = false;
  #isClosed = false;

  constructor(options: GatherOptions) {
    this.#options = options;
  }

  /** Throws what `send` throws for any of the texts, and the signal's reason. */
  verdicts(texts: readonly string[], signal: AbortSignal | undefined): Promise<Verdict[]> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#isClosed) return reject(closed());
      if (this.#waiting.length > 0 && this.#isTooMuch(texts)) {
        return reject(new EmbeddingUnavailable('too many texts wait to be embedded', COME_BACK_MS));
      }
      const aborted = () => this.#leave(caller, signal?.reason);
      const settled = () => signal?.removeEventListener('abort', aborted);
      const caller: Caller = {
        verdicts: [],
        missing: texts.length,
        isGone: false,
        resolve: (verdicts) => {
          settled();
          resolve(verdicts);
        },
        reject: (reason) => {
          settled();
          reject(reason);
        },
      };
      signal?.addEventListener('abort', aborted, { once: true });
      for (const [index, text] of texts.entries()) this.#waiting.push({ caller, index, text });
      this.#characters += charactersOf(texts);
      this.#schedule();
    });
  }

  /** Whoever waits is told that there is nothing to come. */
  close(): void {
    this.#isClosed = true;
    const callers = [...this.#waiting, ...[...this.#underWay].flatMap(({ texts }) => texts)].map(
      ({ caller }) => caller,
    );
    for (const caller of new Set(callers)) this.#leave(caller, closed());
  }

  #isTooMuch(texts: readonly string[]): boolean {
    const { maxWaiting, maxWaitingCharacters } = this.#options;
    return (
      this.#waiting.length + texts.length > maxWaiting || this.#characters + charactersOf(texts) > maxWaitingCharacters
    );
  }

  #leave(caller: Caller, reason: unknown): void {
    if (caller.isGone) return;
    caller.isGone = true;
    this.#wait(this.#waiting.filter((one) => one.caller !== caller));
    // A request that nobody waits for any more need not go on.
    for (const { texts, abort } of this.#underWay) if (texts.every((one) => one.caller.isGone)) abort.abort(reason);
    caller.reject(reason);
  }

  /** These are left. */
  #wait(left: Waiting[]): void {
    if (left.length === this.#waiting.length) return;
    this.#waiting = left;
    this.#characters = charactersOf(left.map(({ text }) => text));
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      while (this.#waiting.length > 0 && this.#underWay.size < this.#options.maxAtOnce) void this.#run(this.#take());
    });
  }

  #take(): Batch {
    let characters = 0;
    let count = 0;
    for (const { text } of this.#waiting) {
      characters += text.length;
      if (count > 0 && (count === this.#options.maxTexts || characters > this.#options.maxCharacters)) break;
      count += 1;
    }
    const batch = { texts: this.#waiting.slice(0, count), abort: new AbortController() };
    this.#wait(this.#waiting.slice(count));
    this.#underWay.add(batch);
    return batch;
  }

  async #run(batch: Batch): Promise<void> {
    const { texts, abort } = batch;
    try {
      const verdicts = await this.#options.send(
        texts.map(({ text }) => text),
        abort.signal,
      );
      for (const [at, one] of texts.entries()) deliver(one, verdicts[at]!);
    } catch (fault) {
      for (const { caller } of texts) this.#leave(caller, fault);
    } finally {
      this.#underWay.delete(batch);
      this.#schedule();
    }
  }
}

function deliver({ caller, index }: Waiting, verdict: Verdict): void {
  if (caller.isGone) return;
  caller.verdicts[index] = verdict;
  caller.missing -= 1;
  if (caller.missing > 0) return;
  caller.isGone = true;
  caller.resolve(caller.verdicts);
}

function charactersOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}

function closed(): EmbeddingUnavailable {
  return new EmbeddingUnavailable('the embedder is closed', 0);
}
