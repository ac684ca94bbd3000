import type { QueueRank } from '../core/store.ts';

/** Groups beyond this many are forgotten, those first that were served longest ago. */
const MOST_GROUPS = 10_000;

/** A group of tasks by its name; null are those that have none, which are a group of their own. */
export type Group = string | null;

/**
 * Whose turn it is. Among tasks of equal priority the group comes first that was served longest ago, so that one that
 * hands in a thousand tasks does not keep another's single one waiting. A kernel remembers this in memory: if it is lost,
 * somebody may be served once more than their turn.
 */
export class Rotation {
  /** When a group was served last, counted in tasks; those served last stand at the end. */
  readonly #turns = new Map<Group, number>();
  #last: Group | undefined;
  #count = 0;

  /** The lower, the sooner; 0 for a group that has not been served, as far as is known. */
  turnOf(group: Group): number {
    return this.#turns.get(group) ?? 0;
  }

  /** A task of this group was given to a worker. */
  served(group: Group): void {
    // Where there is only one, its turn comes again and again.
    if (group === this.#last) return;
    this.#last = group;
    this.#turns.delete(group);
    this.#turns.set(group, ++this.#count);
    if (this.#turns.size <= MOST_GROUPS) return;
    for (const oldest of this.#turns.keys()) {
      this.#turns.delete(oldest);
      return;
    }
  }
}

/** The turns as they will be once what a claim has picked so far is served. */
export class RotationAhead {
  readonly #rotation: Rotation;
  readonly #picked = new Map<Group, number>();
  #count = Number.MAX_SAFE_INTEGER / 2;

  constructor(rotation: Rotation) {
    this.#rotation = rotation;
  }

  turnOf(group: Group): number {
    return this.#picked.get(group) ?? this.#rotation.turnOf(group);
  }

  /** From now on it is behind all whose turn it has been. */
  picked(group: Group): void {
    this.#picked.set(group, ++this.#count);
  }
}

/** What decides who is served first: the group's turn, and within it, or where turns are equal, the order of submission. */
export interface Place extends QueueRank {
  readonly turn: number;
}

/** Negative when `a` is served before `b`: higher priority first, then the group whose turn it is, then the order of submission. */
export function byTurn(a: Place, b: Place): number {
  return b.priority - a.priority || a.turn - b.turn || a.seq - b.seq;
}
