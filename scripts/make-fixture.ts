/**
 * Writes a small colony with a bit of everything in it, as the database that this version leaves behind:
 * `node scripts/make-fixture.ts packages/kernel/test/fixtures/schema-N.db`. Later versions must open it.
 */
import { rmSync } from 'node:fs';
import { Kernel } from '../packages/kernel/src/body/kernel.ts';
import { InMemoryBus } from '../packages/kernel/src/bus/in-memory.ts';
import { contentHash } from '../packages/kernel/src/core/chain.ts';
import type { NewTask } from '../packages/kernel/src/core/command.ts';
import { Refusal } from '../packages/kernel/src/core/errors.ts';
import { vectorText } from '../packages/kernel/src/core/memory.ts';
import { type TaskInput, toSpec } from '../packages/kernel/src/core/task.ts';
import { TaskMaker } from '../packages/kernel/src/core/task-maker.ts';
import { NgramEmbedder } from '../packages/kernel/src/memory/embedders/ngram-embedder.ts';
import { SqliteStore } from '../packages/kernel/src/store/sqlite/store.ts';
import { planCommand } from '../packages/kernel/src/testing/plan-command.ts';
import { Random } from '../packages/kernel/src/testing/random.ts';
import { RULES } from '../packages/kernel/src/testing/rules.ts';
import { SimClock } from '../packages/kernel/src/testing/sim-clock.ts';

const path = process.argv[2];
if (!path) throw new Error('say where to write it');
for (const end of ['', '-wal', '-shm', '.lock']) rmSync(`${path}${end}`, { force: true });

const clock = new SimClock();
const random = new Random(1);
const store = await SqliteStore.open({ path });
const kernel = await Kernel.open({
  store,
  bus: new InMemoryBus(),
  clock,
  // Whoever opens it years later still finds the votes open.
  rules: { ...RULES, guardian: { ...RULES.guardian, voteExpiresMs: 1e13 } },
  retention: { taskRetentionMs: null, ledgerRetentionMs: null, workerRetentionMs: 1e12 },
  checkpoints: { keep: 20, everyMs: null },
  version: 'fixture',
  embedder: new NgramEmbedder(),
  maker: new TaskMaker(() => random.id(clock.now().steady), 3600),
  random: random.next,
  patienceMs: 0,
  observer: {
    committed: () => undefined,
    heldBack: () => undefined,
    storeFailed: () => undefined,
    storeLost: () => undefined,
    storeRepaired: () => undefined,
    fault: (error) => {
      throw error;
    },
  },
});

function newTask(input: TaskInput): NewTask {
  const spec = toSpec(input, 'fixture', clock.now().wall);
  const json = JSON.stringify(spec);
  const lane = JSON.stringify(spec.requirements);
  return { id: random.id(clock.now().steady), spec, json, contentHash: contentHash(json), lane, path: '' };
}

async function ok<T>(answer: Promise<T | Refusal>): Promise<T> {
  const value = await answer;
  if (value instanceof Refusal) throw new Error(value.detail);
  return value;
}

async function submit(input: TaskInput, key?: string): Promise<string> {
  const idempotency = key === undefined ? {} : { idempotency: { key, bodyHash: 'the body' } };
  const command = { kind: 'submit', actor: 'fixture', tasks: [newTask(input)], ...idempotency } as const;
  return (await ok(kernel.execute(command))).tasks[0]!.id;
}

async function register(name: string): Promise<string> {
  const { worker } = await ok(
    kernel.execute({
      kind: 'register',
      actor: 'fixture',
      id: random.id(clock.now().steady),
      name,
      capabilities: [{ name: 'work', category: 'any', supported_languages: ['en'], max_complexity: 'high' }],
      attributes: { region: 'eu' },
      maxConcurrentTasks: 4,
    }),
  );
  return worker.id;
}

const claim = (workerId: string, max: number) => ok(kernel.execute({ kind: 'claim', actor: 'fixture', workerId, max }));

const [worker, lost] = [await register('steady'), await register('lost')];
await submit(
  { description: 'completed', payload: { text: 'grüße \u0000 \u{1F41D}' }, tags: ['done', 'fixture'], priority: 10 },
  'a key',
);
await submit({ description: 'failed', priority: 9 });
await submit({ description: 'timeout', priority: 8, timeout_seconds: 1 });
await submit({ description: 'retrying', priority: 7, max_retries: 3 });
const { assignments } = await claim(worker, 4);
const settle = { actor: 'fixture', leaseToken: 1 };
await kernel.execute({ kind: 'complete', ...settle, taskId: assignments[0]!.task.id, result: '{"answer":42}' });
await kernel.execute({
  kind: 'fail',
  ...settle,
  taskId: assignments[1]!.task.id,
  error: 'no',
  errorTrace: 'at line 1',
  retryable: false,
  random: 0,
});
await kernel.execute({
  kind: 'fail',
  ...settle,
  taskId: assignments[3]!.task.id,
  error: 'not yet',
  errorTrace: null,
  retryable: true,
  random: 0.999,
});
await clock.advance(950);
await kernel.workers.heartbeat(worker, undefined);
await clock.advance(200);

const waiting = await submit({ description: 'waits for its time', delay_seconds: 3600 });
await submit({ description: 'depends', depends_on: [waiting] });
const parent = await submit({ description: 'held by a worker', priority: 6 });
await submit({ description: 'child', parent_id: parent, requirements: { capability: 'nobody has this' } });
const cancelled = await submit({ description: 'cancelled' });
await kernel.execute({ kind: 'cancel', actor: 'fixture', taskId: cancelled, cascade: false });
await claim(worker, 1);

// Of forty tasks one worker does all, and the other none: it is put into quarantine.
const [sound, drifting] = [await register('sound'), await register('drifting')];
for (let n = 0; n < 20; n++) {
  const good = await submit({ description: `good ${n}`, priority: 10 });
  const bad = await submit({ description: `bad ${n}`, priority: 9 });
  await claim(sound, 1);
  await claim(drifting, 1);
  const failed = { error: 'no', errorTrace: null, retryable: false, random: 0 };
  await ok(kernel.execute({ kind: 'complete', ...settle, taskId: good, result: 'true' }));
  await ok(kernel.execute({ kind: 'fail', ...settle, taskId: bad, ...failed }));
}
const rule = { id: 'risky', type: 'prohibited_pattern', action: 'require_approval', patterns: ['risky'] };
await ok(kernel.execute({ kind: 'set_policy', actor: 'fixture', policy: { rules: [rule] }, expected: null }));
await submit({ description: 'risky business' });
for (const id of ['a-question', 'decided']) {
  const question = { decision: id, participants: ['ann', 'bob'], threshold: 1, expiresMs: 1e13 };
  await ok(kernel.execute({ kind: 'open_vote', actor: 'fixture', id, ...question }));
}
const ballot = { kind: 'cast_ballot', actor: 'fixture', approve: true, reason: 'fine' } as const;
for (const participant of ['ann', 'bob']) await ok(kernel.execute({ ...ballot, voteId: 'decided', participant }));
await ok(kernel.execute(planCommand('plan', { first: {}, second: { depends_on: ['first'] } }, clock.now().wall)));
const template = { task: { description: 'now and then' }, overlap: 'skip', catchUp: 'none' } as const;
const rhythm = { name: 'now and then', cron: '0 3 * * *', everyMs: null, timezone: 'Europe/Berlin' };
await ok(kernel.execute({ kind: 'create_schedule', actor: 'fixture', id: 'nightly', ...rhythm, ...template }));
await ok(kernel.execute({ kind: 'pause_schedule', actor: 'fixture', scheduleId: 'nightly', paused: true }));

function put(key: string, text: string, vector: readonly number[] | null = null): Promise<unknown> {
  const said = {
    value: JSON.stringify(text),
    metadata: { about: key },
    text,
    hash: contentHash(text),
    ttlMs: null,
    path: '',
  };
  const items = [{ key, ...said, vector: vector && vectorText(vector) }];
  const condition = { match: null, absent: false };
  return ok(kernel.execute({ kind: 'put_memory', actor: 'fixture', scope: 'notes', items, condition }));
}
await put('refunds', 'who wants the money back', [1, 0]);
await put('changed', 'before the checkpoint', [0, 1]);
const toChange = await submit({ description: 'changes after the checkpoint' });
await ok(kernel.checkpoints.create('before', 'fixture'));
await submit({ description: 'comes after the checkpoint' });
await ok(kernel.execute({ kind: 'cancel', actor: 'fixture', taskId: toChange, cascade: false }));
await ok(kernel.execute({ ...ballot, voteId: 'a-question', participant: 'ann' }));
await put('changed', 'after the checkpoint', [1, 1]);
await kernel.execute({ kind: 'drain', actor: 'fixture', workerId: worker });
await kernel.execute({ kind: 'lose_worker', actor: 'kernel', workerId: lost });
await kernel.stop();
rmSync(`${path}.lock`, { force: true });
