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
  const kept = experience.filter(({ capability }) => !asked.includes(capability));
  const next = [...new Set(asked)].map((capability) => {
    const before = experience.find((one) => one.capability === capability);
    return learned(before ? decayed(before, wall) : { ...NOTHING, capability }, attempt, wall);
  });
  return [...kept, ...next].slice(-MOST_CAPABILITIES);
}

const NOTHING: Omit<Experience, 'capability'> = { attempts: 0, successes: 0, meanMs: 0, at: 0 };

function learned(before: Experience, { failed, elapsedMs }: Attempt, wall: number): Experience {
  const { capability, meanMs } = before;
  const attempts = rounded(before.attempts + 1);
  if (failed) return { capability, attempts, successes: before.successes, meanMs, at: wall };
  const successes = rounded(before.successes + 1);
  return { capability, attempts, successes, meanMs: rounded(meanMs + (elapsedMs - meanMs) / successes), at: wall };
}

function decayed(one: Experience, wall: number): Experience {
  const left = 0.5 ** (Math.max(0, wall - one.at) / HALF_LIFE_MS);
  return { ...one, attempts: rounded(one.attempts * left), successes: rounded(one.successes * left) };
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
    const known = experience.find((one) => one.capability === capability);
    const { attempts, successes, meanMs: mean } = known ? decayed(known, wall) : NOTHING;
    success += (successes + STRANGER.success * STRANGER.attempts) / (attempts + STRANGER.attempts);
    if (successes === 0) continue;
    meanMs += mean;
    timed++;
  }
  return { success: success / asked.length, meanMs: timed === 0 ? null : meanMs / timed };
}
