/** Kernels that share a store. One of them at a time is the steward: it sweeps, seals and prunes for all. */
export interface Fellows {
  /** A name for how the colony will stand after a commit, which nobody else uses. */
  newMark(): string;
  /**
   * Says, several times a second, that this kernel is there and which workers it has heard of since; takes the office of
   * the steward when it is free; and sets the store's clock by the store.
   * @param patienceMs how long nobody may have heard of a worker before it counts as silent
   */
  beat(heard: readonly string[], patienceMs: number): Promise<Beat>;
  /** When those of these workers who are online were last heard of by any kernel (wall). */
  lastSeen(workerIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Gives up the office, if it has it. */
  leave(): Promise<void>;
}

export interface Beat {
  readonly isSteward: boolean;
  /** The online workers nobody has heard of for too long; told to the steward. */
  readonly silent: readonly string[];
  /** The newest entry of the ledger. */
  readonly last: number;
  /** The newest entry that was acknowledged to this kernel and is gone, as after a failover, told once; null: none. */
  readonly lostUpTo: number | null;
  /** Since the beat before the store has started anew, or another one has taken its place. */
  readonly restarted: boolean;
}
