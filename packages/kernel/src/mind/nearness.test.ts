import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { DEFAULT_WEIGHTS, type Nearness } from '../core/mind-rules.ts';
import { loneKernel } from '../testing/lone-kernel.ts';
import { newTask } from '../testing/pipeline.ts';
import { aWorker } from '../testing/scribe.ts';
import type { Explanation } from './explanation.ts';
import { soundNearness } from './nearness.ts';

const TASK = {} as Parameters<Nearness>[0];

/** What comes of an answer, and what is told of it. */
function answer(answers: () => unknown): { near: number | null; told: unknown[] } {
  const told: unknown[] = [];
  const sound = soundNearness(
    () => [answers() as number],
    (fault) => told.push(fault),
  );
  return { near: sound(TASK, [aWorker()])?.[0] ?? null, told };
}

test.each([0, 0.25, 1, null])('%s is what it is', (near) => {
  expect(answer(() => near)).toEqual({ near, told: [] });
});

test.each([
  [-0.5, 0],
  [1.0001, 1],
  [1e300, 1],
  [Number.NaN, null],
  [Number.POSITIVE_INFINITY, null],
  [Number.NEGATIVE_INFINITY, null],
  ['0.5', null],
  [{}, null],
])('%s counts as %s, and is told', (given, near) => {
  const { near: counted, told } = answer(() => given);
  expect(counted).toBe(near);
  expect(told).toEqual([new RangeError(`nearness must be from 0 to 1 or null, and was ${String(given)}`)]);
});

test('of one that throws nothing is known, and why is told', () => {
  const fault = new Error('the index is closed');
  const throws = () => {
    throw fault;
  };
  expect(answer(throws)).toEqual({ near: null, told: [fault] });
});

test('whatever it answers, what counts is from 0 to 1 or nothing, and no more than one answer is told', () => {
  fc.assert(
    fc.property(fc.array(fc.anything()), (answers) => {
      const told: unknown[] = [];
      let at = 0;
      const near = soundNearness(
        () => [answers[at++] as number],
        (fault) => told.push(fault),
      );
      for (const _ of answers) {
        const counted = near(TASK, [aWorker()])?.[0] ?? null;
        if (counted !== null) expect(counted >= 0 && counted <= 1).toBe(true);
      }
      expect(told.length).toBeLessThanOrEqual(1);
    }),
  );
});

test.each<[string, Nearness]>([
  ['throws', () => expect.fail('the index is closed')],
  ['says what is no number', () => [Number.NaN, Number.NaN]],
  ['says more than there can be', () => [Number.POSITIVE_INFINITY]],
  ['says nothing of anybody', () => 1 as never],
])('a kernel whose nearness %s gives tasks to those who wait, and says so once', async (_, nearness) => {
  const { kernel, wait, faults } = await loneKernel(undefined, { mind: { weights: DEFAULT_WEIGHTS, nearness } });
  const about = { name: 'w', capabilities: [], attributes: {}, maxConcurrentTasks: 1 };
  for (const id of ['ann', 'bob']) await kernel.execute({ kind: 'register', actor: id, id, ...about });
  const given = [wait('ann'), wait('bob')];
  for (const id of ['a', 'b']) await kernel.execute({ kind: 'submit', actor: 'eve', tasks: [newTask(id, {}, 0)] });
  await vi.waitFor(() => expect(given.flat().sort()).toEqual(['a', 'b']));
  const { candidates } = (await kernel.mind.explain('a')) as Explanation;
  expect(candidates[0]!.scores).toHaveProperty('success');
  expect(candidates[0]!.scores).not.toHaveProperty('nearness');
  expect(faults.splice(0)).toHaveLength(1);
});
