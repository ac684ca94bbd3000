import { defineConfig } from 'vitest/config';

/** Tests of the body that say other things where several kernels could write. */
const BODY_ON_REDIS = [
  'aging',
  'batcher',
  'caps',
  'checkpoints',
  'choosing',
  'elsewhere',
  'exports',
  'fairness',
  'invariants',
  'leases',
  'memory',
  'plan-portions',
  'plan-results',
  'plans',
  'recovery',
  'retrying',
  'release-portions',
  'schedules-of-two',
  'serving',
  'submitters',
  'unroutable',
  'workers',
];

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'scripts/**/*.test.ts'],
        },
      },
      // What the body decides, and all routes and sockets, with the colony on Redis.
      {
        extends: true,
        test: {
          name: 'on Redis',
          include: [
            'packages/kernel/src/body/*.property.test.ts',
            ...BODY_ON_REDIS.map((name) => `packages/kernel/src/body/${name}.test.ts`),
            'packages/kernel/test/api/**/*.test.ts',
          ],
          provide: { store: 'redis' },
        },
      },
    ],
    // Processes, not threads: tests of the store load a native module, others send signals.
    pool: 'forks',
    // Some tests start kernels and workers of their own; more at once and they would wait for each other.
    maxWorkers: 2,
    testTimeout: 20_000,
    // What is waited for comes at once, unless the machine is busy with something else.
    expect: { poll: { timeout: 15_000 } },
    hookTimeout: 30_000,
    passWithNoTests: true,
  },
});
