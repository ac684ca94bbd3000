import { type ClientOptions, Requester } from './http/requester.ts';
import { ColonyMemory } from './memory.ts';
import { PlanRoutes } from './routes/plans.ts';

/**
 * A kernel, as its clients see it. Every method rejects with `ColonyError` when the kernel refuses, with
 * `ColonyNetworkError` when it cannot be reached, with `ColonyTimeoutError` when `timeoutMs` passes, and with the
 * signal's reason when aborted. What is safe to repeat is repeated.
 *
 * Its methods stand by subject in `routes/`: tasks, plans, workers, schedules, guardian, system.
 */
export class ColonyClient extends PlanRoutes {
  /** What agents know together. */
  readonly memory: ColonyMemory;

  constructor(options: ClientOptions) {
    super(new Requester(options));
    this.memory = new ColonyMemory(this.requester);
  }
}
