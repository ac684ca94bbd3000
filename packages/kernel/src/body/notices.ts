import type { LedgerEntry } from '../core/event.ts';

/** Something a worker's links should hear of, wherever it was decided. */
export type Notice =
  | { readonly kind: 'revoked'; readonly workerId: string; readonly taskId: string; readonly reason: string }
  | { readonly kind: 'draining'; readonly workerId: string }
  | { readonly kind: 'removed'; readonly workerId: string };

/** What an entry of the ledger means for the links of the worker it names. The ledger tells all, so this does, too. */
export function noticesOf({ type, data, taskId, workerId }: LedgerEntry): readonly Notice[] {
  if (workerId === null) return NONE;
  const revoked = (reason: string): Notice[] => [{ kind: 'revoked', workerId, taskId: taskId!, reason }];
  switch (type) {
    case 'task_cancelled':
      return revoked('cancelled');
    case 'task_requeued':
      return revoked(textIn(data, 'reason'));
    case 'task_timeout':
      return revoked('timeout');
    case 'task_retry_scheduled':
      return textIn(data, 'reason') === 'timeout' ? revoked('timeout') : NONE;
    case 'task_failed':
      return textIn(data, 'error') === 'lease_losses_exceeded' ? revoked('lease_expired') : NONE;
    case 'worker_draining':
      return [{ kind: 'draining', workerId }];
    case 'worker_unregistered':
      return textIn(data, 'reason') === 'drained'
        ? [
            { kind: 'draining', workerId },
            { kind: 'removed', workerId },
          ]
        : [{ kind: 'removed', workerId }];
    default:
      return NONE;
  }
}

const NONE: readonly Notice[] = [];

function textIn(data: string, member: string): string {
  return String((JSON.parse(data) as Record<string, unknown>)[member]);
}
