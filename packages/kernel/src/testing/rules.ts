import type { Rules } from '../core/command.ts';
import { DEFAULT_WEIGHTS } from '../core/mind-rules.ts';

/** What tests go by that say nothing else. */
export const RULES: Rules = {
  maxConcurrentTasks: 0,
  maxConcurrentPerGroup: 0,
  priorityAgingMs: 0,
  leaseMs: 10_000,
  maxTaskDepth: 8,
  maxLeaseLosses: 5,
  recoveryGraceMs: 2000,
  guardian: {
    types: {},
    participants: ['operator'],
    threshold: 0.66,
    driftThreshold: 0.3,
    voteExpiresMs: 60_000,
    isAuthenticated: false,
  },
  mind: { weights: DEFAULT_WEIGHTS, nearness: null },
  memory: { maxKeysPerScope: 1000 },
};
