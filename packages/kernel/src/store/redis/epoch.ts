import { randomUUID } from 'node:crypto';
import { StorageUnavailable } from '../../core/errors.ts';
import type { Call, RedisConnection, Reply } from '../../redis/connection.ts';
import { Script } from '../../redis/script.ts';
import type { Keys } from './keys.ts';

/**
 * Another server than the last time, the same one started anew, or one that was emptied, may not have all that was
 * acknowledged: a new epoch, and another mark, so that nobody goes on with what was known in the one before. Its number
 * says where its tokens begin. Two servers may count to the same one, each by itself: so an epoch has a name besides, and
 * who comes from another epoch wants one above it. Arguments: prefix, the server's run, a name that nobody has used,
 * number and name of the epoch this kernel knows. Answers number and name.
 */
const EPOCH = new Script(`
local meta = ARGV[1] .. 'meta'
local run, epoch, name = unpack(redis.call('HMGET', meta, 'run', 'epoch', 'name'))
local number, known = tonumber(epoch or '-1'), tonumber(ARGV[4])
local isKnown = name == ARGV[5] and number == known
if name and run == ARGV[2] and (isKnown or name ~= ARGV[5] and number > known) then return {number, name} end
number = math.max(number, known) + 1
redis.call('HSET', meta, 'run', ARGV[2], 'epoch', string.format('%.0f', number), 'name', ARGV[3])
redis.call('SET', ARGV[1] .. 'mark', 'epoch ' .. ARGV[3])
return {number, ARGV[3]}
`);

interface Epoch {
  readonly number: number;
  readonly name: string;
}

const NO_EPOCH: Epoch = { number: -1, name: '' };

/** More than can have been given out for one task in what a failover lost. */
const TOKENS_IN_EPOCH = 1_000_000;

/** The tokens of an epoch lie above this. */
export function tokenFloorOf(epoch: number): number {
  return epoch * TOKENS_IN_EPOCH;
}

/**
 * Notices what a failover, or a start from an incomplete log, has lost. Each kernel remembers the newest ledger row it
 * knows to have been acknowledged, and looks for it whenever it has connected anew; and whoever connects first to a
 * server that is not the one of before begins a new epoch, in which no fencing token of the one before is given out.
 */
export class EpochWatch {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  /** The one that was found or begun at the last inspection. */
  #epoch = NO_EPOCH;
  #row: { readonly id: string; readonly text: string } | null = null;
  #lostUpTo: number | null = null;
  /** The run of the server that was inspected last. */
  #run: string | null = null;

  constructor(redis: RedisConnection, keys: Keys) {
    this.#redis = redis;
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

  /**
   * Whether what was read together with this name of an epoch belongs to the one this kernel knows. If not, the connection
   * is made, and looked over, anew: whoever asks reads again. So it is noticed as well when nobody lost a connection,
   * as when a server is emptied.
   */
  holds(name: string | null): boolean {
    if (this.#epoch === NO_EPOCH || name === this.#epoch.name) return true;
    this.#redis.reconnect();
    return false;
  }

  /** Throws `StorageUnavailable` when this is another server than the one that was inspected last. */
  async compare(send: (call: Call) => Promise<Reply>): Promise<void> {
    if ((await runOf(send)) !== this.#run) throw new StorageUnavailable('two connections lead to two servers');
  }

  async inspect(send: (call: Call) => Promise<Reply>): Promise<void> {
    const { prefix, meta, ledger } = this.#keys;
    const run = await runOf(send);
    this.#run = run;
    const known = [String(this.#epoch.number), this.#epoch.name];
    const reply = await send(['EVAL', EPOCH.source, '1', meta, prefix, run, randomUUID(), ...known]);
    const [number, name] = reply as [number, string];
    this.#epoch = { number, name };
    const row = this.#row;
    if (row === null) return;
    const [found] = (await send(['XRANGE', ledger, row.id, row.id])) as [string, string[]][];
    const [kept] = (await send(['XRANGE', ledger, '-', '+', 'COUNT', '1'])) as [string, string[]][];
    // What retention has removed is not lost.
    const isOld = kept !== undefined && numberOf(kept[0]) > numberOf(row.id);
    if (isOld || found?.[1].includes(row.text)) return;
    this.#row = null;
    this.#lostUpTo = Math.max(numberOf(row.id), this.#lostUpTo ?? 0);
  }
}

async function runOf(send: (call: Call) => Promise<Reply>): Promise<string> {
  return /^run_id:(\w+)/m.exec(String(await send(['INFO', 'server'])))?.[1] ?? 'unknown';
}

function numberOf(rowId: string): number {
  return Number(rowId.split('-')[0]);
}
