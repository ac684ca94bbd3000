/** Whatever has happened since a checkpoint, a rollback makes of the colony what it was; to whichever one goes, in any order. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Refusal } from '../core/errors.ts';
import { memoryFrom, memoryId, memoryScopeFrom } from '../core/memory.ts';
import type { Store } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import { type Action, action, commandOf, OPENING } from '../testing/model/actions.ts';
import { Model } from '../testing/model/model.ts';
import { Pipeline } from '../testing/pipeline.ts';
import { RULES } from '../testing/rules.ts';
import { plain } from '../testing/scribe.ts';
import { Checkpoints } from './checkpoints.ts';

const step = fc.record({ one: action, checkpoint: fc.nat({ max: 9 }).map((n) => n === 0) });
const story = fc.record({
  steps: fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
  back: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
});

/** What a rollback is to bring back: all but leases, and how often and since when somebody waited for one. */
async function snapshot(store: Store): Promise<unknown> {
  const shown = (task: Task) => {
    const isHeld = task.status === 'executing';
    const { version, leaseToken, queuedAt, ...rest } = plain(task);
    return isHeld ? { ...rest, status: 'queued', worker: null, deadline: null, startedAt: null } : rest;
  };
  const { items } = await store.tasks({ limit: 10_000, maxBytes: Number.POSITIVE_INFINITY });
  const votes = (await store.documents({ collection: 'vote', limit: 10_000 })).items;
  const plans = (await store.documents({ collection: 'plan', limit: 10_000 })).items;
  const keys = (await store.documents({ collection: 'plan_tasks', limit: 10_000 })).items;
  const documents = [...votes, ...plans, ...keys].map(({ version, ...rest }) => rest);
  return { tasks: items.map(shown), documents, memory: await remembered(store) };
}

/** Of each entry the highest version that it had, as far as the ledger and what there is can tell. */
async function versionsEver(store: Store): Promise<Map<string, number>> {
  const versions = await versionsOf(store);
  for (const { data } of await store.ledger.query({ type: 'memory_written', limit: 10_000 })) {
    const { scope, key, version } = JSON.parse(data) as { scope: string; key: string; version: number };
    const id = memoryId(scope, key);
    versions.set(id, Math.max(versions.get(id) ?? 0, version));
  }
  return versions;
}

async function versionsOf(store: Store): Promise<Map<string, number>> {
  const query = { collection: 'memory', prefix: '', limit: 10_000, maxCharacters: 1e9 } as const;
  return new Map((await store.documentsNamed(query)).items.map((one) => [one.id, memoryFrom(one).version]));
}

/** All but versions, which go on. */
async function remembered(store: Store): Promise<unknown[]> {
  const all = async (collection: 'memory' | 'memory_scope') =>
    (await store.documentsNamed({ collection, prefix: '', limit: 10_000, maxCharacters: 1e9 })).items;
  const entries = (await all('memory')).map((document) => ({ ...memoryFrom(document), version: null }));
  const scopes = (await all('memory_scope')).map(memoryScopeFrom).filter(({ keys }) => keys > 0);
  return [...entries, ...scopes.map((scope) => ({ ...scope, floor: null }))];
}

async function act(pipeline: Pipeline, model: Model, { what }: Action): Promise<void> {
  // What retention takes away no rollback brings back.
  if (what.kind === 'forget') return;
  if (what.kind === 'wait') await pipeline.clock.advance(what.ms);
  else if (what.kind === 'jump') pipeline.clock.jump(what.ms);
  else {
    const command = commandOf(what, model);
    model.run(command);
    await pipeline.run(command);
  }
  model.now = pipeline.clock.now();
}

test('invariant 13: a rollback brings back what was, and the ledger goes on', async () => {
  await fc.assert(
    fc.asyncProperty(story, async ({ steps, back }) => {
      const rules = { ...RULES, maxTaskDepth: 2, maxLeaseLosses: 2 };
      const pipeline = await Pipeline.open(rules);
      const { store, batcher, clock } = pipeline;
      let made = 0;
      const checkpoints = new Checkpoints({
        ...{ store, batcher, clock, rules: { keep: 100, everyMs: null }, newId: () => `c${++made}` },
        onRolledBack: async () => undefined,
      });
      const copies: { id: string; copy: unknown }[] = [];
      const save = async () => {
        const checkpoint = await checkpoints.create(null, 'ann');
        if (checkpoint instanceof Refusal) throw checkpoint;
        copies.push({ id: checkpoint.id, copy: await snapshot(store) });
      };
      try {
        const model = new Model(rules);
        model.now = clock.now();
        for (const one of OPENING) await act(pipeline, model, one);
        await save();
        for (const { one, checkpoint } of steps) {
          if (checkpoint) await save();
          await act(pipeline, model, one);
        }
        const tokens = new Map<string, number>();
        for (const n of back) {
          const { id, copy } = copies[n % copies.length]!;
          const before = (await store.tasks({ limit: 10_000, maxBytes: 1e9 })).items;
          for (const task of before) tokens.set(task.id, Math.max(tokens.get(task.id) ?? 0, task.leaseToken));
          const { last } = await store.ledger.span();
          const versions = await versionsEver(store);
          const standing = await versionsOf(store);
          const checkpoint = (await checkpoints.find(id))!;
          const foreseen = await checkpoints.figures(checkpoint);
          expect(await checkpoints.rollback(id, 'ann')).toEqual(foreseen);
          expect(await snapshot(store)).toEqual(copy);
          expect((await store.ledger.span()).last).toBeGreaterThan(last);
          expect(await checkpoints.figures(checkpoint)).toMatchObject({
            tasks: { restored: 0, removed: 0, requeued: 0 },
          });
          for (const [id, version] of await versionsOf(store)) {
            if (standing.get(id) !== version) expect(version).toBeGreaterThan(versions.get(id) ?? 0);
          }
          const after = (await store.tasks({ limit: 10_000, maxBytes: 1e9 })).items;
          for (const task of after) expect(task.leaseToken).toBeGreaterThanOrEqual(tokens.get(task.id) ?? 0);
          const { tasks } = await store.survey();
          for (const status of Object.keys(tasks) as Task['status'][]) {
            expect(tasks[status]).toBe(after.filter((task) => task.status === status).length);
          }
          for (const worker of await store.workers()) expect(worker.holds).toEqual([]);
        }
        expect((await store.ledger.verify()).valid).toBe(true);
      } finally {
        await store.close();
      }
    }),
    { numRuns: 40, interruptAfterTimeLimit: 12_000 },
  );
});
