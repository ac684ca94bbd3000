import type { Command } from '../core/command.ts';
import { Bug } from '../core/errors.ts';
import type { MemoryInput } from '../core/memory.ts';
import { needs } from './decide/index.ts';
import type { Slice } from './slice.ts';

/** What is decided and committed together: how much of it, and what it will want to know. */

const MOST_IN_BATCH = 1000;
/** A batch with more tasks or more text than this is closed: a commit must be done long before anybody gives it up. */
const MOST_TASKS = 4000;
const MOST_CHARACTERS = 8 * 1024 * 1024;
/** A text in memory is written word by word as well, which takes so many times as long as to write it down; and a field of metadata, hashed. */
const [TIMES_FOR_WORDS, CHARACTERS_FOR_FIELD] = [8, 200];

interface Waiting {
  readonly command: Command;
}

/** How many of those who wait are taken together; one at least, if there is one. */
export function fitting(waiting: readonly Waiting[]): number {
  let characters = 0;
  let tasks = 0;
  for (const [index, { command }] of waiting.entries()) {
    characters += lengthOf(command);
    tasks += recordsOf(command);
    const isFull = index === MOST_IN_BATCH || characters > MOST_CHARACTERS || tasks > MOST_TASKS;
    if (isFull && index > 0) return index;
  }
  return waiting.length;
}

/** How many records a command brings along. */
function recordsOf(command: Command): number {
  if (command.kind === 'submit' || command.kind === 'submit_plan') return command.tasks.length;
  return command.kind === 'put_memory' || command.kind === 'embed_memory' ? command.items.length : 1;
}

/** How much text a command brings along. */
function lengthOf(command: Command): number {
  if (command.kind === 'submit' || command.kind === 'submit_plan')
    return command.tasks.reduce((sum, { json }) => sum + json.length, 0);
  if (command.kind === 'complete') return command.result.length;
  if (command.kind === 'put_memory') return command.items.reduce((sum, item) => sum + lengthOfPut(item), 0);
  if (command.kind === 'embed_memory') return command.items.reduce((sum, { vector }) => sum + (vector?.length ?? 0), 0);
  if (command.kind === 'fire_schedule') return command.task?.json.length ?? 0;
  return command.kind === 'fail' ? command.error.length + (command.errorTrace?.length ?? 0) : 0;
}

function lengthOfPut({ value, text, vector, metadata }: MemoryInput): number {
  const searched = TIMES_FOR_WORDS * (text?.length ?? 0) + CHARACTERS_FOR_FIELD * Object.keys(metadata).length;
  return value.length + (vector?.length ?? 0) + searched;
}

/** Notes what commands will want to know, as far as they can tell before the first of them is decided. */
export function foresee(slice: Slice, batch: readonly Waiting[]): void {
  for (const { command } of batch) {
    try {
      needs(slice, command, slice.wanted);
    } catch (error) {
      // When its turn comes it will say so again, to whoever asked.
      if (!(error instanceof Bug)) throw error;
    }
  }
}
