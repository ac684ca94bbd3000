import type { Now } from '../core/clock.ts';
import type { Answer, Claim } from '../core/command.ts';
import type { LedgerEntry } from '../core/event.ts';
import type { Unit } from '../core/store.ts';
import type { PassedOver } from './change.ts';
import type { WorkerLink } from './links.ts';

/** A unit, and who caused it; where it only goes on with what was begun, that is no sign of life. */
export type Changed = Unit & { readonly actor: string; readonly goesOn?: boolean };

/** What a committed batch amounts to, for those who follow the colony. */
export interface Happened {
  readonly now: Now;
  readonly changes: readonly Changed[];
  /** The colony's limit kept a task from a worker. */
  readonly heldBack: boolean;
  /** What bounds did, for each that had to pass something over. */
  readonly passedOver: readonly PassedOver[];
  readonly entries: readonly LedgerEntry[];
  /** Tasks given to waiting links. */
  readonly served: readonly { readonly link: WorkerLink; readonly answer: Answer<Claim> }[];
  readonly commands: number;
  /** How many units met a conflict: another kernel was faster. */
  readonly conflicts: number;
  /** How long the commit took, in milliseconds. */
  readonly commitMs: number;
}
