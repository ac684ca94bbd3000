import type { Answer, Assignment, Claim } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import type { Worker } from '../core/worker.ts';
import type { Looked } from './allocation.ts';
import type { PassedOver } from './change.ts';
import { ClosedLanes } from './closed-lanes.ts';
import type { WorkerLink } from './links.ts';
import type { Notice } from './notices.ts';
import type { Slice } from './slice.ts';

/** A link that waits for tasks. */
export interface Waiting {
  readonly link: WorkerLink;
  /** Its record as of when it began to wait: only what never changes of it is used. */
  readonly worker: Worker;
  /** How many more it will take. */
  readonly credit: number;
  /** Since when it has been given nothing (steady); null: since now. */
  readonly since: number | null;
}

interface Line extends Waiting {
  credit: number;
  since: number | null;
  /** How much of its credit the batches under way have used: not certain until they are committed. */
  pledged: number;
  /** Its place in the line: the lower, the longer it has waited. */
  place: number;
}

/**
 * Knows who waits for work: links (sockets, held claims) with credit, those first who have waited longest. At the end of
 * every batch it names those to whom the batch may matter. They are served in the same batch: a task that is submitted while
 * a worker waits is assigned in the commit that stores it.
 */
export class Dispatcher {
  readonly #waiting = new Map<WorkerLink, Line>();
  #lastPlace = 0;
  readonly #byWorker = new Map<string, Set<WorkerLink>>();
  /** Something changed on their side since they last went away empty: they deserve a look at the whole queue. */
  readonly #fresh = new Set<Line>();
  /** They get that look in the batch under way, which saw the queue after the change. */
  readonly #due = new Set<Line>();
  /** The colony's limit was reached while somebody waited: when it has room again, all deserve a look. */
  #heldBack = false;
  /** The same of lanes that a bound keeps closed, or in which what was decided came to nothing. */
  readonly #closed = new ClosedLanes();
  /** There may be something in one of them by now. */
  #mustLook = false;
  /** In how many milliseconds there will be something for somebody, as of the last batch, though nothing ends; null: never. */
  opensInMs: number | null = null;

  attach(link: WorkerLink, worker: Worker): void {
    const line = { link, worker, credit: 0, pledged: 0, since: null, place: ++this.#lastPlace };
    this.#waiting.set(link, line);
    this.#fresh.add(line);
    const links = this.#byWorker.get(link.workerId);
    if (links) links.add(link);
    else this.#byWorker.set(link.workerId, new Set([link]));
  }

  detach(link: WorkerLink): void {
    const line = this.#waiting.get(link);
    if (!line) return;
    this.#waiting.delete(link);
    this.#fresh.delete(line);
    this.#due.delete(line);
    const links = this.#byWorker.get(link.workerId);
    if (links?.delete(link) && links.size === 0) this.#byWorker.delete(link.workerId);
  }

  isAttached(link: WorkerLink): boolean {
    return this.#waiting.has(link);
  }

  /** How long a worker has been waiting here for work, in milliseconds; null: it does not. */
  waitedMs(workerId: string, steady: number): number | null {
    let waited: number | null = null;
    for (const link of this.#byWorker.get(workerId) ?? []) {
      const { credit, since } = this.#waiting.get(link)!;
      if (credit > 0) waited = Math.max(waited ?? 0, steady - (since ?? steady));
    }
    return waited;
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
    const line = this.#waiting.get(link);
    if (!line) return;
    if (line.credit <= 0 && slots > 0) {
      line.since = null;
      this.#toTheEnd(line);
    }
    line.credit = slots;
    line.pledged = 0;
    this.#fresh.add(line);
  }

  /** Something changed elsewhere that may concern this worker, or without one anybody: they deserve a look. */
  refresh(workerId?: string): void {
    const links = workerId === undefined ? this.#waiting.keys() : (this.#byWorker.get(workerId) ?? []);
    for (const link of links) this.#fresh.add(this.#waiting.get(link)!);
  }

  /** Whether somebody could be served even if nothing else happens. */
  get hasFresh(): boolean {
    if (this.#mustLook) return true;
    for (const { credit } of this.#fresh) if (credit > 0) return true;
    return false;
  }

  /** A batch begins, and will see the queue as it is from now on: what became fresh before is its business. */
  begin(steady: number): void {
    this.#mustLook = false;
    for (const line of this.#fresh) {
      if (line.credit > 0) line.since ??= steady;
      this.#due.add(line);
    }
    this.#fresh.clear();
  }

  /** Those who take more, the longest wait first. */
  *waiting(): Generator<Waiting, void> {
    for (const line of this.#waiting.values()) if (line.credit > 0) yield line;
  }

  /** Those of them who may find something anywhere in the queue, because something has changed on their side. */
  looking(slice: Slice): Waiting[] {
    if (this.#heldBack && slice.room > 0) {
      this.#heldBack = false;
      this.#due.clear();
      return [...this.waiting()];
    }
    const lines = new Set<Line>(this.#due);
    this.#due.clear();
    for (const workerId of slice.stirredWorkers) {
      for (const link of this.#byWorker.get(workerId) ?? []) lines.add(this.#waiting.get(link)!);
    }
    return [...lines].filter(({ credit }) => credit > 0).sort((a, b) => a.place - b.place);
  }

  /** Lanes that were closed, and in which something may start by now. */
  reopened(slice: Slice): Iterable<string> {
    return this.#closed.reopened(slice).keys();
  }

  get hasClosed(): boolean {
    return this.#closed.size > 0;
  }

  /** A batch is decided. What it had to leave to others, and what bounds keep back, somebody has to think of again. */
  end(slice: Slice, { heldBack, passedOver }: { heldBack: boolean; passedOver: PassedOver | null }): void {
    this.#heldBack ||= heldBack;
    for (const [lane, requirements] of passedOver?.lanes ?? []) this.#closed.add(lane, requirements);
    this.#closed.letGo((lane) => slice.queue.mayHold(lane));
    this.opensInMs = this.#closed.opensInMs(slice);
  }

  get isHeldBack(): boolean {
    return this.#heldBack;
  }

  /** There may be more for these than could be seen this time. */
  lookAgain(those: Iterable<Waiting>): void {
    for (const { link } of those) {
      const line = this.#waiting.get(link);
      if (line) this.#fresh.add(line);
    }
  }

  /** What was decided has not come to be, or not all of it: what was nobody's may be somebody's. */
  lookAnew({ looking, lanes }: Looked): void {
    this.lookAgain(looking);
    for (const { key, requirements } of lanes) this.#closed.add(key, requirements);
    this.#mustLook ||= lanes.length > 0;
  }

  /** Nobody can say what there is, and to ask again at once would not help: all look when there is another reason to. */
  lookLater(): void {
    this.#heldBack = true;
  }

  /** Takes note of what a claim on behalf of a link came to. Who was served goes to the end of the line. */
  served(slice: Slice, link: WorkerLink, assignments: readonly Assignment[]): void {
    const line = this.#waiting.get(link);
    if (!line || assignments.length === 0) return;
    const pledged = link.takesOnce ? line.credit : assignments.length;
    line.credit -= pledged;
    line.pledged += pledged;
    line.since = slice.now.steady;
    this.#toTheEnd(line);
  }

  #toTheEnd(line: Line): void {
    line.place = ++this.#lastPlace;
    this.#waiting.delete(line.link);
    this.#waiting.set(line.link, line);
  }

  /** What was claimed for it is committed; or it is not, and the link waits as before, for another try. */
  settled(link: WorkerLink, answer: Answer<Claim> | null, committed: boolean): void {
    const line = this.#waiting.get(link);
    if (!line) return;
    const assigned = answer === null || answer instanceof Refusal ? 0 : answer.assignments.length;
    const pledged = link.takesOnce && assigned > 0 ? line.pledged : Math.min(line.pledged, assigned);
    line.pledged -= pledged;
    if (committed) return;
    line.credit += pledged;
    this.#fresh.add(line);
  }
}
