import { StorageUnavailable } from '../../core/errors.ts';
import type { Call, Reply } from '../../redis/connection.ts';
import { Script } from '../../redis/script.ts';
import type { Keys } from './keys.ts';

/**
 * Another server than the last time, or the same one started anew, may not have all that was acknowledged: a new epoch,
 * and another mark, so that nobody goes on with what was known in the one before.
 * Arguments: prefix, the server's run. Answers the epoch.
 */
const EPOCH = new Script(`
local meta = ARGV[1] .. 'meta'
local run = redis.call('HGET', meta, 'run')
if run == ARGV[2] then return tonumber(redis.call('HGET', meta, 'epoch')) end
redis.call('HSET', meta, 'run', ARGV[2])
if not run then return redis.call('HINCRBY', meta, 'epoch', 0) end
local epoch = redis.call('HINCRBY', meta, 'epoch', 1)
redis.call('SET', ARGV[1] .. 'mark', 'epoch ' .. epoch)
return epoch
`);

/** More than can have been given out for one task in what a failover lost. */
const TOKENS_IN_EPOCH = 1_000_000;

/** The tokens of an epoch lie above this. */
export function tokenFloorOf(epoch: number): number {
  return epoch * TOKENS_IN_EPOCH;
}

export function epochOf(tokenFloor: number): number {
  return tokenFloor / TOKENS_IN_EPOCH;
}

/**
 * Notices what a failover, or a start from an incomplete log, has lost. Each kernel remembers the newest ledger row it
 * knows to have been acknowledged, and looks for it whenever it has connected anew; and whoever connects first to a
 * server that is not the one of before begins a new epoch, in which no fencing token of the one before is given out.
 */
export class EpochWatch {
  readonly #keys: Keys;
  #row: { readonly id: string; readonly text: string } | null = null;
  #lostUpTo: number | null = null;
  /** The run of the server that was inspected last. */
  #run: string | null = null;

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  /** A row that was acknowledged to this kernel. */
  remember(id: string, text: string): void {
    this.#row = { id, text };
  }

  /** The newest entry that was acknowledged and is gone, once; null: nothing is known to be lost. */
  takeLoss(): number | null {
    const lost = this.#lostUpTo;
    this.#lostUpTo = null;
    return lost;
  }

  /** Throws `StorageUnavailable` when this is another server than the one that was inspected last. */
  async compare(send: (call: Call) => Promise<Reply>): Promise<void> {
    if ((await runOf(send)) !== this.#run) throw new StorageUnavailable('two connections lead to two servers');
  }

  async inspect(send: (call: Call) => Promise<Reply>): Promise<void> {
    const { prefix, meta, ledger } = this.#keys;
    const run = await runOf(send);
    this.#run = run;
    await send(['EVAL', EPOCH.source, '1', meta, prefix, run]);
    const row = this.#row;
    if (row === null) return;
    const [found] = (await send(['XRANGE', ledger, row.id, row.id])) as [string, string[]][];
    const [kept] = (await send(['XRANGE', ledger, '-', '+', 'COUNT', '1'])) as [string, string[]][];
    // What retention has removed is not lost.
    const isOld = kept !== undefined && number(kept[0]) > number(row.id);
    if (isOld || found?.[1].includes(row.text)) return;
    this.#row = null;
    this.#lostUpTo = Math.max(number(row.id), this.#lostUpTo ?? 0);
  }
}

async function runOf(send: (call: Call) => Promise<Reply>): Promise<string> {
  return /^run_id:(\w+)/m.exec(String(await send(['INFO', 'server'])))?.[1] ?? 'unknown';
}

function number(rowId: string): number {
  return Number(rowId.split('-')[0]);
}
