/** What is committed together is done long before anybody gives it up: so many tasks, so much text, and no more. */
import { expect, onTestFinished, test } from 'vitest';
import type { Command } from '../core/command.ts';
import { type MemoryInput, vectorText } from '../core/memory.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';

async function begin(): Promise<Pipeline> {
  const pipeline = await Pipeline.open();
  onTestFinished(() => pipeline.store.close());
  return pipeline;
}

let made = 0;

function submit(tasks: number, characters = 1): Command {
  const payload = 'x'.repeat(characters);
  return {
    kind: 'submit',
    actor: 'ann',
    tasks: Array.from({ length: tasks }, () => newTask(`t${++made}`, { payload }, 0)),
  };
}

const MILLION = 1024 * 1024;

test.each([
  ['4,000 tasks fill a batch', [submit(1500), submit(1500), submit(1000), submit(1)], [3, 1]],
  ['what would be more than 4,000 tasks comes next', [submit(1500), submit(1500), submit(1001)], [2, 1]],
  ['more than that at once is a batch of its own', [submit(1), submit(4500), submit(1)], [1, 1, 1]],
  ['so is more text than 8 million characters', [submit(1), submit(2, 5 * MILLION), submit(1)], [1, 1, 1]],
  ['text is counted over all tasks', [submit(3, 2 * MILLION), submit(1, 1.5 * MILLION), submit(1, MILLION)], [2, 1]],
])('%s', async (_, commands, batches) => {
  const pipeline = await begin();
  const answers = await pipeline.together(commands);
  expect(answers.every((answer) => 'tasks' in answer)).toBe(true);
  expect(pipeline.happened.map((one) => one.commands)).toEqual(batches);
});

test('what texts were found to mean counts', async () => {
  const pipeline = await begin();
  const items = [{ key: 'nobody', version: 1, hash: '', vector: 'A'.repeat(3 * MILLION) }];
  const embed = { kind: 'embed_memory', actor: 'kernel', scope: 's', model: 'm', items } as const;
  await pipeline.together([embed, embed, embed, submit(1)]);
  expect(pipeline.happened.map((one) => one.commands)).toEqual([2, 2]);
});

test('what a worker reports counts as text, too', async () => {
  const pipeline = await begin();
  const report = (): Command => ({ kind: 'complete', actor: 'bee', taskId: 'nobody', leaseToken: 1, result: text });
  const text = JSON.stringify('x'.repeat(3.5 * MILLION));
  const fail: Command = {
    ...{ kind: 'fail', actor: 'bee', taskId: 'nobody', leaseToken: 1, retryable: true, random: 0 },
    ...{ error: 'x'.repeat(2 * MILLION), errorTrace: 'x'.repeat(2 * MILLION) },
  };
  await pipeline.together([report(), report(), submit(1), fail, report(), submit(1)]);
  expect(pipeline.happened.map((one) => one.commands)).toEqual([3, 3]);
});

test('so does all that is put into memory, its words above all', async () => {
  const pipeline = await begin();
  const put = (key: string, fields: Partial<MemoryInput>): Command => {
    const item = {
      key,
      value: '1',
      metadata: {},
      text: null,
      vector: null,
      hash: 'h',
      ttlMs: null,
      path: '',
      ...fields,
    };
    return { kind: 'put_memory', actor: 'ann', scope: 's', items: [item], condition: { match: null, absent: false } };
  };
  const commands = [
    ...Array.from({ length: 12 }, (_, n) => put(`text ${n}`, { text: 'x'.repeat(100_000) })),
    put('value', { value: JSON.stringify('x'.repeat(6 * MILLION)) }),
    put('vector', { vector: vectorText(Array(MILLION / 4).fill(1)) }),
    put('fields', { metadata: Object.fromEntries(Array.from({ length: 40_000 }, (_, n) => [`f${n}`, n])) }),
    put('another', { vector: vectorText(Array(MILLION / 4).fill(1)) }),
  ];
  await pipeline.together(commands);
  expect(pipeline.happened.map((one) => one.commands)).toEqual([10, 3, 1, 1, 1]);
});
