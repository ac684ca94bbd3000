/**
 * The body's decisions against a model that says the same in the simplest way: arrays and linear scans. Whatever
 * happens, in whatever batches, both give the same answers, tell the same events and keep the same records.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Command } from '../core/command.ts';
import { canonicalJson } from '../core/json.ts';
import { dimensionOf, embeddedAs, type MemoryScope, memoryFrom, memoryId, memoryScopeFrom } from '../core/memory.ts';
import { planFrom } from '../core/plan.ts';
import { scheduleFrom } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import { voteFrom } from '../core/vote.ts';
import type { Worker } from '../core/worker.ts';
import { decisionFrom } from '../mind/decision.ts';
import { type Action, action, commandOf, OPENING } from '../testing/model/actions.ts';
import type { ModelWorker } from '../testing/model/colony.ts';
import { Model } from '../testing/model/model.ts';
import { experienceOf, viewAnswer, viewTask, viewVote, viewWorker } from '../testing/model/views.ts';
import { Pipeline } from '../testing/pipeline.ts';
import { RULES } from '../testing/rules.ts';
import { unroutableAt } from './told.ts';

const DAY_MS = 86_400_000;

/** Body and model side by side; where several kernels can share a colony, the body has two of them, one at a time. */
class Twins {
  readonly pipelines: Pipeline[];
  readonly model: Model;
  #batch: Command[] = [];
  #expected: unknown[] = [];
  #told: unknown[] = [];

  static async open(rules: typeof RULES): Promise<Twins> {
    const pipeline = await Pipeline.open(rules);
    const other = await pipeline.beside(rules);
    return new Twins(other ? [pipeline, other] : [pipeline], rules);
  }

  private constructor(pipelines: Pipeline[], rules: typeof RULES) {
    this.pipelines = pipelines;
    this.model = new Model(rules);
    this.model.now = this.pipeline.clock.now();
  }

  get pipeline(): Pipeline {
    return this.pipelines[0]!;
  }

  /** From now on the other kernel serves. */
  async change(): Promise<void> {
    await this.flush();
    this.pipelines.reverse();
  }

  async close(): Promise<void> {
    for (const { store } of this.pipelines) await store.close();
  }

  async act({ together, what }: Action): Promise<void> {
    if (!together) await this.flush();
    if (what.kind === 'wait' || what.kind === 'jump' || what.kind === 'forget') return this.#pass(what);
    const command = commandOf(what, this.model);
    this.#batch.push(command);
    this.#expected.push(this.model.run(command));
    this.#told.push(...this.model.events);
  }

  async #pass(what: { kind: 'wait' | 'jump'; ms: number } | { kind: 'forget' }): Promise<void> {
    await this.flush();
    const { clock, store } = this.pipeline;
    if (what.kind === 'wait') await clock.advance(what.ms);
    else if (what.kind === 'jump') clock.jump(what.ms);
    else {
      const before = clock.now().wall - 1000;
      this.model.forget(before);
      const retention = { endedBefore: before, ledgerBefore: null, idempotencyBefore: before - DAY_MS };
      await store.prune(retention, 1000);
    }
    this.model.now = clock.now();
  }

  /** Lets the body decide what has gathered, and compares. */
  async flush(): Promise<void> {
    if (this.#batch.length === 0) return;
    const { pipeline } = this;
    pipeline.happened.length = 0;
    const answers = await pipeline.together(this.#batch);
    const story = this.#batch.map((command) => JSON.stringify(command)).join('\n');
    expect(answers.map(viewAnswer), story).toEqual(this.#expected);
    const changes = pipeline.happened.flatMap((happened) => happened.changes);
    const entries = pipeline.happened.flatMap((happened) => happened.entries);
    const events = changes.flatMap((change) => change.events);
    expect(events, story).toEqual(this.#told);
    expect(entries.map(({ data }) => data)).toEqual(events.map(({ data }) => canonicalJson(data)));
    for (const { data } of events) expect(JSON.stringify(data)).toBe(canonicalJson(data));
    this.#batch = [];
    this.#expected = [];
    this.#told = [];
  }

  async compareRecords(): Promise<void> {
    const { store } = this.pipeline;
    const { items } = await store.tasks({ limit: 10_000, maxBytes: Number.POSITIVE_INFINITY });
    const kept = this.model.tasks.filter((task) => !task.removed);
    expect(items.map(viewTask).reverse()).toEqual(kept.map(viewTask));
    const workers = [...(await store.workers())].sort((a, b) => byNumber(a.id, b.id));
    expect(workers.map(viewWorker)).toEqual(this.model.workers.map(viewWorker));
    for (const [at, worker] of workers.entries()) compareExperience(worker, this.model.workers[at]!);
    for (const { id, attempt, routing } of items) {
      const toldAt = this.model.toldAt(id);
      expect(unroutableAt({ routing })).toBe(toldAt);
      if (toldAt === null) expect(decisionFrom(routing) !== null).toBe(attempt > 0);
    }
    for (const vote of this.model.votes) {
      const document = await store.document('vote', vote.id);
      expect(document && viewVote(voteFrom(document))).toEqual(viewVote(vote));
    }
    for (const plan of this.model.plans) {
      const document = await store.document('plan', plan.id);
      expect(document && planFrom(document)).toEqual(this.model.viewPlan(plan));
      const tasks = await store.document('plan_tasks', plan.id);
      expect(tasks).toMatchObject({ body: { tasks: plan.tasks }, endedAt: plan.endedAt });
    }
    for (const schedule of this.model.schedules) {
      const document = await store.document('schedule', schedule.id);
      expect(document && scheduleFrom(document)).toEqual(schedule);
    }
    for (const entry of this.model.memory) {
      const { gone, ...kept } = entry;
      const document = await store.document('memory', memoryId(entry.scope, entry.key));
      if (gone) expect(document && memoryFrom(document).version).not.toBe(entry.version);
      else expect(memoryFrom(document!)).toMatchObject(kept);
    }
    for (const { scope, keys, vectors, dimension, texts, embedded, floor } of await scopesOf(store)) {
      const all = this.model.memory.filter((entry) => entry.scope === scope);
      const lengths = all
        .filter(({ gone, vector }) => !gone && vector !== null)
        .map(({ vector }) => dimensionOf(vector!));
      expect(keys).toBe(all.filter(({ gone }) => !gone).length);
      expect(vectors).toBe(lengths.length);
      expect(dimension).toBe(lengths[0] ?? null);
      const there = all.filter(({ gone }) => !gone);
      expect(texts).toBe(there.filter(({ text }) => text !== null).length);
      const models = there.flatMap(({ embedding }) => (embedding === null ? [] : embeddedAs(embedding)));
      expect(embedded).toEqual(
        Object.fromEntries([...Map.groupBy(models, (one) => one)].map(([m, all]) => [m, all.length])),
      );
      expect(floor).toBe(Math.max(0, ...all.filter(({ gone }) => gone).map(({ version }) => version)));
    }
    for (const [status, count] of Object.entries((await store.survey()).tasks)) {
      expect([status, count]).toEqual([status, kept.filter((task) => task.status === status).length]);
    }
    expect((await store.ledger.verify()).valid).toBe(true);
  }
}

/** Thousandths add up, and clocks that jump make attempts older or younger than they are. */
function compareExperience({ experience }: Worker, model: ModelWorker): void {
  const due = experienceOf(model);
  expect(experience.map(({ capability }) => capability).sort()).toEqual(due.map(({ capability }) => capability).sort());
  for (const one of due) {
    const known = experience.find(({ capability }) => capability === one.capability)!;
    expect(known.at).toBe(one.at);
    expect(Math.abs(known.attempts - one.attempts)).toBeLessThan(0.05);
    expect(Math.abs(known.successes - one.successes)).toBeLessThan(0.05);
    if (one.successes > 0.9) expect(Math.abs(known.meanMs - one.meanMs)).toBeLessThan(10 + 0.05 * one.meanMs);
  }
}

async function scopesOf(store: Store): Promise<MemoryScope[]> {
  const query = { collection: 'memory_scope', prefix: '', limit: 100, maxCharacters: 1e6 } as const;
  return (await store.documentsNamed(query)).items.map(memoryScopeFrom);
}

function byNumber(a: string, b: string): number {
  return Number(a.slice(4)) - Number(b.slice(4));
}

/** Seldom enough for each kernel to believe that it is alone. */
const step = fc.record({ one: action, changes: fc.nat({ max: 15 }).map((n) => n === 1) });

test.each([0, 2])(
  'with room for %i at once, the body and its model agree on everything',
  async (maxConcurrentTasks) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120, size: 'max' }), async (steps) => {
        const rules = { ...RULES, maxConcurrentTasks, maxTaskDepth: 2, maxLeaseLosses: 2 };
        const twins = await Twins.open(rules);
        try {
          for (const one of OPENING) await twins.act(one);
          for (const { one, changes } of steps) {
            if (changes) await twins.change();
            await twins.act(one);
          }
          await twins.flush();
          await twins.compareRecords();
        } finally {
          await twins.close();
        }
      }),
      { numRuns: 120, interruptAfterTimeLimit: 15_000 },
    );
  },
);
