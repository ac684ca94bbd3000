import { taskData } from '../peers/peer.ts';

/** A task as `POST /tasks` takes it: about 250 bytes. */
export function wireTask(n: number): { description: string; payload: object } {
  return { description: 'a task that does nothing', payload: taskData(n) };
}
