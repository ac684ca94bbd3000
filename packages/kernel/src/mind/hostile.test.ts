/** Requirements and workers as large as a request may be are compared without anybody noticing. */
import { expect, test } from 'vitest';
import { DEFAULT_WEIGHTS } from '../core/mind-rules.ts';
import { aTask, aWorker } from '../testing/scribe.ts';
import { passingFacts } from './eligibility.ts';
import { matches } from './matching.ts';
import { score } from './scoring.ts';

const names = Array.from({ length: 100_000 }, (_, n) => `n${n}`);

/** Comparing each with each would take minutes; the suite's own patience is the limit. */
test('a hundred thousand things that are wanted are found among a hundred thousand', () => {
  const profile = { name: 'Maya', capabilities: [], attributes: { tools: names }, maxConcurrentTasks: 1 };
  const worker = aWorker({ profile });
  expect(matches(worker, { tools: names.toReversed() })).toBe(true);
  expect(matches(worker, { tools: [...names.toReversed(), 'none'] })).toBe(false);
});

/** What says the same again and again is asked once, however many are weighed. */
test('a task that asks for the same a hundred thousand times is weighed like any other', () => {
  const same = (name: string) => Array.from({ length: 100_000 }, () => name);
  const capabilities = [...names.slice(0, 199).map((name) => ({ name })), { name: 'dig', supported_languages: ['de'] }];
  const profile = { name: 'Maya', capabilities, attributes: { region: 'eu' }, maxConcurrentTasks: 1 };
  const contenders = Array.from({ length: 64 }, () => ({ worker: aWorker({ profile }), taken: 0, waitedMs: 0 }));
  const requirements = { capabilities: same('dig') };
  const preferences = {
    ...{ capability: same('dig'), capabilities: same('dig'), language: same('de') },
    region: same('eu'),
  };
  const lane = passingFacts('hostile', requirements);
  const task = aTask({ requirements, preferences });
  for (let n = 0; n < 20; n++) {
    const scored = score(contenders, task, lane, { weights: DEFAULT_WEIGHTS, nearness: null }, n);
    expect(scored[63]!.scores).toMatchObject({ success: 0.75, preferences: 1 });
  }
});
