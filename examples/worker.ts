/** Counts words, several texts at a time, until Ctrl-C: then it finishes what it holds and leaves. */
import { setTimeout as pause } from 'node:timers/promises';
import { type AssignedTask, type TaskContext, Worker } from '@colonyos/client';

const LINES_AT_ONCE = 20;

async function count(task: AssignedTask, { signal, progress }: TaskContext): Promise<{ words: number }> {
  const text = (task.payload as { text?: unknown } | null)?.text;
  if (typeof text !== 'string') {
    // The payload will be no better next time: fail for good, whatever retries are left.
    throw Object.assign(new Error('payload.text must be a string'), { retryable: false });
  }
  const lines = text.split('\n');
  let words = 0;
  for (const [index, line] of lines.entries()) {
    words += line.match(/\S+/g)?.length ?? 0;
    if (index % LINES_AT_ONCE !== 0) continue;
    progress(index / lines.length, `${words} words so far`);
    // Counting is quick, so this pause stands for work. It ends at once when the task is cancelled or taken away.
    await pause(50, undefined, { signal });
  }
  console.log(`${task.description}: ${words}`);
  return { words };
}

const worker = new Worker({
  url: process.env.COLONY_URL ?? 'http://127.0.0.1:8000',
  token: process.env.COLONY_SECRET_TOKEN,
  name: 'example-counter',
  capabilities: ['counting'],
  concurrency: 4,
  handler: count,
});
await worker.start();
console.log('counting; Ctrl-C to leave');
