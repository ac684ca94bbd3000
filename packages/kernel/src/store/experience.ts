import type { Experience } from '../core/worker.ts';

/** A worker's experience as the stores write it: it is written with each task that the worker ends, so it is short. */

type Row = [capability: string, attempts: number, successes: number, meanMs: number, at: number];

export function experienceText(experience: readonly Experience[]): string {
  if (experience.length === 0) return '';
  return JSON.stringify(
    experience.map(
      ({ capability, attempts, successes, meanMs, at }): Row => [capability, attempts, successes, meanMs, at],
    ),
  );
}

/** Of workers of before there was any, the text is empty. */
export function experienceFrom(text: string): readonly Experience[] {
  if (text === '') return [];
  return (JSON.parse(text) as Row[]).map(([capability, attempts, successes, meanMs, at]) => ({
    capability,
    attempts,
    successes,
    meanMs,
    at,
  }));
}
