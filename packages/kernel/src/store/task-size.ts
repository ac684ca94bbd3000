import type { Task } from '../core/task.ts';

/** Roughly what a task takes up in an answer, in bytes. */
export function sizeOf({ spec, result, error, errorTrace }: Task): number {
  let bytes = 0;
  for (const text of [spec.json, result, error, errorTrace]) if (text !== null) bytes += Buffer.byteLength(text);
  return bytes;
}
