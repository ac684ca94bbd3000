/** However tasks come, go and come back: no bound is ever exceeded, and what waits for one is done in the end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Assignment, Command, Replies } from '../core/command.ts';
import { capabilityPool, groupPool } from '../core/lane.ts';
import type { TaskInput } from '../core/task.ts';
import { complete, fail, release } from '../testing/hive.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';

const KINDS: readonly Partial<TaskInput>[] = [
  {},
  { group: 'a' },
  { group: 'a', requirements: { capability: 'dig' } },
  { group: 'b', requirements: { capabilities: ['dig', 'fly'] } },
  { requirements: { capability: 'fly' }, max_retries: 1, retry_backoff: { delay_seconds: 0 } },
];

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('submit' as const), of: fc.nat(4), priority: fc.nat(2) }) },
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
    const about = {
      name: 'm',
      capabilities: [{ name: 'dig' }, { name: 'fly' }],
      attributes: {},
      maxConcurrentTasks: 9,
    };
    for (const id of ['maya', 'willy']) await pipeline.run({ kind: 'register', actor: 'ann', id, ...about });
    return new Colony(pipeline, drawn);
  }

  commandOf(one: Exclude<Step, { kind: 'commit' }>): Command | null {
    if (one.kind === 'submit') {
      const task = newTask(`t${this.#made++}`, { ...KINDS[one.of], priority: one.priority }, 0);
      return { kind: 'submit', actor: 'ann', tasks: [task] };
    }
    if (one.kind === 'claim') {
      const workerId = one.max % 2 ? 'maya' : 'willy';
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
    const given = answers.flatMap((answer) =>
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

  /** Whoever claims and completes for long enough has done everything. */
  async drain(): Promise<void> {
    for (;;) {
      await this.commit([...this.held.values()].map(({ task, token }) => complete(task.id, token)));
      const claims = ['maya', 'willy'].map((workerId): Command => {
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

test('no bound is ever exceeded, and in the end all is done', async () => {
  await fc.assert(
    fc.asyncProperty(caps, fc.array(step, { maxLength: 60, size: 'max' }), async (drawn, steps) => {
      const colony = await Colony.open(drawn);
      try {
        let batch: Command[] = [];
        for (const one of [...steps, { kind: 'commit' as const }]) {
          const command = one.kind === 'commit' ? null : colony.commandOf(one);
          if (command) batch.push(command);
          if (one.kind !== 'commit') continue;
          await colony.commit(batch);
          await colony.check();
          batch = [];
        }
        await colony.drain();
      } finally {
        await colony.pipeline.store.close();
      }
    }),
    { numRuns: 60, interruptAfterTimeLimit: 15_000 },
  );
});
