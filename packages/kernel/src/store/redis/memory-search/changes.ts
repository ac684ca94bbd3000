import type { RedisConnection, Reply } from '../../../redis/connection.ts';
import type { EpochWatch } from '../epoch.ts';
import type { Keys } from '../keys.ts';

/** So many notes are read at once. */
const NOTES_A_TURN = 256;

/** Up to where somebody has followed what changes. */
export interface Position {
  /** The name of the epoch: in another one there may be other things. */
  readonly epoch: string;
  /** The last note; null: there was none, and so nothing at all. */
  readonly note: string | null;
}

export interface Changes {
  readonly ids: ReadonlySet<string>;
  readonly to: Position;
  /** There may be more. */
  readonly more: boolean;
}

type Note = [id: string, fields: string[]];

/**
 * What changes in a scope of memory, whoever changes it and why: with each document its id goes into the scope's stream, in
 * the same transaction.
 */
export class ChangesOf {
  readonly #redis: RedisConnection;
  readonly #epoch: EpochWatch;
  readonly #meta: string;
  readonly #stream: string;

  constructor(redis: RedisConnection, keys: Keys, epoch: EpochWatch, scope: string) {
    this.#redis = redis;
    this.#epoch = epoch;
    this.#meta = keys.meta;
    this.#stream = keys.memoryChanges(scope);
  }

  /** As far as it goes now: what is read afterwards knows of all that is before it. */
  async position(): Promise<Position> {
    const { epoch, notes } = await this.#read(['XREVRANGE', this.#stream, '+', '-', 'COUNT', '1']);
    return { epoch, note: notes[0]?.[0] ?? null };
  }

  /** What has changed behind a position; null: that cannot be said any more. */
  async since({ epoch, note }: Position): Promise<Changes | null> {
    const count = String(NOTES_A_TURN);
    const found = await this.#read(['XRANGE', this.#stream, note ?? '-', '+', 'COUNT', count]);
    if (found.epoch !== epoch) return null;
    // The oldest notes go first: as long as that one is there, all that follow it are.
    const [first, ...others] = found.notes;
    if ((first?.[0] ?? null) !== note) return null;
    const ids = new Set(others.flatMap(([, fields]) => fields.filter((_, at) => at % 2 === 0)));
    return { ids, to: { epoch, note: others.at(-1)?.[0] ?? note }, more: found.notes.length === NOTES_A_TURN };
  }

  async #read(range: readonly string[]): Promise<{ epoch: string; notes: Note[] }> {
    for (;;) {
      const [name, notes] = (await this.#redis.pipeline([['HGET', this.#meta, 'name'], range])) as [
        string | null,
        Reply,
      ];
      if (this.#epoch.holds(name)) return { epoch: name ?? '', notes: notes as Note[] };
    }
  }
}
