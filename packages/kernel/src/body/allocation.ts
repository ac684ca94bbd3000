import type { Chosen, Claim } from '../core/command.ts';
import { freeSlots } from '../core/worker.ts';
import { decisionText } from '../mind/decision.ts';
import { eligibility, type LaneFacts, laneCountFor } from '../mind/eligibility.ts';
import { best, score } from '../mind/scoring.ts';
import type { PassedOver } from './change.ts';
import { hasStaleBucket, mayBeLimited } from './decide/limiting.ts';
import { needs as needsPolicy } from './decide/policy.ts';
import type { Dispatcher, Waiting } from './dispatcher.ts';
import { FairOrder } from './fair-order.ts';
import { Front, isOverAll, type Next, type Short, wantAll, wantLane } from './front.ts';
import type { WorkerLink } from './links.ts';
import type { Slice } from './slice.ts';

/** So many are weighed against each other for one task; of more, those who have waited longest. */
export const MOST_CONTENDERS = 64;

/** What was looked at: should it turn out not to have been so, it is looked at anew. */
export interface Looked {
  /** Everywhere, on behalf of these. */
  readonly looking: readonly Waiting[];
  /** Here, on behalf of everybody. */
  readonly lanes: readonly LaneFacts[];
}

/** What comes of it: claims, in the order in which they are to be decided. */
export interface Allocated {
  readonly claims: readonly { readonly link: WorkerLink; readonly claim: Claim }[];
  /** The colony's limit keeps a task from somebody who waits. */
  readonly heldBack: boolean;
  /** Other bounds do. */
  readonly passedOver: PassedOver | null;
  readonly looked: Looked;
}

/** So many tasks of a lane are asked for when many are gone along; of those that give away more, more. */
const A_FEW = 16;

/** A lane in which there may be something for somebody who waits, and for whom. */
interface Offer {
  readonly lane: LaneFacts;
  /** The longest wait first. */
  readonly contenders: Waiting[];
  /** There are others behind them. */
  readonly isCut: boolean;
}

/**
 * Gives the tasks of the queue to those who wait, at the end of a batch: task by task in the order of the queue, each to the
 * best of those who could take it now. Only where the batch may have changed something it looks at all: in the lanes that
 * got tasks, or opened, on behalf of everybody; and in all lanes, on behalf of those who have just become free or come to wait.
 */
export class Allocation {
  readonly #slice: Slice;
  readonly #dispatcher: Dispatcher;
  /** Those who look everywhere. */
  readonly #looking: readonly Waiting[];
  /** Once there is room again, all of them will look everywhere. */
  readonly #isPointless: boolean;
  /** What is offered to whom is found out. */
  #isReady = false;
  /** They could look at so many lanes that all are gone along instead. */
  #isOverAll = false;
  readonly #offers = new Map<string, Offer>();
  readonly #changed: LaneFacts[] = [];

  constructor(slice: Slice, dispatcher: Dispatcher) {
    this.#slice = slice;
    this.#dispatcher = dispatcher;
    this.#isPointless = slice.room <= 0 && dispatcher.isHeldBack;
    this.#looking = this.#isPointless ? [] : dispatcher.looking(slice);
  }

  get looked(): Looked {
    return { looking: this.#looking, lanes: this.#changed };
  }

  /** Bounds say how the queue is gone along, so they are known first. Answers whether they are. */
  #prepare(): boolean {
    const { wanted, queue } = this.#slice;
    const mayMatter = this.#looking.length > 0 || queue.stirred.size > 0 || this.#dispatcher.hasClosed;
    if (this.#isPointless || !mayMatter || this.#dispatcher.waiting().next().done) return false;
    if (mayBeLimited(this.#slice) && !needsPolicy(wanted)) return false;
    this.#isReady = true;
    const lanes = this.#looking.reduce((sum, one) => sum + laneCountFor(one.worker, queue), 0);
    this.#isOverAll = isOverAll(this.#slice, lanes);
    this.#findOffers();
    return true;
  }

  #findOffers(): void {
    const { queue } = this.#slice;
    const changed = new Map([...queue.stirred]);
    for (const key of this.#dispatcher.reopened(this.#slice)) {
      // Whatever was kept back there may be gone.
      if (queue.hasLane(key)) changed.set(key, Number.POSITIVE_INFINITY);
    }
    for (const [key, tasks] of changed) {
      if (!queue.mayHold(key)) continue;
      const offer = this.#offer(queue.facts(key), tasks);
      if (offer.contenders.length === 0) continue;
      this.#offers.set(key, offer);
      this.#changed.push(offer.lane);
    }
    if (this.#isOverAll) return;
    for (const waiting of this.#looking) {
      for (const lane of queue.lanesFor(waiting.worker)) {
        if (changed.has(lane.key)) continue;
        const offer = this.#offers.get(lane.key);
        if (offer) offer.contenders.push(waiting);
        else this.#offers.set(lane.key, { lane, contenders: [waiting], isCut: false });
      }
    }
  }

  /** @param tasks so many came, and more there may be for those who look everywhere */
  #offer(lane: LaneFacts, tasks: number): Offer {
    const contenders: Waiting[] = [];
    let credit = 0;
    for (const one of this.#dispatcher.waiting()) {
      if (eligibility(one.worker, lane) === 0) continue;
      if (contenders.length >= MOST_CONTENDERS && credit >= tasks + this.#looking.length) {
        // Those before them may have asked for more than they can take; whoever looks is seen, come what may.
        const before = new Set(contenders);
        const others = this.#looking.filter((other) => !before.has(other) && eligibility(other.worker, lane) > 0);
        return { lane, contenders: [...contenders, ...others], isCut: true };
      }
      contenders.push(one);
      credit += Math.min(one.credit, one.worker.profile.maxConcurrentTasks);
    }
    return { lane, contenders, isCut: false };
  }

  /** Notes what it needs to know: asked again until nothing is missing. */
  needs(): void {
    const { room } = this.#slice;
    if (!this.#isReady && !this.#prepare()) return;
    for (const { lane, contenders } of this.#offers.values()) {
      const count = this.#wish(contenders);
      if (count > 0 && room > 0) wantLane(this.#slice, lane, Math.min(count, room));
    }
    if (!this.#isOverAll) return;
    const count = this.#wish(this.#looking);
    // What only those could take who have no slot free comes before nothing.
    const free = count > 0 ? this.#looking.filter((one) => this.#free(one, 0) > 0) : [];
    const isOpen = (lane: LaneFacts) => free.some(({ worker }) => eligibility(worker, lane) > 0);
    if (count > 0 && room > 0) wantAll(this.#slice, isOpen, Math.min(count, room), A_FEW);
  }

  /** How many tasks these could be given; 0 as long as that is not known. */
  #wish(those: readonly Waiting[]): number {
    let count = 0;
    let isKnown = true;
    for (const waiting of those) {
      if (this.#slice.wanted.worker(waiting.link.workerId)) count += this.#free(waiting, 0);
      else isKnown = false;
    }
    return isKnown ? count : 0;
  }

  /** How many more the link may be given. @param taken what its worker was given already, here */
  #free({ link, credit }: Waiting, taken: number): number {
    const worker = this.#slice.worker(link.workerId);
    return worker === null || worker.draining ? 0 : Math.min(credit, freeSlots(worker) - taken);
  }

  /** Null: too little is known of some lanes, and what was missing is noted; then it is decided anew. */
  decide(): Allocated | null {
    const given = new Given();
    const order = new FairOrder(this.#slice);
    const isAble = (offer: Offer) => this.#able(offer, given).length > 0;
    const able = [...this.#offers.values()].filter(isAble);
    let { room } = this.#slice;
    if (room <= 0)
      return this.#allocated(
        given,
        order,
        able.length > 0 || (this.#isOverAll && this.#looking.some((one) => this.#mayFind(one))),
      );
    const isOpen = (lane: LaneFacts) => isAble(this.#offerIn(lane));
    const front = this.#isOverAll
      ? new Front(this.#slice, order, null, isOpen)
      : new Front(
          this.#slice,
          order,
          able.map(({ lane }) => lane),
        );
    const isAlone = this.#isOverAll && this.#offers.size === 0;
    /** All that is known of them is given away, and somebody could take more: what comes after may have to wait for that. */
    const short = new Set<Short>();
    let heldBack = false;
    let left = isAlone ? this.#looking.reduce((sum, one) => sum + this.#free(one, 0), 0) : 0;
    for (let next = front.next(); next !== null; next = front.next()) {
      const offer = this.#offerIn(next.lane);
      const contenders = this.#able(offer, given);
      if (contenders.length > 0) {
        heldBack = room-- <= 0;
        if (heldBack) break;
        this.#give(next, contenders, given);
        front.take();
        const ranOut = front.ranOut();
        if (ranOut && room > 0 && isAble(offer)) short.add(ranOut);
        // The rest of the queue is nobody's business.
        if (--left <= 0 && isAlone) break;
      } else {
        // Those behind the others get their turn in the next batch.
        if (offer.isCut) this.#dispatcher.lookAgain(this.#behind(offer));
        front.pass();
      }
    }
    for (const head of front.short()) {
      if (!isAble(this.#offerIn(head.lane))) continue;
      if (room > 0) short.add(head);
      else heldBack = true;
    }
    if (short.size === 0) return this.#allocated(given, order, heldBack);
    for (const { lane, taken, priority } of short) {
      this.#slice.wanted.lane(lane.key, taken + Math.max(taken, A_FEW), priority);
    }
    return null;
  }

  #allocated(given: Given, order: FairOrder, heldBack: boolean): Allocated {
    const { passedOver: lanes, holding } = order;
    const passedOver = lanes.size > 0 ? { lanes, by: new Set([...holding.values()].map(({ name }) => name)) } : null;
    const claims = given.claims();
    // Somebody has to see to it; a claim of one's own does.
    const [first] = this.#looking;
    if (first && hasStaleBucket(this.#slice, order)) claims.push({ link: first.link, claim: claimOf(first.link, 1) });
    return { claims, heldBack, passedOver, looked: this.looked };
  }

  /** What there is for whom in a lane. */
  #offerIn(lane: LaneFacts): Offer {
    const known = this.#offers.get(lane.key);
    if (known) return known;
    return { lane, contenders: this.#looking.filter(({ worker }) => eligibility(worker, lane) > 0), isCut: false };
  }

  #mayFind(one: Waiting): boolean {
    return (
      this.#slice.hasWorker(one.link.workerId) &&
      this.#free(one, 0) > 0 &&
      laneCountFor(one.worker, this.#slice.queue) > 0
    );
  }

  /** Those who can be given one more. */
  #able({ contenders }: Offer, given: Given): Waiting[] {
    const able: Waiting[] = [];
    for (const one of contenders) {
      if (one.credit <= given.toLink(one.link) || this.#free(one, given.toWorker(one.link.workerId)) <= 0) continue;
      if (able.push(one) === MOST_CONTENDERS) break;
    }
    return able;
  }

  #give({ task, lane }: Next, able: readonly Waiting[], given: Given): void {
    const { rules, now } = this.#slice;
    const contenders = able.map(({ link: { workerId }, since }) => ({
      worker: this.#slice.worker(workerId)!,
      taken: given.toWorker(workerId),
      waitedMs: now.steady - (since ?? now.steady),
    }));
    const scored = score(contenders, task, lane, rules.mind, now.wall);
    const chosen = best(scored);
    given.add(able[chosen]!.link, { taskId: task.id, routing: decisionText(scored, chosen) });
  }

  #behind({ lane, contenders }: Offer): Waiting[] {
    const before = new Set(contenders);
    const all = [...this.#dispatcher.waiting()];
    return all.filter((one) => !before.has(one) && eligibility(one.worker, lane) > 0);
  }
}

function claimOf({ workerId }: WorkerLink, max: number): Claim {
  return { kind: 'claim', actor: `worker:${workerId}`, workerId, max };
}

/** What has been given to whom. */
class Given {
  readonly #byLink = new Map<WorkerLink, Chosen[]>();
  readonly #byWorker = new Map<string, number>();

  add(link: WorkerLink, chosen: Chosen): void {
    const all = this.#byLink.get(link);
    if (all) all.push(chosen);
    else this.#byLink.set(link, [chosen]);
    this.#byWorker.set(link.workerId, this.toWorker(link.workerId) + 1);
  }

  toLink(link: WorkerLink): number {
    return this.#byLink.get(link)?.length ?? 0;
  }

  toWorker(workerId: string): number {
    return this.#byWorker.get(workerId) ?? 0;
  }

  claims(): { readonly link: WorkerLink; readonly claim: Claim }[] {
    return [...this.#byLink].map(([link, chosen]) => ({ link, claim: { ...claimOf(link, chosen.length), chosen } }));
  }
}
