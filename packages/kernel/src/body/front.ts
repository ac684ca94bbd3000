import type { Task } from '../core/task.ts';
import type { LaneFacts } from '../mind/eligibility.ts';
import type { Place } from '../mind/rotation.ts';
import { FairOrder } from './fair-order.ts';
import type { LaneView } from './lane-view.ts';
import { byRank } from './ranked.ts';
import type { Slice } from './slice.ts';

interface Head {
  readonly lane: LaneFacts;
  readonly view: LaneView;
  /** In levels: of which. */
  readonly priority: number | undefined;
  /** So many at the front of the lane have been given away. */
  taken: number;
}

/** All that is known of it has been given away, and there is more. */
export type Short = Readonly<Omit<Head, 'view'>>;

/** A task that is next, and its lane. */
export interface Next {
  readonly task: Task;
  readonly lane: LaneFacts;
}

/** From so many lanes on it is quicker to go along the order that the slice keeps. */
const MANY = 32;

/** Whether a front over so many lanes is over all of them, in the order of their ranks. */
export function isOverAll({ queue }: Slice, lanes: number): boolean {
  return lanes > MANY && queue.isPlain;
}

/** Notes what of a lane has to be known before `count` tasks can be taken off it. */
export function wantLane(slice: Slice, { key, requirements }: LaneFacts, count: number): void {
  if (slice.headroom.needs(key, requirements, slice.wanted) > 0) wantLevels(slice, key, count);
}

/** The same of many. */
export function wantLanes(slice: Slice, lanes: readonly LaneFacts[], count: number): void {
  if (slice.headroom.isBounded) for (const lane of lanes) wantLane(slice, lane, count);
  else for (const { key } of lanes) wantLevels(slice, key, count);
}

/** Where tasks age the next of a lane may be the first of any priority. */
function wantLevels({ queue, wanted }: Slice, lane: string, count: number): void {
  if (!queue.inLevels) wanted.lane(lane, count);
  else
    for (const { priority, view } of queue.levels(lane)) {
      if (!view || (view.more && view.length < count)) wanted.lane(lane, count, priority);
    }
}

/**
 * The same of all lanes that are open: what comes first in each, and more of those that come first of all.
 * @param each no more than so many of one, though it may have to give more: whoever says so looks for what is short
 */
export function wantAll(
  { queue, headroom, wanted }: Slice,
  isOpen: (lane: LaneFacts) => boolean,
  count: number,
  each = count,
): void {
  headroom.needsLimits(wanted);
  for (const key of queue.unseen()) if (isOpen(queue.facts(key))) wanted.lane(key, Math.min(count, each));
  let left = count;
  for (const key of queue.inOrder()) {
    const lane = queue.facts(key);
    if (headroom.in(key, lane.requirements) <= 0 || !isOpen(lane)) continue;
    // Those before it are served before it.
    wanted.lane(key, Math.min(left, each));
    if (--left === 0) return;
  }
}

/**
 * Where limits bound what those that come first may give, those behind them give more: notes what is still missing once what
 * `wantAll` has noted is known. Asked again until nothing is.
 */
export function wantBehind(slice: Slice, isOpen: (lane: LaneFacts) => boolean, count: number): void {
  const front = new Front(slice, new FairOrder(slice), null, isOpen);
  for (let n = 0; n < count && front.next(); n++) front.take();
  for (const { lane, taken } of front.short()) slice.wanted.lane(lane.key, taken + count);
}

/**
 * The front of the queue over some lanes: what of them is served next, and after that. Nothing is taken out of the slice.
 * Few lanes are compared with each other, head by head; with many it goes along the heads in the order in which the slice
 * keeps them, as long as ranks alone decide.
 */
export class Front {
  readonly #slice: Slice;
  readonly #order: FairOrder;
  /** Those that are compared. */
  #heads: Head[] = [];
  /** Those that are not, yet: they come in order, and this is the next of them. */
  readonly #rest: Iterator<string> | null = null;
  readonly #isOpen: (lane: LaneFacts) => boolean;
  #upcoming: Head | null = null;
  #next: Head | undefined;

  /**
   * @param lanes loaded as far as they are wanted; null: all there are, if they are plain
   * @param isOpen which of all these to look at
   */
  constructor(
    slice: Slice,
    order: FairOrder,
    lanes: Iterable<LaneFacts> | null,
    isOpen: (lane: LaneFacts) => boolean = () => true,
  ) {
    this.#slice = slice;
    this.#order = order;
    this.#isOpen = isOpen;
    if (lanes === null) {
      // What is given away changes the order, so those that matter are taken down.
      this.#rest = slice.queue.inOrder()[Symbol.iterator]();
      this.#advance();
    } else for (const lane of lanes) this.#add(lane);
  }

  #add(lane: LaneFacts): void {
    const { queue, headroom } = this.#slice;
    const levels = queue.levels(lane.key);
    if (!headroom.isBounded || headroom.in(lane.key, lane.requirements) > 0) {
      for (const { priority, view } of levels) if (view) this.#heads.push({ lane, view, priority, taken: 0 });
      // What a bound keeps closed need not be loaded to know that something is kept back there.
    } else if (levels.some(({ view }) => !view || view.length > 0 || view.more)) {
      this.#order.mayStart(lane.key, lane.requirements);
    }
  }

  #advance(): void {
    const { queue } = this.#slice;
    this.#upcoming = null;
    for (let next = this.#rest!.next(); !next.done; next = this.#rest!.next()) {
      const lane = queue.facts(next.value);
      if (!this.#isOpen(lane) || !this.#order.mayStart(lane.key, lane.requirements)) continue;
      this.#upcoming = { lane, view: queue.lane(next.value)!, priority: undefined, taken: 0 };
      return;
    }
  }

  /** The first of all; null: there is nothing more. */
  next(): Next | null {
    let best: Task | undefined;
    let place: Place | null = null;
    this.#next = undefined;
    for (const head of this.#heads) {
      const task = head.view.at(head.taken);
      const better: Place | null = task ? this.#order.placeBefore(task, head.lane.group, place) : null;
      if (!better || !this.#order.mayStart(head.lane.key, head.lane.requirements)) continue;
      place = better;
      best = task;
      this.#next = head;
    }
    const { lane } = this.#upcoming ?? {};
    // What was given away since it came up may have closed it.
    if (lane && !this.#order.mayStart(lane.key, lane.requirements)) this.#advance();
    const upcoming = this.#upcoming?.view.at(0);
    if (upcoming && (!best || byRank(upcoming, best) < 0)) {
      best = upcoming;
      this.#next = this.#upcoming!;
      this.#heads.push(this.#next);
      this.#advance();
    }
    return best ? { task: best, lane: this.#next!.lane } : null;
  }

  /** What was next has been given away. */
  take(): void {
    const { lane, view, taken } = this.#next!;
    this.#order.picked(view.at(taken)!, lane.requirements);
    this.#next!.taken++;
  }

  /** Where all that is known has been given away, and there is more that may start. */
  *short(): Generator<Short> {
    for (const head of this.#heads) if (this.#isShort(head)) yield head;
  }

  /** What was taken last was taken off this one, and that is short since; null: it is not. */
  ranOut(): Short | null {
    return this.#isShort(this.#next!) ? this.#next! : null;
  }

  #isShort({ lane, view, taken }: Head): boolean {
    return view.more && !view.at(taken) && this.#order.mayStart(lane.key, lane.requirements);
  }

  /** Nobody can be found for what was next: its lane is left alone. */
  pass(): void {
    const { lane } = this.#next!;
    this.#heads = this.#heads.filter((head) => head.lane !== lane);
  }
}
