import type { AssignedTask } from '../types.ts';
import type { Report } from './outbox.ts';

/** What the kernel sends on `WS /ws/worker`; a frame holds one of these or an array of them. */
export type KernelMessage =
  | { type: 'assign'; task: AssignedTask }
  | { type: 'cancel'; task_id: string; reason?: string }
  | { type: 'ack'; ref: string; task_id: string | null }
  | { type: 'error'; ref: string | null; task_id?: string | null; code: string; detail: string }
  | { type: 'drain' };

export interface Progress {
  readonly taskId: string;
  readonly leaseToken: number;
  readonly fraction: number;
  readonly message?: string | undefined;
}

/** A report as JSON. The result is JSON text already. */
export function reportMessage({ ref, taskId, leaseToken, outcome }: Report): string {
  const head = `{"type":"${outcome.type}","ref":"${ref}","task_id":${JSON.stringify(taskId)},"lease_token":${leaseToken}`;
  if (outcome.type === 'complete') return `${head},"result":${outcome.result}}`;
  if (outcome.type === 'release') return `${head}}`;
  const { error, errorTrace, retryable } = outcome;
  return `${head},${JSON.stringify({ error, error_trace: errorTrace, retryable }).slice(1)}`;
}

export function progressMessage(ref: string, { taskId, leaseToken, fraction, message }: Progress): string {
  return JSON.stringify({ type: 'progress', ref, task_id: taskId, lease_token: leaseToken, fraction, message });
}

/** Packs messages into frames: arrays of at most about `maxBytes`, single messages as they are. */
export function* pack(messages: readonly string[], maxBytes: number): Generator<string> {
  let frame: string[] = [];
  let bytes = 0;
  for (const message of messages) {
    if (frame.length > 0 && bytes + message.length > maxBytes) {
      yield join(frame);
      frame = [];
      bytes = 0;
    }
    frame.push(message);
    bytes += message.length + 1;
  }
  if (frame.length > 0) yield join(frame);
}

function join(messages: readonly string[]): string {
  return messages.length === 1 ? (messages[0] as string) : `[${messages.join(',')}]`;
}
