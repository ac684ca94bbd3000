import type { TaskInput } from '@colonyos/client';
import type { FoundFile } from './folder.ts';
import { TRADES } from './kinds.ts';

/** What a bee finds in its task. */
export interface FilePayload {
  /** Below the folder that the bee was given; it opens nothing outside. */
  readonly path: string;
}

export const MAX_RETRIES = 2;
const KIB = 1024;

/** 1 for a few bytes, 8 for the largest file that is taken: the number of its digits. */
export function complexityOf(bytes: number): number {
  return String(bytes).length;
}

/** Small ones first: most of the folder is done early, and a large file keeps nobody waiting. */
export function priorityOf(bytes: number): number {
  if (bytes < 4 * KIB) return 8;
  if (bytes < 64 * KIB) return 6;
  return bytes < 1024 * KIB ? 4 : 2;
}

/** Every task of a run has this tag. */
export function runTag(run: string): string {
  return `run:${run}`;
}

/**
 * The task that a file becomes. `simulation` is an attribute that only the bees of this run declare: a kernel that
 * serves others as well must not hand them our files, nor us their work.
 */
export function taskFor({ path, bytes, kind, language }: FoundFile, run: string): TaskInput {
  const { capability, category, verb } = TRADES[kind];
  const payload: FilePayload = { path };
  return {
    description: `${verb} ${path}`,
    payload,
    priority: priorityOf(bytes),
    requirements: {
      capability,
      category,
      language,
      complexity: complexityOf(bytes),
      memory: bytes < 1024 * KIB ? 'low' : 'medium',
      simulation: run,
    },
    tags: ['simulate', runTag(run), kind, language],
    metadata: { path, bytes, run },
    timeout_seconds: 60,
    max_retries: MAX_RETRIES,
    created_by: 'simulate',
  };
}
