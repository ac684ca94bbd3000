import { BatchRefused } from '../settle.ts';
import type { Verdict } from '../verdict.ts';
import { BadAnswer, beginning, longestAnswer, readAnswer } from './answer.ts';
import { discreet } from './discreet.ts';
import { type Answered, Failed, type PostOptions, post } from './post.ts';
import { retryAfterMs } from './retry-after.ts';

export interface RequestOptions extends Omit<PostOptions, 'maxAnswerBytes'> {
  readonly model: string;
  /** The length that vectors have, as soon as that is known. */
  readonly dimension: { length: number | null };
}

/** By these, endpoints refuse texts: too long, too many, not allowed. */
const REFUSING = [400, 413, 422];
/** With these it is worth trying again, as with every fault of a server. */
const PASSING = [408, 409, 425, 429];
/** Some servers fail on texts that are too long for them, instead of refusing them. */
const MAY_BE_TEXT = 500;

/** What the operator may want to look at, by status. */
const HINTS: Readonly<Record<number, string>> = {
  401: '; is COLONY_EMBEDDINGS_API_KEY right?',
  403: '; is COLONY_EMBEDDINGS_API_KEY right?',
  404: '; are COLONY_EMBEDDINGS_URL and COLONY_EMBEDDINGS_MODEL right?',
  405: '; is COLONY_EMBEDDINGS_URL right?',
};

/** Asks for the vectors of texts, once. Throws `BatchRefused`, `Failed` and the signal's reason. */
export async function request(
  options: RequestOptions,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<Verdict[]> {
  const { model, dimension } = options;
  const maxAnswerBytes = longestAnswer(texts.length, dimension.length);
  const answer = await post({ ...options, maxAnswerBytes }, JSON.stringify({ model, input: texts }), signal);
  if (answer.status !== 200) throw unwelcome(answer, options);
  try {
    const verdicts = readAnswer(answer.body, texts.length, (body) => shown(body, options));
    const length = verdicts.find((verdict) => typeof verdict !== 'string')?.length ?? null;
    if (dimension.length !== null && length !== null && length !== dimension.length) {
      throw new BadAnswer(`has vectors of length ${length}, and until now they had ${dimension.length}`);
    }
    dimension.length ??= length;
    return verdicts;
  } catch (fault) {
    if (!(fault instanceof BadAnswer)) throw fault;
    throw new Failed(`cannot be understood: its answer ${fault.message}`, { isPassing: true });
  }
}

function unwelcome({ status, body, retryAfter }: Answered, options: RequestOptions): Failed | BatchRefused {
  const said = reasonIn(body) ?? body;
  const message = `answered ${status}${said.trim() === '' ? '' : ` ${shown(said, options)}`}`;
  if (REFUSING.includes(status)) return new BatchRefused(`the endpoint ${message}`, false);
  return new Failed(`${message}${HINTS[status] ?? ''}`, {
    isPassing: status >= 500 || PASSING.includes(status),
    waitMs: retryAfterMs(retryAfter, options.clock.now().wall),
    mayBeText: status === MAY_BE_TEXT,
  });
}

/** `{"error": {"message": "…"}}` or `{"error": "…"}`; null where it is neither. */
function reasonIn(body: string): string | null {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    const message = typeof error === 'string' ? error : (error as { message?: unknown } | undefined)?.message;
    return typeof message === 'string' ? message : null;
  } catch {
    return null;
  }
}

function shown(said: string, options: RequestOptions): string {
  return beginning(discreet(said, options));
}
