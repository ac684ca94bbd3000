import type { Workload } from '../lib/report.ts';
import { throughput } from './throughput.ts';

/** Batches of 100, by each peer's own call for many. */
export const p3: Workload = {
  id: 'p3',
  title: 'P3: tasks in batches of 100',
  run: (settings) => throughput({ batch: 100, inFlight: 8 }, settings, { always: 1, everysec: 1 }),
};
