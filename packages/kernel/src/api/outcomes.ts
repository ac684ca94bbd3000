import type { Complete, Fail, Release, ReportProgress } from '../core/command.ts';

/** The commands that a lease holder sends, over HTTP or a socket; both arrive checked for shape. */

interface WithToken {
  readonly lease_token: number;
}

export function completeCommand(actor: string, taskId: string, body: WithToken & { result?: unknown }): Complete {
  const result = body.result === undefined ? 'null' : JSON.stringify(body.result);
  return { kind: 'complete', actor, taskId, leaseToken: body.lease_token, result };
}

export function failCommand(
  actor: string,
  taskId: string,
  body: WithToken & { error: string; error_trace?: string | null; retryable?: boolean },
): Fail {
  return {
    kind: 'fail',
    actor,
    taskId,
    leaseToken: body.lease_token,
    error: storable(body.error),
    errorTrace: body.error_trace == null ? null : storable(body.error_trace),
    retryable: body.retryable ?? true,
    random: Math.random(),
  };
}

export function progressCommand(
  actor: string,
  taskId: string,
  body: WithToken & { fraction?: number | null; message?: string | null },
): ReportProgress {
  const message = body.message == null ? null : storable(body.message);
  return { kind: 'progress', actor, taskId, leaseToken: body.lease_token, fraction: body.fraction ?? null, message };
}

export function releaseCommand(actor: string, taskId: string, body: WithToken): Release {
  return { kind: 'release', actor, taskId, leaseToken: body.lease_token };
}

/**
 * These texts are kept as they are, not as JSON: without NULs and broken surrogate pairs, which would not come back
 * the same. A failure must not be lost because its message was odd.
 */
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}
