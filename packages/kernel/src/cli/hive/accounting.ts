import type { Task } from '@colonyos/client';
import { isTerminal } from '@colonyos/client';
import type { LedgerCheck } from './ledger-check.ts';

/** Something that the kernel had promised and did not keep. */
export interface Loss {
  /** Null when it is about the ledger as a whole. */
  readonly taskId: string | null;
  readonly reason: string;
}

export interface Books {
  /** What the kernel has acknowledged. */
  readonly acknowledged: Iterable<string>;
  /** What it says of those tasks in the end; a missing one was not found. */
  readonly tasks: ReadonlyMap<string, Pick<Task, 'status' | 'error'>>;
  /** Tasks that the run itself has cancelled. */
  readonly cancelled: ReadonlySet<string>;
  readonly ledger: Pick<LedgerCheck, 'valid' | 'firstInvalidId' | 'stream' | 'submitted' | 'ended'>;
}

/** Everything that was lost. A task that failed and says why is no loss; one of which nobody knows why is. */
export function account({ acknowledged, tasks, cancelled, ledger }: Books): Loss[] {
  const losses: Loss[] = [];
  for (const taskId of acknowledged) {
    const reason =
      whatIsWrong(tasks.get(taskId), cancelled.has(taskId)) ??
      whatIsMissing(ledger.submitted.get(taskId) ?? 0, ledger.ended.get(taskId) ?? 0);
    if (reason !== undefined) losses.push({ taskId, reason });
  }
  return [...losses, ...ledgerLosses(ledger).map((reason) => ({ taskId: null, reason }))];
}

export function exitCodeOf(losses: readonly Loss[]): 0 | 1 {
  return losses.length === 0 ? 0 : 1;
}

function whatIsWrong(task: Pick<Task, 'status' | 'error'> | undefined, wanted: boolean): string | undefined {
  if (!task) return 'acknowledged, and not found in the end';
  if (!isTerminal(task)) return `still ${task.status} in the end`;
  const explained = task.status === 'completed' || (task.error ?? '') !== '' || (task.status === 'cancelled' && wanted);
  return explained ? undefined : `${task.status} without a reason`;
}

function whatIsMissing(submitted: number, ended: number): string | undefined {
  if (submitted !== 1) return `${submitted} task_submitted entries in the ledger`;
  if (ended !== 1) return `${ended} entries in the ledger that end it`;
  return undefined;
}

function ledgerLosses({ valid, firstInvalidId, stream }: Books['ledger']): string[] {
  const losses: string[] = [];
  if (!valid) losses.push(`the ledger is not valid from entry ${firstInvalidId} on`);
  if (stream.gaps > 0) losses.push(`${stream.gaps} gaps or repeats in the event stream`);
  if (stream.firstDifference !== null) {
    losses.push(`the event stream and the ledger differ from entry ${stream.firstDifference} on`);
  }
  return losses;
}
