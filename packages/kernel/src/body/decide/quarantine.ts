import { timestamp } from '../../core/clock.ts';
import type { ReleaseWorker, Replies, TryWorker } from '../../core/command.ts';
import type { Document } from '../../core/document.ts';
import type { Refusal } from '../../core/errors.ts';
import type { Quarantine, Worker } from '../../core/worker.ts';
import { coolDownMs, drifts, failureRate, mayDrift, recentRate, withOutcome } from '../../guardian/quarantine.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { noSuchWorker } from './missing.ts';

/** Workers that fail far more than the colony does are given nothing for a while, then one task on trial. */

/** What is needed to judge a worker by how its attempt ended: nearly always nothing. */
export function needsJudging(slice: Slice, wanted: Wanted, workerId: string): void {
  const worker = wanted.worker(workerId) && slice.worker(workerId);
  if (worker && (worker.quarantine || mayDrift(worker))) wanted.document(nameFor(workerId));
}

export function needs(command: TryWorker | ReleaseWorker, wanted: Wanted): void {
  if (wanted.worker(command.workerId)) wanted.document(nameFor(command.workerId));
}

/** An attempt has ended: what that says of its worker. */
export function judge(change: Change, worker: Worker, failed: boolean): Pick<Worker, 'recent' | 'quarantine'> {
  const { slice } = change;
  const recent = withOutcome(worker.recent, failed);
  const { quarantine } = worker;
  if (quarantine?.onTrial) {
    if (failed) return { recent, quarantine: keepOut(change, worker, recent, quarantine.times, 'trial_failed') };
    forget(change, worker.id);
    // What it failed at before is forgiven.
    return { recent: '', quarantine: null };
  }
  if (quarantine || !drifts(recent, slice.attempts, slice.rules.guardian.driftThreshold)) return { recent, quarantine };
  return { recent, quarantine: keepOut(change, worker, recent, 0, 'drift') };
}

function keepOut(change: Change, { id }: Worker, recent: string, times: number, reason: string): Quarantine {
  const { now, attempts } = change.slice;
  const until = now.wall + coolDownMs(times);
  const document = change.document(nameFor(id));
  if (document) change.updateDocument(document, { dueAt: until });
  else {
    const fixed = { collection: 'quarantine', id, version: 1, state: '', createdAt: now.wall } as const;
    change.createDocument({ ...fixed, dueAt: until, endedAt: null, body: {} });
  }
  change.event('worker_quarantined', 'neurasphere', {
    colony_failure_rate: thousandths(failureRate(attempts)),
    failure_rate: thousandths(recentRate(recent)),
    reason,
    until: timestamp(until),
    worker_id: id,
  });
  return { until, onTrial: false, times: times + 1 };
}

function thousandths(share: number): number {
  return Math.round(share * 1000) / 1000;
}

export function tryAgain(slice: Slice, command: TryWorker): Decision<Replies['try_worker']> | Refusal {
  const worker = slice.worker(command.workerId);
  const change = new Change(slice, command.actor);
  if (!worker) {
    // It has left: there is nobody to try.
    forget(change, command.workerId);
    return change.puts.length > 0 ? { change, reply: { worker: null } } : noSuchWorker(command.workerId);
  }
  const { quarantine } = worker;
  if (!quarantine || quarantine.onTrial || quarantine.until > slice.now.wall)
    return { change: null, reply: { worker } };
  const document = change.document(nameFor(worker.id));
  if (document) change.updateDocument(document, { dueAt: null });
  const next = change.updateWorker(worker, { quarantine: { ...quarantine, onTrial: true } });
  change.event('worker_released', 'neurasphere', { reason: 'on_trial', worker_id: worker.id });
  return { change, reply: { worker: next } };
}

export function release(slice: Slice, command: ReleaseWorker): Decision<Replies['release_worker']> | Refusal {
  const worker = slice.worker(command.workerId);
  if (!worker) return noSuchWorker(command.workerId);
  if (!worker.quarantine) return { change: null, reply: { worker } };
  const change = new Change(slice, command.actor);
  forget(change, worker.id);
  const next = change.updateWorker(worker, { quarantine: null, recent: '' });
  change.event('worker_released', 'neurasphere', { reason: 'by_hand', worker_id: worker.id });
  return { change, reply: { worker: next } };
}

/** There is nothing to wait for any more. */
function forget(change: Change, workerId: string): void {
  const document: Document | null = change.document(nameFor(workerId));
  if (document) change.removeDocument(document);
}

function nameFor(workerId: string): string {
  return `quarantine ${workerId}`;
}
