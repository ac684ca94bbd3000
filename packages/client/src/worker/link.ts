import type { AssignedTask } from '../types.ts';
import type { Progress } from './frames.ts';
import type { Report } from './outbox.ts';

/** The way to the kernel at the moment: a socket, or single requests. */
export interface Link {
  /** Sends it; the outbox is told of the answer. */
  report(report: Report): void;
  /** Sends it; the progress board is told of the answer. */
  progress(progress: Progress): void;
  /** A slot has become free. */
  freed(): void;
  /** No more tasks, please. */
  stop(): void;
}

/** What a link tells its worker. */
export interface LinkEvents {
  assigned(task: AssignedTask): void;
  /** `ref` of a report. */
  acknowledged(ref: string): void;
  refused(ref: string, code: string, detail: string): void;
  /** A progress report was answered, perhaps by a refusal. */
  progressed(progress: Progress, refusal?: string): void;
  cancelled(taskId: string, reason: string): void;
  draining(): void;
  failed(error: Error): void;
}
