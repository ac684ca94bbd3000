/** The worker that fails at whatever it is given. */
export const BAD = 'bad';

/** Whose tasks there are beside those of no group, and how many of one may execute at once. */
export const GROUPS = ['red', 'blue'];
export const MOST_OF_GROUP = 1;

/** What clients sent, and what they were told came of it. Whatever is in here must be in the ledger. */
export class Told {
  /** By idempotency key: what was sent, and the tasks that were answered, one after the other. */
  readonly submissions = new Map<string, { readonly body: object; readonly ids: string[] }>();
  /** The same of plans. */
  readonly plans = new Map<string, { readonly body: object; readonly ids: string[] }>();
  /** Tasks that nobody can do, handed in together to make much to undo. */
  readonly herds = new Set<string>();
  /** Results, by task and lease token. */
  readonly completed = new Map<string, unknown>();
  /** How often it was said that a ballot counts, by vote, participant and what it says. */
  readonly ballots = new Map<string, number>();
  /** Tasks that somebody asked to cancel, whatever came of that; and how often one was cancelled. */
  readonly unwanted = new Set<string>();
  readonly cancelled = new Map<string, number>();
  readonly questions = new Set<string>();
  readonly schedules = new Set<string>();
  /** What was put into memory: scope, key and version. */
  readonly remembered = new Set<string>();
  /** As they were answered, by version. */
  readonly policies = new Map<number, string>();
  readonly checkpoints = new Set<string>();
  readonly deleted = new Set<string>();
  readonly rollbacks: {
    readonly id: string;
    readonly removed: number;
    readonly restored: number;
    readonly requeued: number;
  }[] = [];
  /** The checkpoints of those of which nobody said that they are done. */
  readonly unanswered: string[] = [];
  dryRuns = 0;
  /** The last few exports that came to their end, and how many did. */
  readonly exports: string[] = [];
  exported = 0;

  submitted(key: string, body: object, id: string): void {
    note(this.submissions, key, body, id);
  }

  planned(key: string, body: object, id: string): void {
    note(this.plans, key, body, id);
  }
}

function note(
  known: Map<string, { readonly body: object; readonly ids: string[] }>,
  key: string,
  body: object,
  id: string,
): void {
  const one = known.get(key);
  if (!one) known.set(key, { body, ids: [id] });
  else if (one.ids.at(-1) !== id) one.ids.push(id);
}

export function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}
