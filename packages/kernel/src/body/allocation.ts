import type { Chosen, Claim } from '../core/command.ts';
import { freeSlots } from '../core/worker.ts';
import { decisionText } from '../mind/decision.ts';
import { eligibility, type LaneFacts, lanesFor } from '../mind/eligibility.ts';
import { best, score } from '../mind/scoring.ts';
import type { Dispatcher, Waiting } from './dispatcher.ts';
import { Front, type Next } from './front.ts';
import type { WorkerLink } from './links.ts';
import type { Slice } from './slice.ts';

/** So many are weighed against each other for one task; of more, those who have waited longest. */
export const MOST_CONTENDERS = 64;

/** What comes of it: claims, in the order in which they are to be decided. */
export interface Allocated {
  readonly claims: readonly { readonly link: WorkerLink; readonly claim: Claim }[];
  /** The colony's limit keeps a task from somebody who waits. */
  readonly heldBack: boolean;
}

/** A lane in which there may be something for somebody who waits, and for whom. */
interface Offer {
  readonly lane: LaneFacts;
  /** The longest wait first. */
  readonly contenders: readonly Waiting[];
  /** There are others behind them. */
  readonly isCut: boolean;
}

/**
 * Gives the tasks of the queue to those who wait, at the end of a batch: task by task in the order of the queue, each to the
 * best of those who could take it now. Only where the batch may have changed something it looks at all: in the lanes that
 * got tasks, on behalf of everybody; and in all lanes, on behalf of those who have just become free or come to wait.
 */
export class Allocation {
  readonly #slice: Slice;
  readonly #dispatcher: Dispatcher;
  /** Those who look everywhere. */
  readonly #looking: readonly Waiting[];
  readonly #offers: readonly Offer[];

  constructor(slice: Slice, dispatcher: Dispatcher) {
    this.#slice = slice;
    this.#dispatcher = dispatcher;
    // Once there is room again, all of them will look everywhere.
    const isPointless = slice.room <= 0 && dispatcher.isHeldBack;
    this.#looking = isPointless ? [] : dispatcher.looking(slice);
    this.#offers = isPointless ? [] : this.#findOffers();
  }

  /** Nothing can be said this time. */
  giveUp(): void {
    this.#dispatcher.lookAgain(this.#offers.flatMap(({ contenders }) => contenders));
    this.#dispatcher.lookAgain(this.#looking);
  }

  #findOffers(): Offer[] {
    const { queue } = this.#slice;
    const { stirred } = queue;
    const offers: Offer[] = [];
    for (const [key, tasks] of stirred) {
      const offer = this.#offer(queue.facts(key), this.#dispatcher.waiting(), tasks);
      if (offer.contenders.length > 0) offers.push(offer);
    }
    const elsewhere = new Map<LaneFacts, Waiting[]>();
    for (const waiting of this.#looking) {
      for (const lane of lanesFor(waiting.worker, queue)) {
        if (stirred.has(lane.key)) continue;
        const contenders = elsewhere.get(lane);
        if (contenders) contenders.push(waiting);
        else elsewhere.set(lane, [waiting]);
      }
    }
    for (const [lane, contenders] of elsewhere) offers.push({ lane, contenders, isCut: false });
    return offers;
  }

  /** @param tasks so many came, and more there may be for those who look everywhere */
  #offer(lane: LaneFacts, waiting: Iterable<Waiting>, tasks: number): Offer {
    const contenders: Waiting[] = [];
    let credit = 0;
    for (const one of waiting) {
      if (eligibility(one.worker, lane) === 0) continue;
      if (contenders.length >= MOST_CONTENDERS && credit >= tasks + this.#looking.length) {
        return { lane, contenders, isCut: true };
      }
      contenders.push(one);
      credit += Math.min(one.credit, one.worker.profile.maxConcurrentTasks);
    }
    return { lane, contenders, isCut: false };
  }

  /** Notes what it needs to know: asked again until nothing is missing. */
  needs(): void {
    const { wanted, room } = this.#slice;
    for (const { lane, contenders } of this.#offers) {
      let count = 0;
      let isKnown = true;
      for (const waiting of contenders) {
        if (wanted.worker(waiting.link.workerId)) count += this.#free(waiting, 0);
        else isKnown = false;
      }
      if (isKnown && count > 0 && room > 0) wanted.lane(lane.key, Math.min(count, room));
    }
  }

  /** How many more the link may be given. @param taken what its worker was given already, here */
  #free({ link, credit }: Waiting, taken: number): number {
    const worker = this.#slice.worker(link.workerId);
    return worker === null || worker.draining ? 0 : Math.min(credit, freeSlots(worker) - taken);
  }

  decide(): Allocated {
    const given = new Given();
    const offers = new Map<LaneFacts, Offer>();
    for (const offer of this.#offers) if (this.#able(offer, given).length > 0) offers.set(offer.lane, offer);
    let { room } = this.#slice;
    if (room <= 0) return this.#allocated(given, offers.size > 0);
    const front = new Front(this.#slice, offers.keys());
    for (let next = front.next(); next !== null; next = front.next()) {
      const offer = offers.get(next.lane)!;
      const able = this.#able(offer, given);
      if (able.length > 0) {
        if (room-- <= 0) return this.#allocated(given, true);
        this.#give(next, able, given);
        front.take();
      } else {
        // Those behind the others get their turn in the next batch.
        if (offer.isCut) this.#dispatcher.lookAgain(this.#behind(offer));
        front.pass();
      }
    }
    return this.#allocated(given, false);
  }

  #allocated(given: Given, heldBack: boolean): Allocated {
    if (heldBack) this.#dispatcher.holdBack();
    return { claims: given.claims(), heldBack };
  }

  /** Those who can be given one more. */
  #able({ contenders }: Offer, given: Given): Waiting[] {
    const able = contenders.filter((one) => {
      const free = this.#free(one, given.toWorker(one.link.workerId));
      return free > 0 && one.credit > given.toLink(one.link);
    });
    return able.length > MOST_CONTENDERS ? able.slice(0, MOST_CONTENDERS) : able;
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

  claims(): Allocated['claims'] {
    return [...this.#byLink].map(([link, chosen]) => {
      const { workerId } = link;
      return { link, claim: { kind: 'claim', actor: `worker:${workerId}`, workerId, max: chosen.length, chosen } };
    });
  }
}
