import type { Kind } from './kinds.ts';

/** What a bee is told when it starts. By message and not by argument: others can read a process's arguments. */
export interface BeeOrder {
  readonly type: 'work';
  readonly url: string;
  readonly token: string | undefined;
  readonly name: string;
  readonly kinds: readonly Kind[];
  /** The folder it may read, as a real path. */
  readonly root: string;
  readonly run: string;
  readonly concurrency: number;
}

/** From the hive to a bee. */
export type BeeCommand = BeeOrder | { readonly type: 'stop' };

/** From a bee to the hive, for the view and for the chaos; what counts is what the kernel records. */
export type BeeReport =
  | { readonly type: 'ready'; readonly workerId: string }
  | { readonly type: 'started'; readonly path: string; readonly leaseMs: number }
  | { readonly type: 'ended'; readonly path: string; readonly done: boolean }
  | { readonly type: 'trouble'; readonly message: string };
