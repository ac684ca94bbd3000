/** The thread in which the model runs. It ends when the model cannot be loaded or is broken. */
import { parentPort } from 'node:worker_threads';
import { judge } from './judge.ts';
import type { Done, Job } from './messages.ts';
import { load } from './model.ts';

const model = await load();
let last: Promise<void> = Promise.resolve();

parentPort!.on('message', ({ id, texts }: Job) => {
  // One after the other. Nobody handles a failure here, and so it ends the thread.
  last = last.then(async () => {
    const done: Done = { id, verdicts: await judge(model, texts) };
    parentPort!.postMessage(done);
  });
});
