import type { Trail } from './trail.ts';

/** In milliseconds; null when there was nothing to measure. */
export interface Latency {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

export interface Figures {
  readonly submitted: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly unfinished: number;
  /** Taken from a bee that fell silent and given to another. */
  readonly requeued: number;
  readonly retried: number;
  readonly attempts: number;
  /** From the call to the kernel's answer, by this machine's clock. */
  readonly submit: Latency;
  /** From `task_submitted` to the first `task_assigned`, by the kernel's clock, which counts whole milliseconds. */
  readonly queue: Latency;
  /** From the last `task_assigned` to the end. */
  readonly run: Latency;
  /** From the first `task_submitted` to the last end. */
  readonly seconds: number;
  /** Completed per second in that time. */
  readonly throughput: number;
}

/** The smallest value that `percent` of all values do not exceed (nearest rank); null when there is none. */
export function percentile(sorted: readonly number[], percent: number): number | null {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? null;
}

export function latency(values: readonly number[]): Latency {
  const sorted = values.toSorted((a, b) => a - b);
  return { p50: percentile(sorted, 50), p99: percentile(sorted, 99), max: sorted.at(-1) ?? null };
}

/** The run in numbers. */
export function figuresOf(trails: Iterable<Trail>): Figures {
  const all = [...trails];
  const count = (stage: Trail['stage']) => all.filter((trail) => trail.stage === stage).length;
  const sum = (value: (trail: Trail) => number) => all.reduce((total, trail) => total + value(trail), 0);
  const [completed, failed, cancelled] = [count('completed'), count('failed'), count('cancelled')];
  const seconds = span(all) / 1000;
  return {
    submitted: all.length,
    completed,
    failed,
    cancelled,
    unfinished: all.length - completed - failed - cancelled,
    requeued: sum(({ requeued }) => requeued),
    retried: sum(({ retried }) => retried),
    attempts: sum(({ attempts }) => attempts),
    submit: latency(all.flatMap(({ submitMs }) => submitMs ?? [])),
    queue: latency(all.flatMap((trail) => between(trail.submittedAt, trail.firstAssignedAt))),
    run: latency(all.flatMap((trail) => between(trail.lastAssignedAt, trail.endedAt))),
    seconds,
    throughput: seconds > 0 ? completed / seconds : 0,
  };
}

function between(from: number | undefined, to: number | undefined): number[] {
  return from === undefined || to === undefined ? [] : [to - from];
}

function span(trails: readonly Trail[]): number {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { submittedAt, endedAt } of trails) {
    first = Math.min(first, submittedAt ?? first);
    last = Math.max(last, endedAt ?? last);
  }
  return Math.max(0, last - first);
}
