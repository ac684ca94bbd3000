/** A run's options, checked. */
export interface SimulateOptions {
  /** A kernel that must be there. Without it: the default address if a kernel answers, else a kernel of our own. */
  readonly url: string | undefined;
  /** Where a kernel of our own keeps its database. */
  readonly keep: string | undefined;
  readonly input: string;
  readonly workers: number;
  /** Tasks per second. */
  readonly rate: number | undefined;
  readonly durationSeconds: number | undefined;
  readonly seed: number;
  readonly chaos: boolean;
  readonly out: string;
  /** Where a kernel is looked for when `url` is not given. */
  readonly defaultUrl: string;
  readonly token: string | null;
}
