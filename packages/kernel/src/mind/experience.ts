import type { Experience } from '../core/worker.ts';

/**
 * What a worker has shown it can do, by capability. Old attempts count less and less: half after a day, so that a worker
 * that was mended, or that broke, is seen for what it is now.
 */

const HALF_LIFE_MS = 24 * 60 * 60 * 1000;
/** Of those that a worker has been asked for last; its record is written with each task that it ends. */
const MOST_CAPABILITIES = 32;
/** Stands for tasks that ask for no capability by name. */
const ANYTHING = [''];

/** How an attempt ended. */
export interface Attempt {
  readonly failed: boolean;
  readonly elapsedMs: number;
}

/** @param capabilities that the task asked for, by name */
export function withAttempt(
  experience: readonly Experience[],
  capabilities: readonly string[],
  attempt: Attempt,
  wall: number,
): readonly Experience[] {
  const asked = capabilities.length > 0 ? capabilities : ANYTHING;
  const next = experience.filter(({ capability }) => !asked.includes(capability));
  for (const capability of new Set(asked)) {
    next.push(learned(capability, knownOf(experience, capability), attempt, wall));
  }
  return next.length > MOST_CAPABILITIES ? next.slice(-MOST_CAPABILITIES) : next;
}

const NOTHING: Omit<Experience, 'capability'> = { attempts: 0, successes: 0, meanMs: 0, at: 0 };

function knownOf(experience: readonly Experience[], capability: string): Omit<Experience, 'capability'> {
  for (const one of experience) if (one.capability === capability) return one;
  return NOTHING;
}

function learned(
  capability: string,
  before: Omit<Experience, 'capability'>,
  { failed, elapsedMs }: Attempt,
  wall: number,
): Experience {
  const left = leftAfter(before, wall);
  const attempts = rounded(rounded(before.attempts * left) + 1);
  const succeeded = rounded(before.successes * left);
  if (failed) return { capability, attempts, successes: succeeded, meanMs: before.meanMs, at: wall };
  const successes = rounded(succeeded + 1);
  const meanMs = rounded(before.meanMs + (elapsedMs - before.meanMs) / successes);
  return { capability, attempts, successes, meanMs, at: wall };
}

/** How much of what was known then counts now. */
function leftAfter({ at }: Pick<Experience, 'at'>, wall: number): number {
  return 0.5 ** (Math.max(0, wall - at) / HALF_LIFE_MS);
}

/** Enough to tell one from another, and short to write. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** What is to be expected of a worker. */
export interface Expectation {
  /** The share of attempts that succeed, in [0, 1]. Where little is known it is near what is thought of a stranger. */
  readonly success: number;
  /** How long one takes that succeeds, in milliseconds; null: none has yet. */
  readonly meanMs: number | null;
}

/** A stranger is thought to succeed three times out of four, and that weighs as much as two attempts. */
const STRANGER = { success: 0.75, attempts: 2 };

/** What to expect at a task that asks for these capabilities: the mean over them. */
export function expectation(
  experience: readonly Experience[],
  capabilities: readonly string[],
  wall: number,
): Expectation {
  const asked = capabilities.length > 0 ? capabilities : ANYTHING;
  let success = 0;
  let meanMs = 0;
  let timed = 0;
  for (const capability of asked) {
    const known = knownOf(experience, capability);
    const left = leftAfter(known, wall);
    const successes = rounded(known.successes * left);
    success +=
      (successes + STRANGER.success * STRANGER.attempts) / (rounded(known.attempts * left) + STRANGER.attempts);
    if (successes === 0) continue;
    meanMs += known.meanMs;
    timed++;
  }
  return { success: success / asked.length, meanMs: timed === 0 ? null : meanMs / timed };
}
