import { expect, onTestFinished } from 'vitest';
import { EventRelay } from '../body/event-relay.ts';
import { Presence } from '../body/presence.ts';
import { Sweeper, type SweepRules } from '../body/sweeper.ts';
import { InMemoryBus } from '../bus/in-memory.ts';
import type { Replies, Rules } from '../core/command.ts';
import type { Task, TaskInput, TaskStatus } from '../core/task.ts';
import { newTask, Pipeline } from './pipeline.ts';

const FOR_EVER: SweepRules = { taskRetentionMs: null, ledgerRetentionMs: null, workerRetentionMs: 1e12 };

/** A body with a sweeper, on a clock that a hand moves. */
export class SweptColony {
  readonly pipeline: Pipeline;
  readonly presence: Presence;
  readonly sweeper: Sweeper;
  readonly faults: unknown[] = [];
  present: string[] = [];
  broken = false;
  repairs = 0;

  constructor(pipeline: Pipeline, retention: Partial<SweepRules>) {
    this.pipeline = pipeline;
    this.presence = new Presence(10_000);
    this.sweeper = new Sweeper({
      ...{ store: pipeline.store, clock: pipeline.clock, batcher: pipeline.batcher, presence: this.presence },
      relay: new EventRelay(
        () => pipeline.store.ledger,
        new InMemoryBus(),
        (error) => this.faults.push(error),
      ),
      leaseMs: 10_000,
      rules: { ...FOR_EVER, ...retention },
      random: () => 0.5,
      present: () => this.present,
      isBroken: () => this.broken,
      onLoss: async () => undefined,
      onRepaired: async () => {
        this.repairs++;
        this.broken = false;
      },
      onFault: (error) => this.faults.push(error),
    });
    this.sweeper.start();
  }

  async submit(id: string, input: Partial<TaskInput> = {}): Promise<void> {
    const { wall } = this.pipeline.clock.now();
    await this.pipeline.run({ kind: 'submit', actor: 'ann', tasks: [newTask(id, input, wall)] });
  }

  async hire(id: string): Promise<void> {
    const about = { name: id, capabilities: [], attributes: {}, maxConcurrentTasks: 9 };
    await this.pipeline.run({ kind: 'register', actor: 'ann', id, ...about });
    this.presence.follow(id, false, this.pipeline.clock.now());
  }

  async claim(workerId: string, max = 9): Promise<Task[]> {
    const answer = await this.pipeline.run({ kind: 'claim', actor: `worker:${workerId}`, workerId, max });
    return (answer as Replies['claim']).assignments.map(({ task }) => task);
  }

  async status(id: string): Promise<TaskStatus | undefined> {
    return (await this.pipeline.store.task(id))?.status;
  }

  advance(ms: number): Promise<void> {
    return this.pipeline.clock.advance(ms);
  }
}

/** At the end of the test it is stopped, and must not have met a fault that the test did not take note of. */
export async function begin(retention: Partial<SweepRules> = {}, rules: Partial<Rules> = {}): Promise<SweptColony> {
  const setting = new SweptColony(await Pipeline.open(rules), retention);
  onTestFinished(async () => {
    await setting.sweeper.stop();
    expect(setting.faults).toEqual([]);
    await setting.pipeline.store.close();
  });
  return setting;
}
