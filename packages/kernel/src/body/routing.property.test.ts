/**
 * Whoever comes and goes, and whatever is handed in: no task waits while somebody who could take it waits for one, has a free
 * slot, and the colony has room. Looked at after every batch, task by task and worker by worker.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Assignment, Command } from '../core/command.ts';
import type { JsonObject } from '../core/json.ts';
import { freeSlots, type Worker } from '../core/worker.ts';
import { decisionFrom } from '../mind/decision.ts';
import { matches } from '../mind/matching.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';
import type { WorkerLink } from './links.ts';

const NAMES = ['dig', 'fly', 'sing'];
const some = fc.subarray(NAMES);
const task = fc.record({ needs: some, region: fc.constantFrom(null, 'eu', 'us'), prefers: some, priority: fc.nat(3) });
const event = fc.oneof(
  { weight: 4, arbitrary: fc.record({ submit: fc.array(task, { minLength: 1, maxLength: 5 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      hire: fc.record({ can: some, region: fc.constantFrom('eu', 'us'), slots: fc.integer({ min: 1, max: 3 }) }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ credit: fc.nat(), slots: fc.nat(4) }) },
  { weight: 5, arbitrary: fc.record({ complete: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ fail: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ leave: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ lose: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ cancel: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ wait: fc.nat({ max: 90_000 }) }) },
);

/** A colony whose workers all have an open link. */
class Yard {
  readonly pipeline: Pipeline;
  readonly #links: WorkerLink[] = [];
  readonly #credit = new Map<WorkerLink, number>();
  readonly #running: Assignment[] = [];
  #tasks = 0;
  #hired = 0;

  constructor(pipeline: Pipeline) {
    this.pipeline = pipeline;
  }

  /** What is to be handed to the body, if anything. */
  async command(one: typeof event extends fc.Arbitrary<infer T> ? T : never): Promise<Command | null> {
    const { clock, dispatcher } = this.pipeline;
    this.#account();
    if ('submit' in one) {
      const tasks = one.submit.map(({ needs, region, prefers, priority }) => {
        const requirements: JsonObject = {
          ...(needs.length > 0 && { capabilities: needs }),
          ...(region && { region }),
        };
        const preferences: JsonObject = prefers.length > 0 ? { capabilities: prefers } : {};
        return newTask(`t${this.#tasks++}`, { requirements, preferences, priority }, clock.now().wall);
      });
      return { kind: 'submit', actor: 'ann', tasks };
    }
    if ('hire' in one) {
      await this.#hire(one.hire);
      return null;
    }
    if ('wait' in one) {
      await clock.advance(one.wait);
      return null;
    }
    if ('credit' in one) {
      const link = this.#links[one.credit % (this.#links.length || 1)];
      if (link) {
        dispatcher.credit(link, one.slots);
        this.#credit.set(link, one.slots);
      }
      return null;
    }
    if ('complete' in one || 'fail' in one) {
      const [ended] = this.#running.splice('complete' in one ? one.complete % (this.#running.length || 1) : 0, 1);
      if (!ended) return null;
      const lease = { actor: `worker:${ended.task.worker}`, taskId: ended.task.id, leaseToken: ended.token };
      if ('complete' in one) return { kind: 'complete', ...lease, result: 'null' };
      return { kind: 'fail', ...lease, error: 'no', errorTrace: null, retryable: false, random: 0 };
    }
    if ('cancel' in one) {
      return { kind: 'cancel', actor: 'ann', taskId: `t${one.cancel % (this.#tasks || 1)}`, cascade: false };
    }
    const link =
      this.#links['leave' in one ? one.leave % (this.#links.length || 1) : one.lose % (this.#links.length || 1)];
    if (!link) return null;
    const { workerId } = link;
    if ('lose' in one) return { kind: 'lose_worker', actor: 'kernel', workerId };
    this.#links.splice(this.#links.indexOf(link), 1);
    this.#credit.delete(link);
    dispatcher.detach(link);
    return { kind: 'unregister', actor: 'ann', workerId, reason: 'unregistered' };
  }

  async #hire({ can, region, slots }: { can: string[]; region: string; slots: number }): Promise<void> {
    const id = `bee-${this.#hired++}`;
    const capabilities = can.map((name) => ({ name }));
    await this.pipeline.run({
      ...{ kind: 'register', actor: 'ann', id, name: id, capabilities, attributes: { region } },
      maxConcurrentTasks: slots,
    });
    const link: WorkerLink = {
      ...{ workerId: id, isSignOfLife: true },
      assign: () => undefined,
      cancel: () => undefined,
      drain: () => undefined,
      removed: () => undefined,
    };
    this.pipeline.dispatcher.attach(link, (await this.pipeline.store.worker(id))!);
    this.#links.push(link);
  }

  /** Lets the body decide, and takes note of what was given. */
  async settle(commands: readonly Command[]): Promise<void> {
    const answers = this.pipeline.together(commands);
    this.pipeline.batcher.kick();
    await answers;
    await this.pipeline.batcher.settled();
    this.#account();
    const { items } = await this.pipeline.store.tasks({ status: 'executing', limit: 1000, maxBytes: 1e9 });
    const live = new Map(items.map(({ id, leaseToken }) => [id, leaseToken]));
    this.#running.splice(0, Infinity, ...this.#running.filter(({ task: { id }, token }) => live.get(id) === token));
  }

  /** What was given takes credit. */
  #account(): void {
    for (const { link, answer } of this.pipeline.happened.splice(0).flatMap(({ served }) => served)) {
      const { assignments } = answer as { assignments: readonly Assignment[] };
      const credit = this.#credit.get(link);
      // It may have left since.
      if (credit !== undefined) this.#credit.set(link, credit - assignments.length);
      this.#running.push(...assignments);
    }
  }

  async check(maxConcurrentTasks: number): Promise<void> {
    const { store } = this.pipeline;
    const { items: queued } = await store.tasks({ status: 'queued', limit: 1000, maxBytes: 1e9 });
    const workers = new Map((await store.workers()).map((worker) => [worker.id, worker]));
    for (const [link, credit] of this.#credit) expect(credit, link.workerId).toBeGreaterThanOrEqual(0);
    for (const { profile, holds } of workers.values())
      expect(holds.length).toBeLessThanOrEqual(profile.maxConcurrentTasks);
    if (maxConcurrentTasks > 0 && this.#running.length >= maxConcurrentTasks) {
      expect(this.#running).toHaveLength(maxConcurrentTasks);
      return;
    }
    const idle = [...this.#credit].filter(([link, credit]) => credit > 0 && freeSlots(workers.get(link.workerId)!) > 0);
    for (const { id, spec } of queued) {
      const could = idle.map(([link]) => workers.get(link.workerId) as Worker);
      expect(
        could.filter((worker) => matches(worker, spec.value.requirements)).map((worker) => [id, worker.id]),
      ).toEqual([]);
    }
  }
}

test.each([0, 2])(
  'with room for %i at once, nothing waits that somebody could do',
  async (maxConcurrentTasks) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(event, { minLength: 1, maxLength: 4 }), { maxLength: 30 }),
        async (batches) => {
          const pipeline = await Pipeline.open({ maxConcurrentTasks });
          try {
            const yard = new Yard(pipeline);
            for (const batch of batches) {
              const commands: Command[] = [];
              for (const one of batch)
                commands.push(...[await yard.command(one)].filter((command) => command !== null));
              await yard.settle(commands);
              await yard.check(maxConcurrentTasks);
            }
            expect(pipeline.storeFailures).toEqual([]);
          } finally {
            await pipeline.store.close();
          }
        },
      ),
      { numRuns: 100, interruptAfterTimeLimit: 12_000 },
    );
  },
  60_000,
);

test('what was decided is kept with the task: the one that got it and those that could have', async () => {
  const pipeline = await Pipeline.open();
  const yard = new Yard(pipeline);
  const hire = { can: ['dig'], region: 'eu' as const, slots: 1 };
  for (let n = 0; n < 3; n++) await yard.command({ hire });
  for (let n = 0; n < 3; n++) await yard.command({ credit: n, slots: 1 });
  await yard.settle([(await yard.command({ submit: [{ needs: ['dig'], region: null, prefers: [], priority: 1 }] }))!]);
  const task = (await pipeline.store.task('t0'))!;
  const { chosen, others } = decisionFrom(task.routing)!;
  expect([chosen.name, ...others.map(({ workerId }) => workerId)].sort()).toEqual(
    (await pipeline.store.workers()).map(({ id }) => id).sort(),
  );
  expect(task.worker).toBe(chosen.name);
  await pipeline.store.close();
});
