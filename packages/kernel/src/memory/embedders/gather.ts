import { EmbeddingUnavailable } from '../../core/embedder.ts';
import { Lane, type Waiting } from './lane.ts';
import type { Verdict } from './verdict.ts';

export interface GatherOptions {
  readonly maxTexts: number;
  readonly maxCharacters: number;
  /** How many batches are under way at once. */
  readonly maxAtOnce: number;
  /** And how many more, if that is what it takes for those that are awaited. */
  readonly spare: number;
  /** How many texts may wait, and of how many characters. Beyond that, whoever comes is told to come later. */
  readonly maxWaiting: number;
  readonly maxWaitingCharacters: number;
  /** Answers one verdict for each text. Must come to an end. */
  readonly send: (texts: readonly string[], signal: AbortSignal) => Promise<readonly Verdict[]>;
}

/** Somebody who waits for the verdicts on some texts. */
interface Caller {
  readonly verdicts: Verdict[];
  readonly texts: Waiting<Caller>[];
  missing: number;
  isGone: boolean;
  readonly resolve: (verdicts: Verdict[]) => void;
  readonly reject: (reason: unknown) => void;
}

interface Batch {
  readonly texts: readonly Waiting<Caller>[];
  readonly abort: AbortController;
}

const COME_BACK_MS = 1000;
/** After so many batches for those that are awaited the others have a turn, however many more there are. */
const MOST_IN_A_ROW = 8;

/**
 * Lets many callers share few requests: what waits when a request may be made goes into it, in the order in which it
 * came, up to the bounds. A text that is longer than a batch may be goes alone. Nobody waits for others to come: the
 * first batch is sent as soon as those who ask at this very moment have done so.
 *
 * Texts that somebody waits for (a search) go before those that are only filled in, and in batches of their own: what is
 * quick to answer alone would be slow in the company of many.
 */
export class Gatherer {
  readonly #options: GatherOptions;
  readonly #awaited = new Lane<Caller>();
  readonly #others = new Lane<Caller>();
  #inARow = 0;
  readonly #underWay = new Set<Batch>();
  #isScheduled = false;
  #isClosed = false;

  constructor(options: GatherOptions) {
    this.#options = options;
  }

  /** Throws what `send` throws for any of the texts, and the signal's reason. */
  verdicts(texts: readonly string[], signal?: AbortSignal, isAwaited = false): Promise<Verdict[]> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#isClosed) return reject(closed());
      const lane = isAwaited ? this.#awaited : this.#others;
      if (lane.size > 0 && this.#isTooMuch(lane, texts)) {
        return reject(new EmbeddingUnavailable('too many texts wait to be embedded', COME_BACK_MS));
      }
      const aborted = () => this.#leave(caller, signal?.reason);
      const settled = () => signal?.removeEventListener('abort', aborted);
      const caller: Caller = {
        verdicts: [],
        texts: [],
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
      for (const [index, text] of texts.entries()) caller.texts.push({ caller, index, text });
      for (const one of caller.texts) lane.add(one);
      this.#schedule();
    });
  }

  /** Whoever waits is told that there is nothing to come. */
  close(): void {
    this.#isClosed = true;
    const underWay = [...this.#underWay].flatMap(({ texts }) => texts.map(({ caller }) => caller));
    for (const caller of [...this.#awaited.callers(), ...this.#others.callers(), ...underWay]) {
      this.#leave(caller, closed());
    }
  }

  #isTooMuch(lane: Lane<Caller>, texts: readonly string[]): boolean {
    const { maxWaiting, maxWaitingCharacters } = this.#options;
    return lane.size + texts.length > maxWaiting || lane.characters + charactersOf(texts) > maxWaitingCharacters;
  }

  #leave(caller: Caller, reason: unknown): void {
    if (caller.isGone) return;
    caller.isGone = true;
    for (const lane of [this.#awaited, this.#others]) for (const one of caller.texts) lane.remove(one);
    // A request that nobody waits for any more need not go on.
    for (const { texts, abort } of this.#underWay) if (texts.every((one) => one.caller.isGone)) abort.abort(reason);
    caller.reject(reason);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      for (let lane = this.#next(); lane !== null; lane = this.#next()) void this.#run(this.#take(lane));
    });
  }

  /** From where the next batch is taken; null: it has to wait, or there is none. */
  #next(): Lane<Caller> | null {
    const { maxAtOnce, spare } = this.#options;
    const others = this.#others.size > 0 && this.#underWay.size < maxAtOnce ? this.#others : null;
    if (this.#awaited.size === 0 || this.#underWay.size >= maxAtOnce + spare) return others;
    return others !== null && this.#inARow >= MOST_IN_A_ROW ? others : this.#awaited;
  }

  #take(lane: Lane<Caller>): Batch {
    this.#inARow = lane === this.#awaited ? this.#inARow + 1 : 0;
    const { maxTexts, maxCharacters } = this.#options;
    const batch = { texts: lane.take(maxTexts, maxCharacters), abort: new AbortController() };
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

function deliver({ caller, index }: Waiting<Caller>, verdict: Verdict): void {
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
