import { describe, expect, test } from 'vitest';
import { figuresOf, latency, percentile } from './statistics.ts';
import { newTrail, type Trail } from './trail.ts';

function trail(what: Partial<Trail>): Trail {
  return { ...newTrail(), path: 'a.txt', ...what };
}

describe('percentiles', () => {
  test('are the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(percentile(hundred, 50)).toBe(50);
    expect(percentile(hundred, 99)).toBe(99);
    expect(percentile([7], 50)).toBe(7);
    expect(percentile([7, 9], 99)).toBe(9);
  });

  test('do not care for the order of what was measured', () => {
    expect(latency([30, 4, 100])).toEqual({ p50: 30, p99: 100, max: 100 });
  });

  test('of nothing are nothing', () => {
    expect(latency([])).toEqual({ p50: null, p99: null, max: null });
  });
});

describe('the figures of a run', () => {
  const figures = figuresOf([
    trail({
      stage: 'completed',
      submitMs: 3,
      submittedAt: 1_000,
      firstAssignedAt: 1_010,
      lastAssignedAt: 1_010,
      endedAt: 1_040,
      attempts: 1,
    }),
    trail({
      stage: 'completed',
      submitMs: 5,
      submittedAt: 1_500,
      firstAssignedAt: 1_600,
      lastAssignedAt: 2_900,
      endedAt: 3_000,
      attempts: 2,
      requeued: 1,
    }),
    trail({ stage: 'failed', submittedAt: 1_500, attempts: 3, retried: 2 }),
    trail({ stage: 'cancelled' }),
    trail({ stage: 'executing' }),
  ]);

  test('count every task once', () => {
    expect(figures).toMatchObject({ submitted: 5, completed: 2, failed: 1, cancelled: 1, unfinished: 1 });
    expect(figures).toMatchObject({ attempts: 6, requeued: 1, retried: 2 });
  });

  test('measure waiting up to the first attempt and running in the last one', () => {
    expect(figures.submit).toEqual({ p50: 3, p99: 5, max: 5 });
    expect(figures.queue).toEqual({ p50: 10, p99: 100, max: 100 });
    expect(figures.run).toEqual({ p50: 30, p99: 100, max: 100 });
  });

  test('measure throughput from the first submit to the last end', () => {
    expect(figures.seconds).toBe(2);
    expect(figures.throughput).toBe(1);
  });

  test('of no task at all are zero', () => {
    expect(figuresOf([])).toMatchObject({ submitted: 0, seconds: 0, throughput: 0, run: { p50: null } });
  });
});
