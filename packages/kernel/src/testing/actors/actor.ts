import type { Command } from '../../core/command.ts';
import { Refusal, StorageUnavailable } from '../../core/errors.ts';
import type { World } from '../simulation.ts';

/** Somebody who uses the kernel. All of them act at every step, and never wait for an answer. */
export interface Actor {
  act(): void;
  /** The kernel was killed: connections are gone, answers under way will never come. */
  disconnected(): void;
  /** From now on it makes no more mistakes, and starts nothing new. */
  heal(): void;
  done(): boolean | Promise<boolean>;
}

/** Null: the kernel could not say. */
export async function ask(world: World, command: Command): Promise<unknown> {
  try {
    const answer = await world.kernel.execute(command);
    // A rollback is under way.
    return answer instanceof Refusal && answer.code === 'storage_unavailable' ? null : answer;
  } catch (error) {
    if (!(error instanceof StorageUnavailable)) world.complaints.push(String((error as Error).stack));
    return null;
  }
}
