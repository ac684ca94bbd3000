/** However tasks come, go and come back: no bound is ever exceeded, and what waits for one is done in the end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Assignment, Command, Replies } from '../core/command.ts';
import { capabilityPool, groupPool } from '../core/lane.ts';
import type { TaskInput } from '../core/task.ts';
import { complete, fail, release } from '../testing/hive.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';
import type { WorkerLink } from './links.ts';

const KINDS: readonly Partial<TaskInput>[] = [
  {},
  { group: 'a' },
  { group: 'a', requirements: { capability: 'dig' } },
  { group: 'b', requirements: { capabilities: ['dig', 'fly'] } },
  { group: 'a', requirements: { capability: 'fly' } },
  { requirements: { capability: 'fly' }, max_retries: 1, retry_backoff: { delay_seconds: 0 } },
];

/** What one of them frees another may have been waiting for. */
const BEES = { maya: ['dig'], willy: ['fly'], cassandra: ['dig', 'fly'] };

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('submit' as const), of: fc.nat(5), priority: fc.nat(2) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('claim' as const), max: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('complete' as const, 'release', 'fail', 'cancel'), which: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'giveUpAll' as const }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'commit' as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const caps = fc.record({
  perGroup: fc.nat(3),
  dig: fc.integer({ min: 1, max: 3 }),
  fly: fc.integer({ min: 1, max: 3 }),
});

class Colony {
  readonly pipeline: Pipeline;
  readonly most: Readonly<Record<string, number>>;
  readonly held = new Map<string, Assignment>();
  #made = 0;

  private constructor(pipeline: Pipeline, { perGroup, dig, fly }: { perGroup: number; dig: number; fly: number }) {
    this.pipeline = pipeline;
    const group = perGroup === 0 ? Number.POSITIVE_INFINITY : perGroup;
    this.most = {
      ...{ [groupPool('a')]: group, [groupPool('b')]: group },
      ...{ [capabilityPool('dig')]: dig, [capabilityPool('fly')]: fly },
    };
  }

  static async open(drawn: { perGroup: number; dig: number; fly: number }): Promise<Colony> {
    const pipeline = await Pipeline.open({ maxConcurrentPerGroup: drawn.perGroup });
    const limits = (['dig', 'fly'] as const).map((capability) => ({
      ...{ id: capability, capability, max_concurrent: drawn[capability] },
    }));
    await pipeline.run({ kind: 'set_policy', actor: 'ann', policy: { rules: [], limits }, expected: null });
    for (const [id, able] of Object.entries(BEES)) {
      const capabilities = able.map((name) => ({ name }));
      const about = { name: id, capabilities, attributes: {}, maxConcurrentTasks: 9 };
      await pipeline.run({ kind: 'register', actor: 'ann', id, ...about });
    }
    return new Colony(pipeline, drawn);
  }

  /** From now on all wait for whatever there is. */
  async wait(): Promise<void> {
    const nothing = () => undefined;
    for (const workerId of Object.keys(BEES)) {
      const tell = { assign: nothing, cancel: nothing, removed: nothing, drain: nothing };
      const link: WorkerLink = { workerId, isSignOfLife: true, ...tell };
      this.pipeline.dispatcher.attach(link, (await this.pipeline.store.worker(workerId))!);
      this.pipeline.dispatcher.credit(link, 1_000_000);
    }
  }

  commandOf(one: Exclude<Step, { kind: 'commit' }>): Command | null {
    if (one.kind === 'submit') {
      const task = newTask(`t${this.#made++}`, { ...KINDS[one.of], priority: one.priority }, 0);
      return { kind: 'submit', actor: 'ann', tasks: [task] };
    }
    if (one.kind === 'claim') {
      const workerId = Object.keys(BEES)[one.max % 3]!;
      return { kind: 'claim', actor: `worker:${workerId}`, workerId, max: one.max };
    }
    if (one.kind === 'giveUpAll') return { kind: 'heartbeat', actor: 'worker:maya', workerId: 'maya', tasks: [] };
    const running = [...this.held.values()];
    const chosen = running[one.which % running.length];
    if (!chosen) return null;
    const { task, token } = chosen;
    if (one.kind === 'cancel') return { kind: 'cancel', actor: 'ann', taskId: task.id, cascade: false };
    return { complete, release, fail }[one.kind](task.id, token);
  }

  async commit(commands: readonly Command[]): Promise<Assignment[]> {
    const answers = await this.pipeline.together(commands);
    const served = this.pipeline.happened.splice(0).flatMap((happened) => happened.served);
    const given = [...answers, ...served.map(({ answer }) => answer)].flatMap((answer) =>
      'assignments' in answer ? (answer as Replies['claim']).assignments : [],
    );
    for (const assignment of given) this.held.set(assignment.task.id, assignment);
    for (const [id, { token }] of this.held) {
      const task = await this.pipeline.store.task(id);
      if (task?.status !== 'executing' || task.leaseToken !== token) this.held.delete(id);
    }
    return given;
  }

  async check(): Promise<void> {
    const { pools } = await this.pipeline.store.load({ pools: Object.keys(this.most) });
    for (const [pool, most] of Object.entries(this.most)) expect(pools.get(pool), pool).toBeLessThanOrEqual(most);
  }

  /** Whoever completes, and claims unless they wait anyway, for long enough has done everything. */
  async drain(isWaiting: boolean): Promise<void> {
    for (;;) {
      const done = await this.commit([...this.held.values()].map(({ task, token }) => complete(task.id, token)));
      await this.check();
      if (isWaiting && done.length === 0 && this.held.size === 0) break;
      if (isWaiting) continue;
      const claims = Object.keys(BEES).map((workerId): Command => {
        return { kind: 'claim', actor: `worker:${workerId}`, workerId, max: 9 };
      });
      const given = await this.commit(claims);
      await this.check();
      if (given.length === 0 && this.held.size === 0) break;
    }
    const { tasks } = await this.pipeline.store.survey();
    expect([tasks.queued, tasks.executing]).toEqual([0, 0]);
  }
}

test.each([
  ['ask for work', false],
  ['wait for it', true],
])('no bound is ever exceeded, and in the end all is done, where workers %s', async (_, isWaiting) => {
  await fc.assert(
    fc.asyncProperty(caps, fc.array(step, { maxLength: 60, size: 'max' }), async (drawn, steps) => {
      const colony = await Colony.open(drawn);
      try {
        if (isWaiting) await colony.wait();
        let batch: Command[] = [];
        for (const one of [...steps, { kind: 'commit' as const }]) {
          const isNone = one.kind === 'commit' || (isWaiting && one.kind === 'claim');
          const command = isNone ? null : colony.commandOf(one);
          if (command) batch.push(command);
          if (one.kind !== 'commit') continue;
          await colony.commit(batch);
          await colony.check();
          batch = [];
        }
        await colony.drain(isWaiting);
      } finally {
        await colony.pipeline.store.close();
      }
    }),
    { numRuns: 60, interruptAfterTimeLimit: 15_000 },
  );
});
