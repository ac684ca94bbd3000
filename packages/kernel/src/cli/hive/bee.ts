/**
 * A bee: a worker in a process of its own. It waits for its order, registers and works until it is told to stop. When
 * the hive is gone it goes too, at once; the kernel notices its silence and gives its tasks to others.
 */
import { type AssignedTask, type TaskContext, Worker } from '@colonyos/client';
import type { BeeCommand, BeeOrder, BeeReport } from './bee-protocol.ts';
import { MAX_FILE_BYTES } from './folder.ts';
import { KINDS, type Kind, languagesOf, TRADES } from './kinds.ts';
import { complexityOf, type FilePayload } from './tasks.ts';
import { UnusableFile, workOn } from './work/open.ts';

let worker: Worker | undefined;

process.on('disconnect', () => process.exit(0));
process.on('message', (command: BeeCommand) => {
  if (command.type === 'work') void work(command);
  else void stop();
});

async function work(order: BeeOrder): Promise<void> {
  worker = new Worker({
    url: order.url,
    token: order.token,
    name: order.name,
    capabilities: order.kinds.map((kind) => ({
      name: TRADES[kind].capability,
      category: TRADES[kind].category,
      supported_languages: languagesOf(kind),
      max_complexity: complexityOf(MAX_FILE_BYTES),
    })),
    attributes: { simulation: order.run, memory: 'medium' },
    concurrency: order.concurrency,
    handler: (task, context) => attempt(order, task, context),
    // The hive says when to stop; a Ctrl-C in the terminal is meant for the hive.
    signals: false,
    shutdownTimeoutMs: 3_000,
    onError: ({ message }) => tell({ type: 'trouble', message }),
  });
  try {
    await worker.start();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
  tell({ type: 'ready', workerId: worker.id });
  await worker.stopped;
  process.exit(0);
}

async function attempt(order: BeeOrder, task: AssignedTask, { signal, progress }: TaskContext): Promise<unknown> {
  const path = pathOf(task.payload);
  const leaseMs = Date.parse(task.lease.expires_at) - Date.parse(task.started_at ?? '');
  tell({ type: 'started', path, leaseMs });
  let done = false;
  try {
    const result = await workOn(kindOf(task), order.root, path, { signal, progress });
    done = true;
    return result;
  } finally {
    tell({ type: 'ended', path, done });
  }
}

function pathOf(payload: unknown): string {
  const { path } = (payload ?? {}) as Partial<FilePayload>;
  if (typeof path !== 'string') throw new UnusableFile('the payload names no path');
  return path;
}

function kindOf({ requirements }: AssignedTask): Kind {
  const kind = KINDS.find((one) => TRADES[one].capability === requirements.capability);
  if (!kind) throw new UnusableFile('the task asks for no capability of a bee');
  return kind;
}

async function stop(): Promise<void> {
  await worker?.stop();
  process.exit(0);
}

function tell(report: BeeReport): void {
  // Between the hive's death and the event that tells of it, there is nobody to tell.
  if (process.connected) process.send?.(report, undefined, undefined, () => {});
}
