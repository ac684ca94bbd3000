/**
 * The port behind which texts become vectors, so that what means the same can be found though it is worded otherwise.
 * Vectors of different models say nothing about each other: whoever keeps them keeps `model` with them.
 */
export interface Embedder {
  /** Which model, such as `openai:text-embedding-3-small` or `ngrams:1`. Of equal names the vectors can be compared. */
  readonly model: string;

  /** How long its vectors are; null while that is not known, which is before the first answer of an endpoint. */
  readonly dimension: number | null;

  /**
   * Vectors of length 1, one for each text and in their order. Throws `EmbeddingRefused` when some of the texts have
   * none and never will, `EmbeddingUnavailable` when it should be tried again later, and the signal's reason when that
   * is aborted. It always comes to an end. A text without anything but white space is refused.
   *
   * @param isAwaited somebody waits for them: they go before those that are only filled in
   */
  embed(texts: readonly string[], signal?: AbortSignal, isAwaited?: boolean): Promise<readonly Float32Array[]>;

  /** Lets go of threads and connections. What is under way, and whatever is asked later, is unavailable. */
  close(): Promise<void>;
}

/** There are no vectors at the moment, through no fault of the texts. */
export class EmbeddingUnavailable extends Error {
  override readonly name = 'EmbeddingUnavailable';
  /** Before that it is no use to try again. */
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** A text that will never have a vector of this model, and why. */
export interface RefusedText {
  /** Which of the texts that were given. */
  readonly index: number;
  readonly reason: string;
}

/** Some of the texts cannot be embedded, however often it is tried. The others have been. */
export class EmbeddingRefused extends Error {
  override readonly name = 'EmbeddingRefused';
  /** At least one, in the order of the texts. */
  readonly refused: readonly RefusedText[];
  /** What the others got, in the order of the texts: null where a text was refused. */
  readonly vectors: readonly (Float32Array | null)[];

  constructor(refused: readonly RefusedText[], vectors: readonly (Float32Array | null)[]) {
    const [first] = refused;
    const more = refused.length > 1 ? `, and ${refused.length - 1} more` : '';
    super(`text ${first?.index} cannot be embedded: ${first?.reason}${more}`);
    this.refused = refused;
    this.vectors = vectors;
  }
}
