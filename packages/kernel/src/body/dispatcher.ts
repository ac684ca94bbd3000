import type { Answer, Assignment, Claim } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import type { Worker } from '../core/worker.ts';
import { mayTakeFrom } from '../mind/matching.ts';
import type { PassedOver } from './change.ts';
import { ClosedLanes, type Lanes } from './closed-lanes.ts';
import type { WorkerLink } from './links.ts';
import type { Notice } from './notices.ts';
import type { Slice } from './slice.ts';

interface Waiting {
  readonly link: WorkerLink;
  readonly worker: Worker;
  credit: number;
  /** How much of its credit the batches under way have used: not certain until they are committed. */
  pledged: number;
  /** Something changed on this side since it last went away empty: it deserves a look at the whole queue. */
  fresh: boolean;
  /** It gets that look in the batch under way, which saw the queue after the change. */
  due: boolean;
}

/**
 * Knows who waits for work: links (sockets, held claims) with credit. At the end of every batch it proposes claims
 * for those to whom the batch may matter, which are decided in the same batch: a task that is submitted while a
 * worker waits is assigned in the commit that stores it.
 */
export class Dispatcher {
  readonly #waiting = new Map<WorkerLink, Waiting>();
  readonly #byWorker = new Map<string, Set<WorkerLink>>();
  /** The colony's limit was reached while somebody waited: when it has room again, all deserve a look. */
  #heldBack = false;
  /** The same of lanes that a bound keeps closed. */
  readonly #closed = new ClosedLanes();
  /** In how many milliseconds there will be something for somebody, as of the last batch, though nothing ends; null: never. */
  opensInMs: number | null = null;

  /** @param worker its record as of now: only what never changes of it is used */
  attach(link: WorkerLink, worker: Worker): void {
    this.#waiting.set(link, { link, worker, credit: 0, pledged: 0, fresh: true, due: false });
    const links = this.#byWorker.get(link.workerId);
    if (links) links.add(link);
    else this.#byWorker.set(link.workerId, new Set([link]));
  }

  detach(link: WorkerLink): void {
    this.#waiting.delete(link);
    const links = this.#byWorker.get(link.workerId);
    if (links?.delete(link) && links.size === 0) this.#byWorker.delete(link.workerId);
  }

  isAttached(link: WorkerLink): boolean {
    return this.#waiting.has(link);
  }

  /** Lets a worker's links know. */
  tell(notice: Notice): void {
    for (const link of [...(this.#byWorker.get(notice.workerId) ?? [])]) {
      if (notice.kind === 'revoked') link.cancel(notice.taskId, notice.reason);
      else if (notice.kind === 'draining') link.drain();
      else link.removed();
    }
  }

  /** Every worker that is surely there at the moment. */
  *present(): Iterable<string> {
    for (const [workerId, links] of this.#byWorker) {
      for (const { isSignOfLife } of links) {
        if (!isSignOfLife) continue;
        yield workerId;
        break;
      }
    }
  }

  credit(link: WorkerLink, slots: number): void {
    const waiting = this.#waiting.get(link);
    if (!waiting) return;
    waiting.credit = slots;
    waiting.pledged = 0;
    waiting.fresh = true;
  }

  /** Something changed elsewhere that may concern this worker, or without one anybody: they deserve a look. */
  refresh(workerId?: string): void {
    const links = workerId === undefined ? this.#waiting.keys() : (this.#byWorker.get(workerId) ?? []);
    for (const link of links) this.#waiting.get(link)!.fresh = true;
  }

  /** Whether somebody could be served even if nothing else happens. */
  get hasFresh(): boolean {
    for (const { fresh, credit } of this.#waiting.values()) if (fresh && credit > 0) return true;
    return false;
  }

  /** A batch begins, and will see the queue as it is from now on: what became fresh before is its business. */
  begin(): void {
    for (const waiting of this.#waiting.values()) {
      waiting.due ||= waiting.fresh;
      waiting.fresh = false;
    }
  }

  /** The claims worth trying now, those who waited longest first. */
  *proposals(slice: Slice): Iterable<{ readonly link: WorkerLink; readonly claim: Claim }> {
    const roomAgain = this.#heldBack && slice.room > 0;
    if (roomAgain) this.#heldBack = false;
    const reopened = this.#closed.reopened(slice);
    for (const waiting of [...this.#waiting.values()]) {
      const { link, credit } = waiting;
      if (credit <= 0) continue;
      if (!waiting.due && !roomAgain && !this.#concerns(slice, waiting.worker, reopened)) continue;
      waiting.due = false;
      yield { link, claim: { kind: 'claim', actor: `worker:${link.workerId}`, workerId: link.workerId, max: credit } };
    }
    this.opensInMs = this.#closed.opensInMs(slice);
  }

  /** Takes note of what a proposed claim came to. Who was served goes to the end of the line. */
  served(slice: Slice, link: WorkerLink, assignments: readonly Assignment[]): void {
    if (slice.room <= 0) this.#heldBack = true;
    const waiting = this.#waiting.get(link);
    if (!waiting || assignments.length === 0) return;
    const pledged = link.takesOnce ? waiting.credit : assignments.length;
    waiting.credit -= pledged;
    waiting.pledged += pledged;
    this.#waiting.delete(link);
    this.#waiting.set(link, waiting);
  }

  /** What was proposed is committed; or it is not, and the link waits as before, for another try. */
  settled(link: WorkerLink, answer: Answer<Claim> | null, committed: boolean): void {
    const waiting = this.#waiting.get(link);
    if (!waiting) return;
    const assigned = answer === null || answer instanceof Refusal ? 0 : answer.assignments.length;
    const pledged = link.takesOnce && assigned > 0 ? waiting.pledged : Math.min(waiting.pledged, assigned);
    waiting.pledged -= pledged;
    if (committed) return;
    waiting.credit += pledged;
    waiting.fresh = true;
  }

  /** Whether this batch may have brought the worker something: a free slot, or a task in one of its lanes. */
  #concerns(slice: Slice, worker: Worker, reopened: Lanes): boolean {
    if (slice.stirredWorkers.has(worker.id)) return true;
    return this.#mayFind(slice, worker, slice.stirred) || this.#mayFind(slice, worker, reopened);
  }

  #mayFind(slice: Slice, worker: Worker, lanes: Lanes): boolean {
    for (const [lane, requirements] of lanes) {
      if (!mayTakeFrom(worker, lane, requirements)) continue;
      if (slice.headroom.in(lane, requirements) > 0) return true;
      // Others have used up what room there was.
      this.#closed.add(lane, requirements);
    }
    return false;
  }

  /** There is something for somebody, but for a bound: when that has room again, they deserve a look. */
  passedOver({ lanes }: PassedOver): void {
    for (const [lane, requirements] of lanes) this.#closed.add(lane, requirements);
  }
}
