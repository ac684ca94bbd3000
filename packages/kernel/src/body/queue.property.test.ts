/** The queue against a list that is sorted anew for every claim. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Claim, Command, Replies } from '../core/command.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';

interface Listed {
  readonly id: string;
  readonly priority: number;
  readonly lane: string;
  readonly order: number;
  token: number;
  holder: string | null;
}

const BEES = {
  digger: { able: ['dig'], slots: 5 },
  flyer: { able: ['fly'], slots: 40 },
  allrounder: { able: ['dig', 'fly', 'hum'], slots: 12 },
} as const;
type Bee = keyof typeof BEES;

const bee = fc.constantFrom<Bee>('digger', 'flyer', 'allrounder');
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('submit' as const),
      tasks: fc.array(fc.record({ priority: fc.nat(3), lane: fc.constantFrom('dig', 'fly', 'hum', 'swim') }), {
        minLength: 1,
        maxLength: 12,
        size: 'max',
      }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('claim' as const), bee, max: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('giveUpAll' as const), bee }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'commit' as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class NaiveQueue {
  tasks: Listed[] = [];
  readonly cap: number;
  #made = 0;

  constructor(cap: number) {
    this.cap = cap;
  }

  add(priority: number, lane: string): Listed {
    const order = ++this.#made;
    const task = { id: `t${order}`, priority, lane, order, token: 0, holder: null };
    this.tasks.push(task);
    return task;
  }

  held(by?: Bee): Listed[] {
    return this.tasks.filter((task) => (by ? task.holder === by : task.holder !== null));
  }

  claim(by: Bee, max: number): string[] {
    const room = this.cap === 0 ? max : this.cap - this.held().length;
    const count = Math.max(0, Math.min(max, room, BEES[by].slots - this.held(by).length));
    const able: readonly string[] = BEES[by].able;
    const taken = this.tasks
      .filter((task) => task.holder === null && able.includes(task.lane))
      .sort((a, b) => b.priority - a.priority || a.order - b.order)
      .slice(0, count);
    for (const task of taken) {
      task.holder = by;
      task.token++;
    }
    return taken.map((task) => task.id);
  }
}

/** What a step does to the list, and the command that should do the same to the body; null: nothing to do. */
function play(
  step: Exclude<Step, { kind: 'commit' }>,
  list: NaiveQueue,
): { command: Command; given?: string[] } | null {
  const pick = (from: readonly Listed[], n: number) => from[n % from.length];
  if (step.kind === 'submit') {
    const tasks = step.tasks.map(({ priority, lane }) =>
      newTask(list.add(priority, lane).id, { priority, requirements: { capability: lane } }, 0),
    );
    return { command: { kind: 'submit', actor: 'ann', tasks } };
  }
  if (step.kind === 'claim') {
    const command: Claim = { kind: 'claim', actor: `worker:${step.bee}`, workerId: step.bee, max: step.max };
    return { command, given: list.claim(step.bee, step.max) };
  }
  if (step.kind === 'giveUpAll') {
    for (const task of list.held(step.bee)) task.holder = null;
    return { command: { kind: 'heartbeat', actor: `worker:${step.bee}`, workerId: step.bee, tasks: [] } };
  }
  const task = pick(step.kind === 'release' ? list.held() : list.tasks, step.which);
  if (!task) return null;
  if (step.kind === 'cancel') {
    list.tasks = list.tasks.filter((one) => one !== task);
    return { command: { kind: 'cancel', actor: 'ann', taskId: task.id, cascade: false } };
  }
  const actor = `worker:${task.holder}`;
  task.holder = null;
  return { command: { kind: 'release', actor, taskId: task.id, leaseToken: task.token } };
}

async function hire(pipeline: Pipeline): Promise<void> {
  for (const [id, { able, slots }] of Object.entries(BEES)) {
    const capabilities = able.map((name) => ({ name }));
    const about = { name: id, capabilities, attributes: {}, maxConcurrentTasks: slots };
    await pipeline.run({ kind: 'register', actor: 'ann', id, ...about });
  }
}

test.each([0, 3, 20])(
  'with room for %i, claims get the best of their lanes: by priority, then by submission, requeued tasks in their old place',
  async (cap) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const pipeline = await Pipeline.open({ maxConcurrentTasks: cap });
        try {
          await hire(pipeline);
          const list = new NaiveQueue(cap);
          let batch: { command: Command; given?: string[] }[] = [];
          for (const one of [...steps, { kind: 'commit' as const }]) {
            const played = one.kind === 'commit' ? null : play(one, list);
            if (played) batch.push(played);
            if (one.kind !== 'commit') continue;
            const answers = await pipeline.together(batch.map(({ command }) => command));
            for (const [index, { command, given }] of batch.entries()) {
              if (!given) continue;
              const { assignments } = answers[index] as Replies['claim'];
              expect(
                assignments.map(({ task }) => task.id),
                JSON.stringify(command),
              ).toEqual(given);
            }
            batch = [];
          }
          expect((await pipeline.store.survey()).tasks.executing).toBe(list.held().length);
        } finally {
          await pipeline.store.close();
        }
      }),
      { numRuns: 60, interruptAfterTimeLimit: 15_000 },
    );
  },
);
