import type { Now } from '../core/clock.ts';

/**
 * When each worker was last heard of. A worker's leases live as long as it is heard of, so renewing them writes
 * nothing. Kept in memory: after a start everybody counts as just heard of, which gives each lease its full grace.
 */
export class Presence {
  readonly #leaseMs: number;
  readonly #seen = new Map<string, Now>();
  readonly #offline = new Set<string>();
  /** Who was heard of and is not told to the other kernels yet. */
  readonly #heard = new Set<string>();

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** A sign of life. Answers whether the worker was known and online. */
  touch(workerId: string, now: Now): boolean {
    if (!this.#seen.has(workerId)) return false;
    this.#seen.set(workerId, now);
    this.#heard.add(workerId);
    return !this.#offline.has(workerId);
  }

  /** Follows what was decided: the worker is there (or has been given up). */
  follow(workerId: string, offline: boolean, now: Now): void {
    if (!this.#seen.has(workerId)) this.#seen.set(workerId, now);
    if (offline) this.#offline.add(workerId);
    else if (this.#offline.delete(workerId)) this.#seen.set(workerId, now);
  }

  /** Forgets whoever is not among these. */
  keepOnly(workerIds: ReadonlySet<string>): void {
    for (const id of [...this.#seen.keys()]) if (!workerIds.has(id)) this.forget(id);
  }

  forget(workerId: string): void {
    this.#seen.delete(workerId);
    this.#heard.delete(workerId);
    this.#offline.delete(workerId);
  }

  lastSeen(workerId: string): Now | undefined {
    return this.#seen.get(workerId);
  }

  /** Who was heard of since this was last asked, for the other kernels to be told. */
  takeHeard(): string[] {
    const heard = [...this.#heard];
    this.#heard.clear();
    return heard;
  }

  /** They could not be told after all. */
  notTold(workerIds: readonly string[]): void {
    for (const id of workerIds) if (this.#seen.has(id)) this.#heard.add(id);
  }

  /** Whether it was heard of, and the other kernels do not know yet. */
  isNews(workerId: string): boolean {
    return this.#heard.has(workerId);
  }

  /** Online workers that were silent for a whole lease. */
  silent(now: Now): string[] {
    const lost: string[] = [];
    for (const [id, seen] of this.#seen) {
      if (now.steady - seen.steady >= this.#leaseMs && !this.#offline.has(id)) lost.push(id);
    }
    return lost;
  }
}
