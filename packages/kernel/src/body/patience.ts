/** Lets outcomes that nobody waits for wait for company. */
export interface Patience {
  /** How long at the most. */
  readonly ms: number;
  /** Whether somebody wants to know how this task ends. */
  readonly isAwaited: (taskId: string) => boolean;
}
