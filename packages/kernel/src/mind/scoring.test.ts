/** Who is chosen among several, a sentence a case; what each term says; and that nobody waits for ever. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../core/json.ts';
import { DEFAULT_WEIGHTS, type Nearness, TERMS, type Weights } from '../core/mind-rules.ts';
import type { Capability, Experience, Worker } from '../core/worker.ts';
import { aTask, aWorker } from '../testing/scribe.ts';
import { decisionFrom, decisionText } from './decision.ts';
import { laneFacts } from './eligibility.ts';
import { expectation, withAttempt } from './experience.ts';
import { best, type Contender, score } from './scoring.ts';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-06-01T12:00:00Z');

interface Bee {
  capabilities?: Capability[];
  attributes?: JsonObject;
  slots?: number;
  holds?: string[];
  experience?: Experience[];
}

function bee(
  name: string,
  { capabilities = [{ name: 'dig' }], attributes = {}, slots = 1, ...rest }: Bee = {},
): Worker {
  const profile = { name, capabilities, attributes, maxConcurrentTasks: slots };
  return aWorker({ id: name, profile, ...rest });
}

function known(capability: string, attempts: number, successes: number, meanMs = 1000): Experience {
  return { capability, attempts, successes, meanMs, at: NOW };
}

interface Asked {
  requirements?: JsonObject;
  preferences?: JsonObject;
  waitedMs?: number[];
  nearness?: Nearness;
  weights?: Weights;
}

function weigh(workers: readonly Worker[], asked: Asked = {}) {
  const { requirements = { capability: 'dig' }, preferences = {}, waitedMs = [] } = asked;
  const task = aTask({ requirements, preferences });
  const lane = laneFacts(JSON.stringify(requirements), requirements);
  const contenders = workers.map((worker, at): Contender => ({ worker, taken: 0, waitedMs: waitedMs[at] ?? 0 }));
  return score(
    contenders,
    task,
    lane,
    { weights: asked.weights ?? DEFAULT_WEIGHTS, nearness: asked.nearness ?? null },
    NOW,
  );
}

function chosen(workers: readonly Worker[], asked?: Asked): string {
  const scored = weigh(workers, asked);
  return scored[best(scored)]!.worker.profile.name;
}

describe('the task goes', () => {
  test('to the first of equals', () => {
    expect(chosen([bee('first'), bee('second')])).toBe('first');
  });

  test('to the one that succeeds more often at such tasks', () => {
    const poor = bee('poor', { experience: [known('dig', 10, 5)] });
    const good = bee('good', { experience: [known('dig', 10, 10)] });
    expect(chosen([poor, good])).toBe('good');
  });

  test('rather to a stranger than to one that fails, and rather to one that succeeds than to a stranger', () => {
    const poor = bee('poor', { experience: [known('dig', 10, 4)] });
    const good = bee('good', { experience: [known('dig', 10, 10)] });
    expect(chosen([poor, bee('stranger')])).toBe('stranger');
    expect(chosen([bee('stranger'), good])).toBe('good');
  });

  test('by what was done at other tasks to nobody', () => {
    expect(chosen([bee('first'), bee('flyer', { experience: [known('fly', 10, 10)] })])).toBe('first');
  });

  test('to the faster of two that are as good', () => {
    const slow = bee('slow', { experience: [known('dig', 10, 10, 8000)] });
    const fast = bee('fast', { experience: [known('dig', 10, 10, 2000)] });
    expect(chosen([slow, fast])).toBe('fast');
  });

  test('to the one with more of its slots free', () => {
    expect(chosen([bee('half', { slots: 2, holds: ['a'] }), bee('free', { slots: 2 })])).toBe('free');
  });

  test('to the one that meets what is preferred', () => {
    const eu = bee('eu', { attributes: { region: 'eu' } });
    expect(chosen([bee('us', { attributes: { region: 'us' } }), eu], { preferences: { region: 'eu' } })).toBe('eu');
    expect(chosen([bee('any'), bee('Maya')], { preferences: { worker: 'Maya' } })).toBe('Maya');
  });

  test('to the one that can do the least besides', () => {
    const generalist = bee('generalist', { capabilities: [{ name: 'dig' }, { name: 'fly' }, { name: 'sing' }] });
    expect(chosen([generalist, bee('digger')])).toBe('digger');
    expect(chosen([generalist, bee('digger')], { requirements: {} })).toBe('digger');
    const needs = { requirements: { capability: 'dig', cpu: 'low' } };
    expect(chosen([bee('big'), bee('small', { attributes: { cpu: 'low' } })], needs)).toBe('small');
    const deep = { requirements: { capability: 'dig', complexity: 3 } };
    const limits = (max: number) => ({ capabilities: [{ name: 'dig', max_complexity: max }] });
    expect(chosen([bee('ten', limits(10)), bee('three', limits(3))], deep)).toBe('three');
  });

  test('to the one that did well what is near to it in meaning', () => {
    const nearness: Nearness = (_, workers) => workers.map(({ id }) => (id === 'near' ? 0.9 : 0.1));
    expect(chosen([bee('far'), bee('near')], { nearness })).toBe('near');
  });

  test('without a question how near it is when there is only one, or when that counts nothing', () => {
    const nearness: Nearness = () => {
      throw new Error('nobody is to ask');
    };
    expect(chosen([bee('only')], { nearness })).toBe('only');
    expect(chosen([bee('first'), bee('second')], { nearness, weights: { ...DEFAULT_WEIGHTS, nearness: 0 } })).toBe(
      'first',
    );
  });

  test('in the end to the one that has waited', () => {
    const good = bee('good', { experience: [known('dig', 100, 100)] });
    const poor = bee('poor', { experience: [known('dig', 100, 0)] });
    expect(chosen([poor, good], { waitedMs: [10_000, 0] })).toBe('good');
    expect(chosen([poor, good], { waitedMs: [61_000, 0] })).toBe('poor');
  });
});

test('every term is between 0 and 1, what cannot be said is left out, and the score is their weighted mean and the wait', () => {
  const experience = fc.record({ attempts: fc.nat({ max: 50 }), share: fc.double({ min: 0, max: 1, noNaN: true }) });
  const worker = fc.record({ experience, slots: fc.integer({ min: 1, max: 9 }), waitedMs: fc.nat({ max: 600_000 }) });
  fc.assert(
    fc.property(fc.array(worker, { minLength: 1, maxLength: 6 }), fc.boolean(), (those, prefers) => {
      const workers = those.map(({ experience: { attempts, share }, slots }, n) =>
        bee(`w${n}`, { slots, experience: [known('dig', attempts, attempts * share, n * 100)] }),
      );
      const preferences = prefers ? { region: 'eu' } : {};
      const scored = weigh(workers, { preferences, waitedMs: those.map(({ waitedMs }) => waitedMs) });
      for (const { score: total, scores } of scored) {
        const said = TERMS.filter((term) => scores[term] !== undefined);
        expect(said.includes('preferences')).toBe(prefers && those.length > 1);
        expect(said).not.toContain('nearness');
        for (const term of said) {
          expect(scores[term]).toBeGreaterThanOrEqual(0);
          expect(scores[term]).toBeLessThanOrEqual(1);
        }
        const weight = said.reduce((sum, term) => sum + DEFAULT_WEIGHTS[term], 0);
        const sum = said.reduce((all, term) => all + DEFAULT_WEIGHTS[term] * scores[term]!, 0);
        expect(total).toBeCloseTo(sum / weight + scores.wait!, 9);
      }
    }),
  );
});

test('a task that is given away in the same breath takes a slot', () => {
  const [before] = weigh([bee('w', { slots: 4 })]);
  const lane = laneFacts('{}', {});
  const [after] = score(
    [{ worker: bee('w', { slots: 4 }), taken: 3, waitedMs: 0 }],
    aTask(),
    lane,
    { weights: DEFAULT_WEIGHTS, nearness: null },
    NOW,
  );
  expect([before!.scores.free_slots, after!.scores.free_slots]).toEqual([1, 0.25]);
});

describe('experience', () => {
  const asked = ['dig'];

  test('counts attempts, successes, and how long a success takes', () => {
    let all = withAttempt([], asked, { failed: false, elapsedMs: 1000 }, NOW);
    all = withAttempt(all, asked, { failed: false, elapsedMs: 3000 }, NOW);
    all = withAttempt(all, asked, { failed: true, elapsedMs: 9000 }, NOW);
    expect(all).toEqual([{ capability: 'dig', attempts: 3, successes: 2, meanMs: 2000, at: NOW }]);
  });

  test('counts half after a day', () => {
    const old = withAttempt([], asked, { failed: true, elapsedMs: 1 }, NOW - DAY_MS);
    const all = withAttempt(old, asked, { failed: false, elapsedMs: 1 }, NOW);
    expect(all[0]).toMatchObject({ attempts: 1.5, successes: 1 });
    expect(expectation(old, asked, NOW + 30 * DAY_MS).success).toBeCloseTo(0.75, 5);
  });

  test('is kept by capability, for tasks that ask for none by itself, and for the 32 asked for last', () => {
    const done = { failed: false, elapsedMs: 1 };
    let all = withAttempt([], [], done, NOW);
    all = withAttempt(all, ['dig', 'fly'], done, NOW);
    expect(all.map(({ capability }) => capability)).toEqual(['', 'dig', 'fly']);
    for (let n = 0; n < 31; n++) all = withAttempt(all, [`c${n}`], done, NOW);
    all = withAttempt(all, ['fly'], done, NOW);
    expect(all.map(({ capability }) => capability)).toEqual([...Array.from({ length: 31 }, (_, n) => `c${n}`), 'fly']);
  });

  test('at several capabilities is the mean over them', () => {
    const all = [known('dig', 6, 6, 1000), known('fly', 6, 0, 0)];
    expect(expectation(all, ['dig', 'fly'], NOW)).toEqual({ success: (7.5 / 8 + 1.5 / 8) / 2, meanMs: 1000 });
  });

  test('of the future counts as of now: clocks may lie', () => {
    expect(expectation([{ ...known('dig', 2, 2), at: NOW + DAY_MS }], asked, NOW).success).toBe(3.5 / 4);
  });
});

test('a decision can be read again: the one that got it, and the nine best of the others', () => {
  const workers = Array.from({ length: 20 }, (_, n) =>
    bee(`w${n}`, { experience: [known('dig', 10, (n * 7) % 11, 1000)] }),
  );
  const scored = weigh(workers);
  const at = best(scored);
  const decision = decisionFrom(decisionText(scored, at))!;
  expect(decision.chosen.name).toBe(scored[at]!.worker.profile.name);
  expect(decision.chosen.score).toBeCloseTo(scored[at]!.score, 2);
  expect(decision.others).toHaveLength(9);
  const scores = decision.others.map((one) => one.score);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  expect(Object.keys(decision.chosen.scores)).toEqual(['success', 'speed', 'free_slots', 'fit', 'wait']);
  expect([decisionFrom(null), decisionFrom('{"unroutable_at":5}')]).toEqual([null, null]);
});
