import { setImmediate } from 'node:timers/promises';
import type { JsonObject } from '@colonyos/client';
import { type Job, textOf } from './job.ts';
import { type JsonFacts, scanJson } from './json-scanner.ts';

const LONGEST_NAME = 100;

/** DataValidator: whether it is JSON, what is in it, and where it goes wrong. Invalid data is a finding, no failure. */
export async function dataFacts(job: Job): Promise<JsonObject> {
  let text = '';
  for await (const piece of textOf({ ...job, progress: (fraction) => job.progress(fraction / 2, 'reading') })) {
    text += piece;
  }
  const { valid, depth, counts, keys, duplicateKeys, firstDuplicate, error } = await scanned(text, job);
  return {
    valid,
    depth,
    ...counts,
    keys,
    bytes: job.bytes,
    ...(duplicateKeys > 0 && {
      duplicate_keys: duplicateKeys,
      first_duplicate: firstDuplicate?.slice(0, LONGEST_NAME) ?? '',
    }),
    ...(error && { error: { ...error } }),
  };
}

/** A large text must not keep the bee from hearing that its task was taken away. */
async function scanned(text: string, { signal, progress }: Job): Promise<JsonFacts> {
  const scan = scanJson(text);
  for (;;) {
    const step = scan.next();
    if (step.done) return step.value;
    progress(0.5 + step.value / text.length / 2, 'validating');
    await setImmediate();
    signal.throwIfAborted();
  }
}
