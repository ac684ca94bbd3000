import { contentHash } from '../core/chain.ts';
import type { JsonObject } from '../core/json.ts';
import { groupOf } from '../core/lane.ts';
import type { LaneDirectory } from '../core/lane-directory.ts';
import type { Worker, WorkerProfile } from '../core/worker.ts';
import { fitOf } from './fit.ts';
import { capabilitiesNamed } from './matching.ts';

/**
 * Which worker may take from which lane, worked out once for each pair: neither what a worker says of itself nor what a
 * lane requires ever changes. Workers that say the same of themselves share the answers.
 */

/** What is remembered of a lane. */
export interface LaneFacts {
  readonly key: string;
  /** Whose tasks it holds; null: those of none. */
  readonly group: string | null;
  readonly requirements: JsonObject;
  /** The names of the capabilities that it asks for. */
  readonly capabilities: readonly string[];
  /** The one worker that it is for, by id or name; undefined: anybody. */
  readonly target: string | undefined;
  /** By kind of worker, from the kind `base` on: how narrowly it suffices, 0 for not at all; NaN: nobody has asked yet. */
  fits: Float32Array;
  readonly base: number;
}

/** Workers that can do the same, whatever they are called. What that is they say themselves. */
interface WorkerKind {
  readonly index: number;
  /** The lanes for anybody that it may take from, among the first `examined` that were met. */
  readonly lanes: LaneFacts[];
  examined: number;
}

/** The lanes that may hold tasks, as whoever decides knows them. */
export interface Lanes {
  readonly laneCount: number;
  hasLane(key: string): boolean;
  lanes(): Iterable<readonly [key: string, requirements: JsonObject]>;
  /** The memory in which each of them has been met; null: it is not certain that there is one. */
  metIn: object | null;
}

/** So many answers take 64 MB at most. Then all is worked out anew. */
const MOST_PAIRS = 16_000_000;
const MOST_KINDS = 100_000;
/** Of more lanes, or with more text, those that are gone are let go: as soon as they are the most. */
const MOST_LANES = 100_000;
const MOST_CHARACTERS = 32 * 1024 * 1024;
/** What is longer is told apart by its hash. */
const LONG = 200;
/** For so few lanes more it is not worth while to keep a list. */
const A_FEW = 8;
const NONE: readonly LaneFacts[] = [];

/** The whole memory. What was met in one is unknown in the next; kinds are counted on, so that nothing of two is mixed up. */
class Book {
  readonly base: number;
  /** Of what the lanes require. */
  characters = 0;
  readonly lanes = new Map<string, LaneFacts>();
  /** Those for anybody, in the order in which they were met. */
  readonly open: LaneFacts[] = [];
  readonly byTarget = new Map<string, LaneFacts[]>();
  readonly kinds = new Map<string, WorkerKind>();
  readonly byProfile = new WeakMap<WorkerProfile, WorkerKind>();

  constructor(base: number) {
    this.base = base;
  }

  get nextKind(): number {
    return this.base + this.kinds.size;
  }
}

let book = new Book(0);
/** So many lanes held tasks when this was last looked at. */
let inUse = 0;

function makeRoom(): void {
  const pairs = (book.lanes.size + 1) * (book.kinds.size + 1);
  const isOld = book.lanes.size > 2 * inUse && (book.lanes.size >= MOST_LANES || book.characters > MOST_CHARACTERS);
  if (isOld || pairs > MOST_PAIRS || book.kinds.size >= MOST_KINDS) book = new Book(book.nextKind);
}

const met = new WeakMap<LaneDirectory, Book>();

/** Meets those that are new of a directory. Answers the memory in which they are then. */
export function meetLanes(directory: LaneDirectory): object | null {
  inUse = directory.size;
  const before = book;
  const news = directory.takeNews();
  for (const { key, requirements } of met.get(directory) === book ? news : directory.values()) {
    laneFacts(key, requirements);
  }
  met.set(directory, before);
  return book === before ? book : null;
}

/** What is known of a lane. It is met now, if it was not before. */
export function laneFacts(key: string, requirements: JsonObject | (() => JsonObject)): LaneFacts {
  const known = book.lanes.get(key);
  return known ?? meet(key, typeof requirements === 'function' ? requirements() : requirements);
}

function meet(key: string, requirements: JsonObject): LaneFacts {
  makeRoom();
  const facts = passingFacts(key, requirements);
  const { target } = facts;
  book.lanes.set(key, facts);
  book.characters += JSON.stringify(requirements).length;
  if (target === undefined) book.open.push(facts);
  else if (!book.byTarget.get(target)?.push(facts)) book.byTarget.set(target, [facts]);
  return facts;
}

/** The same of a lane that is not to be remembered: somebody only asks. */
export function passingFacts(key: string, requirements: JsonObject): LaneFacts {
  const { worker } = requirements;
  const target = worker == null ? undefined : typeof worker === 'string' ? worker : '';
  const capabilities = capabilitiesNamed(requirements).filter((name) => typeof name === 'string');
  const group = groupOf(key);
  return { key, group, requirements, capabilities, target, fits: new Float32Array(), base: book.base };
}

function kindOf(profile: WorkerProfile): WorkerKind {
  const known = book.byProfile.get(profile);
  if (known) return known;
  const text = JSON.stringify([profile.capabilities, profile.attributes]);
  const key = text.length > LONG ? contentHash(text) : text;
  let kind = book.kinds.get(key);
  if (!kind) {
    makeRoom();
    kind = { index: book.nextKind, lanes: [], examined: 0 };
    book.kinds.set(key, kind);
  }
  book.byProfile.set(profile, kind);
  return kind;
}

/** How narrowly the worker suffices for the lane: the more it could do besides, the less. 0: it may not take from it. */
export function eligibility(worker: Pick<Worker, 'id' | 'profile'>, lane: LaneFacts): number {
  const { target } = lane;
  if (target !== undefined && target !== worker.id && target !== worker.profile.name) return 0;
  return fitOfKind(kindOf(worker.profile), worker.profile, lane);
}

function fitOfKind({ index }: WorkerKind, profile: WorkerProfile, lane: LaneFacts): number {
  const at = index - lane.base;
  if (at >= lane.fits.length) lane.fits = grown(lane.fits, Math.max(at + 8, Math.ceil(at * 1.5)));
  if (Number.isNaN(lane.fits[at])) lane.fits[at] = fitOf(profile, lane.requirements);
  return lane.fits[at]!;
}

function grown(fits: Float32Array, length: number): Float32Array {
  const longer = new Float32Array(length).fill(Number.NaN);
  longer.set(fits);
  return longer;
}

/**
 * The lanes that the worker may take from, of those that may hold tasks. It goes over all of these, or over all that such a
 * worker may take from, whichever are fewer.
 */
export function lanesFor(worker: Worker, lanes: Lanes): LaneFacts[] {
  const kind = kindOf(worker.profile);
  if (lanes.metIn !== book || lanes.laneCount <= kind.lanes.length + A_FEW) return lookThrough(worker, lanes);
  for (const { open } = book; kind.examined < open.length; kind.examined++) {
    const lane = open[kind.examined]!;
    if (fitOfKind(kind, worker.profile, lane) > 0) kind.lanes.push(lane);
  }
  if (lanes.laneCount <= kind.lanes.length + A_FEW) return lookThrough(worker, lanes);
  const found = kind.lanes.filter(({ key }) => lanes.hasLane(key));
  for (const name of new Set([worker.id, worker.profile.name])) {
    for (const lane of book.byTarget.get(name) ?? NONE) {
      if (fitOfKind(kind, worker.profile, lane) > 0 && lanes.hasLane(lane.key)) found.push(lane);
    }
  }
  return found;
}

/** How many these are at the most. */
export function laneCountFor(worker: Worker, lanes: Lanes): number {
  const { id, profile } = worker;
  const own = [id, profile.name].reduce((sum, name) => sum + (book.byTarget.get(name)?.length ?? 0), 0);
  const kind = kindOf(profile);
  const isKnown = lanes.metIn === book && kind.examined === book.open.length;
  return isKnown ? Math.min(lanes.laneCount, kind.lanes.length + own) : lanes.laneCount;
}

function lookThrough(worker: Worker, lanes: Lanes): LaneFacts[] {
  const before = book;
  const found: LaneFacts[] = [];
  for (const [key, requirements] of lanes.lanes()) {
    const lane = laneFacts(key, requirements);
    if (eligibility(worker, lane) > 0) found.push(lane);
  }
  lanes.metIn = book === before ? book : null;
  return found;
}
