import { expect, test } from 'vitest';
import type { Task } from '../../core/task.ts';
import { parsePolicy } from '../../guardian/parse.ts';
import type { Policy } from '../../guardian/policy.ts';
import { aTask } from '../../testing/scribe.ts';
import { resolutionsOf } from './resolving.ts';

const POLICY = (parsePolicy({ version: 1, rules: [] }) as { policy: Policy }).policy;
const DONE = aTask({}, { id: 'done', plan: 'p', status: 'completed', result: JSON.stringify('x'.repeat(1_000_000)) });

function waiting(id: string): Task {
  const task = aTask({ payload: { text: { $result: 'k' } } }, { id, plan: 'p', status: 'pending', unmet: 1 });
  task.spec.value.results_from = { k: DONE.id };
  return task;
}

test('once it would be too much for one completion, nothing more is put together', () => {
  let looked = 0;
  const tasks = Array.from({ length: 300 }, (_, at) => waiting(`t${at}`));
  const taskOf = () => {
    looked++;
    return DONE;
  };
  const resolutions = [...resolutionsOf(tasks, taskOf, POLICY).values()];
  expect(resolutions.filter((one) => 'spec' in one)).toHaveLength(16);
  expect(resolutions.slice(16).every((one) => 'error' in one && /^result_too_large/.test(one.error))).toBe(true);
  expect(looked).toBe(17);
});

test('the text of what has got its results is what it says', () => {
  const done = aTask(
    {},
    { id: DONE.id, plan: 'p', status: 'completed', result: ' { "b": [1.50, "ü\\u2028"], "1": 0 } ' },
  );
  const [resolution] = [...resolutionsOf([waiting('t')], () => done, POLICY).values()];
  if (!resolution || 'error' in resolution) throw new Error('there is none');
  const { json, value } = resolution.spec;
  expect(json).toBe(JSON.stringify(value));
  expect(JSON.parse(json)).toEqual(value);
  expect(value).toMatchObject({ description: 'dig', payload: { text: { b: [1.5, 'ü\u2028'], '1': 0 } } });
  expect(value).not.toHaveProperty('results_from');
});
