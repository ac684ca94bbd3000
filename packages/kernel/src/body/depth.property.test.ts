/**
 * Many more tasks than are looked at, of many kinds of requirements: nothing waits that somebody could do, and nobody is given
 * a task while one that comes before it, and that they could do, is left.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Assignment, Command, Replies } from '../core/command.ts';
import { groupOf } from '../core/lane.ts';
import type { Task } from '../core/task.ts';
import { freeSlots, type Worker } from '../core/worker.ts';
import { matches } from '../mind/matching.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';
import { type Bee, bee } from '../testing/waiting-bee.ts';
import { byRank } from './ranked.ts';

const ROOMS = Array.from({ length: 40 }, (_, n) => `room-${n}`);
const GROUPS = [null, 'a', 'b', 'c'];

const task = fc.record({
  can: fc.constantFrom('dig', 'fly'),
  // Some kinds have many more tasks than are loaded at once.
  room: fc.oneof(fc.nat(ROOMS.length - 1), fc.constantFrom(0, 1)),
  priority: fc.nat(3),
  group: fc.nat(GROUPS.length - 1),
});
const world = fc.record({
  room: fc.constantFrom(0, 0, 7),
  perGroup: fc.constantFrom(0, 0, 2),
  ageing: fc.constantFrom(0, 0, 1000),
  most: fc.constantFrom(0, 0, 3),
  hasGroups: fc.boolean(),
  backlog: fc.array(task, { minLength: 50, maxLength: 300, size: 'max' }),
  quiet: fc.boolean(),
  bees: fc.array(fc.record({ can: fc.subarray(['dig', 'fly'], { minLength: 1 }), slots: fc.constantFrom(1, 3, 50) }), {
    minLength: 1,
    maxLength: 4,
  }),
});
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ credit: fc.nat(), slots: fc.constantFrom(0, 1, 2, 20, 40) }) },
  { weight: 4, arbitrary: fc.record({ complete: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ completeAll: fc.constant(true) }) },
  { weight: 2, arbitrary: fc.record({ submit: fc.array(task, { minLength: 1, maxLength: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ cancel: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ claim: fc.nat(), max: fc.constantFrom(1, 2, 5, 40) }) },
  { weight: 2, arbitrary: fc.record({ settle: fc.constant(true) }) },
);
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

class Deep {
  readonly pipeline: Pipeline;
  readonly #world: World;
  readonly #bees: Bee[] = [];
  readonly #credit = new Map<Bee, number>();
  readonly #seen = new Map<Bee, number>();
  #running: Assignment[] = [];
  #tasks = 0;

  constructor(pipeline: Pipeline, drawn: World) {
    this.pipeline = pipeline;
    this.#world = drawn;
  }

  static async open(drawn: World): Promise<Deep> {
    const { room: maxConcurrentTasks, perGroup: maxConcurrentPerGroup, ageing: priorityAgingMs, most } = drawn;
    const pipeline = await Pipeline.open({ maxConcurrentTasks, maxConcurrentPerGroup, priorityAgingMs });
    const deep = new Deep(pipeline, drawn);
    if (most > 0) {
      const limits = [{ id: 'dig', capability: 'dig', max_concurrent: most }];
      await pipeline.run({ kind: 'set_policy', actor: 'ann', policy: { rules: [], limits }, expected: null });
    }
    await pipeline.run(deep.#submit(drawn.backlog));
    if (drawn.quiet) {
      for (let n = 0; n < 9; n++)
        await pipeline.run({ kind: 'announce', actor: 'kernel', event: 'kernel_started', data: {} });
    }
    for (const [n, { can, slots }] of drawn.bees.entries()) {
      deep.#bees.push(await bee(pipeline, `bee-${n}`, 0, can, slots, { room: ROOMS }));
    }
    return deep;
  }

  #submit(tasks: World['backlog']): Command {
    const made = tasks.map(({ can, room, priority, group }) => {
      const about = { requirements: { capability: can, room: ROOMS[room]! }, priority };
      const own = this.#world.hasGroups ? { group: GROUPS[group]! } : {};
      return newTask(`t${this.#tasks++}`, { ...about, ...own }, this.pipeline.clock.now().wall);
    });
    return { kind: 'submit', actor: 'ann', tasks: made };
  }

  command(one: typeof step extends fc.Arbitrary<infer T> ? T : never): Command[] {
    if ('submit' in one) return [this.#submit(one.submit)];
    if ('claim' in one) {
      const { workerId } = this.#bees[one.claim % this.#bees.length]!.link;
      return [{ kind: 'claim', actor: `worker:${workerId}`, workerId, max: one.max }];
    }
    if ('cancel' in one)
      return [{ kind: 'cancel', actor: 'ann', taskId: `t${one.cancel % this.#tasks}`, cascade: false }];
    if ('credit' in one) {
      const chosen = this.#bees[one.credit % this.#bees.length]!;
      this.#credit.set(chosen, one.slots);
      this.pipeline.dispatcher.credit(chosen.link, one.slots);
      return [];
    }
    const which = 'complete' in one ? one.complete % (this.#running.length || 1) : 0;
    const ended = 'completeAll' in one ? this.#running.splice(0) : this.#running.splice(which, 1);
    return ended.map(({ task: { id, worker }, token }) => {
      return { kind: 'complete', actor: `worker:${worker}`, taskId: id, leaseToken: token, result: 'null' };
    });
  }

  async settle(commands: readonly Command[]): Promise<void> {
    const answers = this.pipeline.together(commands);
    this.pipeline.batcher.kick();
    const claimed = (await answers).flatMap((answer) =>
      'assignments' in answer ? (answer as Replies['claim']).assignments : [],
    );
    await this.pipeline.batcher.settled();
    const given = this.#bees.flatMap((one) => {
      const all = one.assignments();
      const news = all.slice(this.#seen.get(one) ?? 0);
      this.#seen.set(one, all.length);
      this.#credit.set(one, (this.#credit.get(one) ?? 0) - news.length);
      return news;
    });
    given.push(...claimed);
    this.#running.push(...given);
    const { items } = await this.pipeline.store.tasks({ status: 'executing', limit: 1000, maxBytes: 1e9 });
    const live = new Set(items.map(({ id }) => id));
    this.#running = this.#running.filter(({ task: { id } }) => live.has(id));
    await this.#check(given, items);
  }

  async #check(given: readonly Assignment[], executing: readonly Task[]): Promise<void> {
    const { store } = this.pipeline;
    const { room, perGroup, most } = this.#world;
    const { items: queued } = await store.tasks({ status: 'queued', limit: 1000, maxBytes: 1e9 });
    const workers = new Map((await store.workers()).map((worker) => [worker.id, worker]));
    const counted = (of: (task: Task) => boolean) => executing.filter(of).length;
    const digs = ({ spec }: Task) => spec.value.requirements.capability === 'dig';
    const inGroup = (group: string) => counted(({ lane }) => groupOf(lane) === group);
    if (room > 0) expect(executing.length).toBeLessThanOrEqual(room);
    if (most > 0) expect(counted(digs)).toBeLessThanOrEqual(most);
    for (const group of perGroup > 0 ? ['a', 'b', 'c'] : [])
      expect(inGroup(group), group).toBeLessThanOrEqual(perGroup);
    const isOpen = (one: Task) => {
      const group = groupOf(one.lane);
      return (
        !(most > 0 && digs(one) && counted(digs) >= most) && !(perGroup > 0 && group && inGroup(group) >= perGroup)
      );
    };
    const could = (worker: Worker, one: Task) => matches(worker, one.spec.value.requirements);
    if (room === 0 || executing.length < room) {
      for (const [{ link }, credit] of this.#credit) {
        const worker = workers.get(link.workerId)!;
        if (credit <= 0 || freeSlots(worker) === 0) continue;
        expect(queued.filter((one) => isOpen(one) && could(worker, one)).map(({ id }) => [id, worker.id])).toEqual([]);
      }
    }
    for (const { task: one } of given) {
      const worker = workers.get(one.worker!)!;
      const group = groupOf(one.lane);
      // What a limit holds back is passed over, and groups take turns. Among those of one group that the same limits bound ranks
      // decide, and with no such limit, priorities over all groups. No time passes, so nothing ages.
      const isAlike = (other: Task) => most === 0 || digs(other) === digs(one);
      const isBefore = (other: Task) =>
        groupOf(other.lane) === group ? byRank(other, one) < 0 : perGroup === 0 && other.priority > one.priority;
      const before = queued.filter((other) => isAlike(other) && could(worker, other) && isBefore(other));
      expect(before.map(({ id }) => [id, 'before', one.id, worker.id])).toEqual([]);
    }
  }
}

test('nothing waits that somebody could do, and nothing is passed over', async () => {
  await fc.assert(
    fc.asyncProperty(world, fc.array(step, { maxLength: 40, size: 'max' }), async (drawn, steps) => {
      const deep = await Deep.open(drawn);
      try {
        let batch: Command[] = [];
        for (const one of [...steps, { settle: true as const }]) {
          // A claim sees what came before it, and not what comes after.
          if (!('settle' in one || 'claim' in one)) batch.push(...deep.command(one));
          else {
            await deep.settle(batch);
            batch = [];
            if ('claim' in one) await deep.settle(deep.command(one));
          }
        }
        expect(deep.pipeline.storeFailures).toEqual([]);
      } finally {
        await deep.pipeline.store.close();
      }
    }),
    { numRuns: 300, interruptAfterTimeLimit: 8_000 },
  );
}, 60_000);
