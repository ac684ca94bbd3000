import { expect, onTestFinished } from 'vitest';
import { Checkpoints } from '../body/checkpoints.ts';
import { EventRelay } from '../body/event-relay.ts';
import { Exports } from '../body/exports.ts';
import { fireCommand } from '../body/firing.ts';
import { Presence } from '../body/presence.ts';
import { Pulse } from '../body/pulse.ts';
import { Sweeper, type SweepRules } from '../body/sweeper.ts';
import { InMemoryBus } from '../bus/in-memory.ts';
import type { Replies, Rules } from '../core/command.ts';
import type { Fellows } from '../core/fellows.ts';
import type { Task, TaskInput, TaskStatus } from '../core/task.ts';
import { TaskMaker } from '../core/task-maker.ts';
import { newTask, Pipeline } from './pipeline.ts';
import type { SimClock } from './sim-clock.ts';

const FOR_EVER: SweepRules = { taskRetentionMs: null, ledgerRetentionMs: null, workerRetentionMs: 1e12 };

/** A body with a sweeper, on a clock that a hand moves. */
export class SweptColony {
  readonly pipeline: Pipeline;
  readonly presence: Presence;
  readonly pulse: Pulse;
  readonly sweeper: Sweeper;
  readonly checkpoints: Checkpoints;
  readonly exports: Exports;
  readonly faults: unknown[] = [];
  present: string[] = [];
  broken = false;
  repairs = 0;
  #made = 0;

  constructor(pipeline: Pipeline, retention: Partial<SweepRules>, fellows: Fellows | null) {
    this.pipeline = pipeline;
    this.presence = new Presence(10_000);
    const common = {
      ...{ clock: pipeline.clock, presence: this.presence, isBroken: () => this.broken },
      onFault: (error: unknown) => this.faults.push(error),
      relay: new EventRelay(
        () => pipeline.store.ledger,
        new InMemoryBus(),
        (error) => this.faults.push(error),
      ),
    };
    this.pulse = new Pulse({
      ...common,
      fellows,
      leaseMs: 10_000,
      present: () => this.present,
      onDue: () => this.sweeper.expect(0),
      onLoss: async () => undefined,
      onRestart: async () => undefined,
    });
    let made = 0;
    const maker = new TaskMaker(() => `made-${++this.#made}`, 3600);
    this.checkpoints = new Checkpoints({
      ...{ store: pipeline.store, batcher: pipeline.batcher, clock: pipeline.clock },
      rules: { keep: 20, everyMs: null },
      newId: () => `checkpoint-${++made}`,
      onRolledBack: async () => undefined,
    });
    this.exports = new Exports({ store: pipeline.store, clock: pipeline.clock, book: this.checkpoints.book });
    this.sweeper = new Sweeper({
      ...common,
      checkpoints: this.checkpoints,
      ...{ store: pipeline.store, batcher: pipeline.batcher, pulse: this.pulse },
      rules: { ...FOR_EVER, ...retention },
      random: () => 0.5,
      look: async () => undefined,
      fire: async (document) => fireCommand(document, maker, pipeline.clock.now().wall),
      onRepaired: async () => {
        this.repairs++;
        this.broken = false;
      },
    });
    this.pulse.start();
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
export async function begin(
  retention: Partial<SweepRules> = {},
  rules: Partial<Rules> = {},
  fellows: (clock: SimClock) => Fellows | null = () => null,
): Promise<SweptColony> {
  const pipeline = await Pipeline.open(rules);
  const setting = new SweptColony(pipeline, retention, fellows(pipeline.clock));
  onTestFinished(async () => {
    await Promise.all([setting.sweeper.stop(), setting.pulse.stop(), setting.advance(10_000)]);
    expect(setting.faults).toEqual([]);
    await setting.pipeline.store.close();
  });
  return setting;
}
