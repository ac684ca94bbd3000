import type { ColonyClient } from '../client.ts';
import type { Attempt } from './attempts.ts';
import type { TaskHandler } from './options.ts';
import type { Outcome } from './outbox.ts';

/** Runs the handler for one attempt. Never rejects; undefined when the task was taken away meanwhile. */
export async function runHandler(
  handler: TaskHandler,
  { task, abort }: Attempt,
  client: ColonyClient,
  onProgress: (fraction: number, message?: string) => void,
): Promise<Outcome | undefined> {
  const { signal } = abort;
  const progress = (fraction: number, message?: string) => {
    if (!signal.aborted) onProgress(fraction, message);
  };
  try {
    const result = await handler(task, {
      ...{ signal, leaseToken: task.lease.token, client, memory: client.memory, progress },
    });
    if (signal.aborted) return undefined;
    return { type: 'complete', result: toJson(result) };
  } catch (error) {
    return signal.aborted ? undefined : failure(error);
  }
}

/** Nothing to say is `null`. What JSON cannot hold fails the attempt for good: it would be the same every time. */
function toJson(result: unknown): string {
  try {
    return JSON.stringify(result) ?? 'null';
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw Object.assign(new TypeError(`the result is not JSON: ${reason}`, { cause }), { retryable: false });
  }
}

/** Whatever is thrown, the report of it must get through: the kernel takes no body above 1 MiB. */
const LONGEST_ERROR = 32_000;
const LONGEST_TRACE = 64_000;

function failure(error: unknown): Outcome {
  const retryable = !(error !== null && typeof error === 'object' && 'retryable' in error && error.retryable === false);
  if (!(error instanceof Error)) return { type: 'fail', error: cut(String(error), LONGEST_ERROR), retryable };
  // An error without a message still has a name; an empty text would say nothing to anybody.
  const message = cut(error.message || error.name, LONGEST_ERROR);
  return { type: 'fail', error: message, errorTrace: error.stack && cut(error.stack, LONGEST_TRACE), retryable };
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length - longest} characters cut)`;
}
