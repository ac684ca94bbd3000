/**
 * However good or bad, broad or narrow, fast or slow the workers are that wait for the same tasks: each of them is given
 * something, one minute after those who came back since at the latest.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Replies } from '../core/command.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';
import type { WorkerLink } from './links.ts';

const worker = fc.record({
  /** How often it succeeds. */
  skill: fc.double({ min: 0, max: 1, noNaN: true }),
  /** What it can do besides. */
  breadth: fc.nat({ max: 5 }),
  /** How long it takes, in seconds. */
  pace: fc.nat({ max: 5 }),
});

test('nobody who waits for work starves', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(worker, { minLength: 2, maxLength: 6 }), fc.integer(), async (those, seed) => {
      const pipeline = await Pipeline.open();
      try {
        let state = seed >>> 0;
        const chance = () => {
          state = (state * 1_664_525 + 1_013_904_223) >>> 0;
          return state / 2 ** 32;
        };
        const links: WorkerLink[] = [];
        const since = new Map<WorkerLink, number>();
        const busyUntil = new Map<WorkerLink, { at: number; taskId: string; leaseToken: number }>();
        for (const [n, { breadth }] of those.entries()) {
          const id = `bee-${n}`;
          const names = ['dig', ...Array.from({ length: breadth }, (_, other) => `other-${other}`)];
          await pipeline.run({
            ...{ kind: 'register', actor: 'ann', id, name: id, attributes: {}, maxConcurrentTasks: 1 },
            capabilities: names.map((name) => ({ name })),
          });
          const link: WorkerLink = {
            ...{ workerId: id, isSignOfLife: true },
            assign: () => undefined,
            cancel: () => undefined,
            drain: () => undefined,
            removed: () => undefined,
          };
          pipeline.dispatcher.attach(link, (await pipeline.store.worker(id))!);
          pipeline.dispatcher.credit(link, 1);
          links.push(link);
          since.set(link, 0);
        }
        pipeline.batcher.kick();
        await pipeline.batcher.settled();
        for (let second = 0; second < 200; second++) {
          const task = newTask(`t${second}`, { requirements: { capability: 'dig' } }, pipeline.clock.now().wall);
          await pipeline.run({ kind: 'submit', actor: 'ann', tasks: [task] });
          for (const { served } of pipeline.happened.splice(0)) {
            for (const { link, answer } of served) {
              for (const { task: given, token } of (answer as Replies['claim']).assignments) {
                const { pace } = those[links.indexOf(link)]!;
                busyUntil.set(link, { at: second + pace, taskId: given.id, leaseToken: token });
                since.delete(link);
              }
            }
          }
          for (const [link, waitingSince] of since) {
            expect(second - waitingSince, link.workerId).toBeLessThanOrEqual(61 + those.length);
          }
          await pipeline.clock.advance(1000);
          for (const [link, { at, ...lease }] of [...busyUntil]) {
            if (at > second) continue;
            busyUntil.delete(link);
            const { skill } = those[links.indexOf(link)]!;
            const command = { actor: `worker:${link.workerId}`, ...lease };
            await pipeline.run(
              chance() < skill
                ? { kind: 'complete', ...command, result: 'null' }
                : { kind: 'fail', ...command, error: 'no', errorTrace: null, retryable: false, random: 0 },
            );
            if ((await pipeline.store.worker(link.workerId))!.quarantine) continue;
            pipeline.dispatcher.credit(link, 1);
            since.set(link, second + 1);
          }
          pipeline.batcher.kick();
          await pipeline.batcher.settled();
        }
      } finally {
        await pipeline.store.close();
      }
    }),
    { numRuns: 8, interruptAfterTimeLimit: 15_000 },
  );
}, 60_000);
