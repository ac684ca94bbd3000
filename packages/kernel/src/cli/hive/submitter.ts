import { setTimeout as sleep } from 'node:timers/promises';
import type { ColonyClient } from '@colonyos/client';
import type { FoundFile } from './folder.ts';
import { taskFor } from './tasks.ts';
import type { Tracker } from './tracker.ts';

/** Without a rate, so many tasks are unfinished at most: latencies then tell of the kernel, not of a heap of work. */
const MAX_OPEN = 500;
/** With a rate, so many submits wait for their answer at most: beyond it the kernel cannot keep up. */
const MAX_UNANSWERED = 5_000;
const LOOK_AGAIN_MS = 2;

interface Submission {
  readonly client: ColonyClient;
  readonly tracker: Tracker;
  readonly files: readonly FoundFile[];
  readonly run: string;
  /** Tasks per second; as fast as they are done when undefined. */
  readonly rate: number | undefined;
  /** How long to go on, with the same files again and again; each file once when undefined. */
  readonly durationMs: number | undefined;
  readonly signal: AbortSignal;
}

/** Submits that were refused or not answered. Nothing was promised, so nothing is lost. */
export interface Refusals {
  count: number;
  first: string | undefined;
}

/** Turns files into tasks and hands them in. Resolves when every submit has been answered; never rejects. */
export async function submitFiles(submission: Submission): Promise<Refusals> {
  const { tracker, files, rate, durationMs, signal } = submission;
  const refusals: Refusals = { count: 0, first: undefined };
  const unanswered = new Set<Promise<void>>();
  const start = performance.now();
  const isOver = (n: number) =>
    signal.aborted || (durationMs === undefined ? n >= files.length : performance.now() - start >= durationMs);
  const mayGoOn = (n: number) => {
    if (rate === undefined) return tracker.open + unanswered.size < MAX_OPEN;
    return performance.now() >= start + (n * 1000) / rate && unanswered.size < MAX_UNANSWERED;
  };

  for (let n = 0; files.length > 0 && !isOver(n); n++) {
    while (!mayGoOn(n) && !isOver(n)) await sleep(LOOK_AGAIN_MS);
    if (isOver(n)) break;
    const answered = submitOne(submission, n, refusals).finally(() => unanswered.delete(answered));
    unanswered.add(answered);
  }
  await Promise.all(unanswered);
  return refusals;
}

async function submitOne({ client, tracker, files, run }: Submission, n: number, refusals: Refusals): Promise<void> {
  const file = files[n % files.length]!;
  const start = performance.now();
  try {
    const task = await client.submit(taskFor(file, run), { idempotencyKey: `${run}:${n}` });
    tracker.adopt(task, file.path, Number((performance.now() - start).toFixed(3)));
  } catch (error) {
    refusals.count++;
    refusals.first ??= (error as Error).message;
  }
}
