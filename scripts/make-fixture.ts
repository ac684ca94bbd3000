/**
 * Writes a small colony with a bit of everything in it, as the database that this version leaves behind:
 * `node scripts/make-fixture.ts packages/kernel/test/fixtures/schema-N.db`. Later versions must open it.
 */
import { rmSync } from 'node:fs';
import { Kernel } from '../packages/kernel/src/body/kernel.ts';
import { InMemoryBus } from '../packages/kernel/src/bus/in-memory.ts';
import type { NewTask } from '../packages/kernel/src/core/command.ts';
import { Refusal } from '../packages/kernel/src/core/errors.ts';
import { type TaskInput, toSpec } from '../packages/kernel/src/core/task.ts';
import { SqliteStore } from '../packages/kernel/src/store/sqlite/store.ts';
import { RULES } from '../packages/kernel/src/testing/pipeline.ts';
import { Random } from '../packages/kernel/src/testing/random.ts';
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
  rules: RULES,
  retention: { taskRetentionMs: null, ledgerRetentionMs: null, workerRetentionMs: 1e12 },
  checkpoints: { keep: 20, everyMs: null },
  version: 'fixture',
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
  return { id: random.id(clock.now().steady), spec, json, contentHash: '0'.repeat(64), lane, path: '' };
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
await kernel.heartbeat(worker, undefined);
await clock.advance(200);

const waiting = await submit({ description: 'waits for its time', delay_seconds: 3600 });
await submit({ description: 'depends', depends_on: [waiting] });
const parent = await submit({ description: 'held by a worker', priority: 6 });
await submit({ description: 'child', parent_id: parent, requirements: { capability: 'nobody has this' } });
const cancelled = await submit({ description: 'cancelled' });
await kernel.execute({ kind: 'cancel', actor: 'fixture', taskId: cancelled, cascade: false });
await claim(worker, 1);
await kernel.execute({ kind: 'drain', actor: 'fixture', workerId: worker });
await kernel.execute({ kind: 'lose_worker', actor: 'kernel', workerId: lost });
await kernel.stop();
rmSync(`${path}.lock`, { force: true });
