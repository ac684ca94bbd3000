/** That nearness of meaning routes tasks better than none, with the half of the labelled texts that nothing was tuned with. */
import { expect, test } from 'vitest';
import { NgramEmbedder } from '../../src/memory/embedders/ngram-embedder.ts';
import { labelled } from './labelled.ts';
import { routed } from './routing.ts';

test('with ten past tasks each, six workers get far more of the tasks that they are good at than without', async () => {
  const texts = await labelled(new NgramEmbedder(), 'held out');
  const shape = { kindsEach: 2, past: 10, wrong: 0.2 };
  expect(routed(texts, shape, 6)).toBeGreaterThan(1.4 * routed(texts, shape, 6, false));
});

test('the texts of a kind do not name it, and none comes twice', async () => {
  const all = [];
  for (const half of ['tuning', 'held out'] as const) {
    for (const some of (await labelled(new NgramEmbedder(), half)).values()) all.push(...some);
  }
  expect(new Set(all.map(({ text }) => text)).size).toBe(all.length);
  for (const { kind, text } of all) {
    for (const word of kind.split('-')) expect(text.toLowerCase().split(/\P{L}+/u)).not.toContain(word);
  }
});
