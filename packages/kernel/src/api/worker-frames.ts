import { type Static, Type } from 'typebox';
import type { Complete, Fail, Release, ReportProgress } from '../core/command.ts';
import type { Refusal } from '../core/errors.ts';
import { completeCommand, failCommand, progressCommand, releaseCommand } from './outcomes.ts';
import { invalid, invalidField } from './problem.ts';
import { Id } from './schemas/common.ts';
import { CompleteInput, FailInput, HeartbeatInput, ProgressInput, ReleaseInput } from './schemas/worker.ts';
import { tooDeep, validator } from './validate.ts';

/** What a worker's socket sends, checked and turned into what the kernel understands. */
export type WorkerFrame =
  | { readonly kind: 'ready'; readonly slots: number }
  | { readonly kind: 'heartbeat'; readonly tasks: readonly string[] | undefined }
  | { readonly kind: 'command'; readonly command: Complete | Fail | ReportProgress | Release };

const OfTask = Type.Object({ task_id: Id });
const Ready = Type.Object({ slots: Type.Integer({ minimum: 0, maximum: 1_000_000 }) });

const check = {
  ready: validator(Ready),
  heartbeat: validator(HeartbeatInput),
  task: validator(OfTask),
  complete: validator(CompleteInput),
  fail: validator(FailInput),
  progress: validator(ProgressInput),
  release: validator(ReleaseInput),
};
const TYPES = ['ready', 'heartbeat', 'complete', 'fail', 'progress', 'release'] as const;
type FrameType = (typeof TYPES)[number];

/** @param message one parsed message; an array is taken apart by the caller */
export function readFrame(message: unknown, actor: string): WorkerFrame | Refusal {
  if (typeof message !== 'object' || message === null)
    return invalidField('', 'must be an object or an array of objects');
  const { type } = message as { type?: unknown };
  if (!isFrameType(type)) return invalidField('/type', `must be one of ${TYPES.join(', ')}`);
  const errors = check[type](message);
  if (errors !== null) return invalid(errors);
  if (type === 'ready') return { kind: 'ready', slots: (message as Static<typeof Ready>).slots };
  if (type === 'heartbeat') return { kind: 'heartbeat', tasks: (message as Static<typeof HeartbeatInput>).tasks };
  const taskErrors = check.task(message);
  if (taskErrors !== null) return invalid(taskErrors);
  if (tooDeep(message)) return invalidField('', 'must not nest deeper than 32');
  return { kind: 'command', command: commandOf(type, message, actor) };
}

function commandOf(type: Exclude<FrameType, 'ready' | 'heartbeat'>, message: object, actor: string) {
  const { task_id } = message as Static<typeof OfTask>;
  switch (type) {
    case 'complete':
      return completeCommand(actor, task_id, message as Static<typeof CompleteInput>);
    case 'fail':
      return failCommand(actor, task_id, message as Static<typeof FailInput>);
    case 'progress':
      return progressCommand(actor, task_id, message as Static<typeof ProgressInput>);
    case 'release':
      return releaseCommand(actor, task_id, message as Static<typeof ReleaseInput>);
  }
}

function isFrameType(type: unknown): type is FrameType {
  return typeof type === 'string' && (TYPES as readonly string[]).includes(type);
}

/** What the client will recognise the answer by: as it was sent, if it is a string or a number. */
export function refOf(message: unknown): string | number | null {
  const ref = (message as { ref?: unknown } | null)?.ref;
  return (typeof ref === 'string' && ref.length <= 200) || typeof ref === 'number' ? ref : null;
}
