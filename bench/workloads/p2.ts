import type { Workload } from '../lib/report.ts';
import { throughput } from './throughput.ts';

/** Single tasks, as many at once as the worker has slots. */
export const p2: Workload = {
  id: 'p2',
  title: 'P2: tasks one by one',
  run: (settings) => throughput({ batch: 1, inFlight: 64 }, settings, { always: 2, everysec: 1.5 }),
};
