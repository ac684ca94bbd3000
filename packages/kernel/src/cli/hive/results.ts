import { open, rename, rm } from 'node:fs/promises';
import type { ColonyClient, Task } from '@colonyos/client';
import type { Folder } from './folder.ts';
import type { SimulateOptions } from './options.ts';
import type { Outcome } from './report.ts';
import { runTag } from './tasks.ts';
import type { Tracker } from './tracker.ts';

const PAGE = 1_000;
const KEPT_LOSSES = 1_000;

/** What the kernel says of a run's tasks in the end. */
export interface Findings {
  readonly tasks: ReadonlyMap<string, Pick<Task, 'status' | 'error'>>;
  /** What the bees found out, for each file the last time. */
  readonly files: ReadonlyMap<string, Pick<Task, 'status' | 'result' | 'error'>>;
}

/** Asks for every task, page by page; for what the pages leave out, once more by its id. */
export async function fetchFindings(client: ColonyClient, tracker: Tracker, run: string): Promise<Findings> {
  const tasks = new Map<string, Pick<Task, 'status' | 'error'>>();
  const files = new Map<string, Pick<Task, 'status' | 'result' | 'error'>>();
  const note = ({ id, status, result, error }: Task) => {
    tasks.set(id, { status, error });
    const path = tracker.tasks.get(id)?.path;
    // The newest come first.
    if (path !== undefined && !files.has(path)) files.set(path, { status, result, error });
  };
  for await (const task of client.iterateTasks({ tag: runTag(run), limit: PAGE })) note(task);
  for (const id of tracker.tasks.keys()) {
    if (!tasks.has(id)) await client.getTask(id).then(note, () => {});
  }
  return { tasks, files };
}

interface Run {
  readonly run: string;
  readonly startedAt: Date;
  readonly url: string;
  readonly own: boolean;
  readonly options: SimulateOptions;
  readonly folder: Folder;
}

/** The content of the results file. */
export function resultsOf(
  { run, startedAt, url, own, options, folder }: Run,
  { figures, ledger, losses, refused, killed, crashed }: Outcome,
  { files }: Findings,
): object {
  return {
    run,
    started_at: startedAt.toISOString(),
    kernel: { url, own },
    options: {
      input: folder.root,
      workers: options.workers,
      rate: options.rate ?? null,
      duration_seconds: options.durationSeconds ?? null,
      seed: options.seed,
      chaos: options.chaos,
    },
    figures: { ...figures, refused, killed, crashed, lost: losses.length },
    ledger: {
      valid: ledger.valid,
      entries: ledger.entries,
      stream: { ...ledger.stream, gapless: ledger.stream.gaps === 0 && ledger.stream.firstDifference === null },
    },
    losses: losses.slice(0, KEPT_LOSSES),
    skipped: { ...folder.skipped, too_large_files: folder.tooLarge },
    files: Object.fromEntries([...files].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Whole or not at all: whoever reads the file never sees half of it, whatever happens now. */
export async function writeResults(path: string, results: object): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(draft, 'w');
    try {
      await file.writeFile(`${JSON.stringify(results, null, 1)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
