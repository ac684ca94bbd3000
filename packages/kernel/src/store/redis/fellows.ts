import type { Beat, Fellows } from '../../core/fellows.ts';
import { LONGEST_GAP_MS, type RedisClock } from '../../redis/clock.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { Script } from '../../redis/script.ts';
import type { EpochWatch } from './epoch.ts';
import type { Keys } from './keys.ts';

/** A steward who is not heard of for this long is followed by another. */
const OFFICE_MS = 1000;
const MOST_SILENT = 500;
const MOST_AT_ONCE = 1000;

/**
 * One beat of one kernel. Steady time is what lies between beats, whosoever they are: a gap of more than two seconds
 * (all kernels were down, or the server was, or its clock was set) counts for no more than that; and one that is long
 * as leases go gives every worker a full lease anew. So does a server that knows of less time than this kernel was told of
 * before, since it was emptied or is another one: time goes on from there. Arguments: prefix, kernel, how long is too long for
 * a worker, the last steady time this kernel was told, workers heard of. Answers wall time, steady time, the ledger's last
 * entry, whether this kernel is the steward, if so who was silent, and the epoch's name.
 */
const BEAT = new Script(`
local prefix, kernel, patience, told = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local wall = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local clock = redis.call('HMGET', prefix .. 'clock', 'wall', 'steady', 'resumed')
local gap = wall - (tonumber(clock[1]) or wall)
local known = tonumber(clock[2]) or 0
local steady = math.max(known, told) + math.max(0, math.min(gap, ${LONGEST_GAP_MS}))
local resumed = tonumber(clock[3]) or 0
if gap > math.min(${LONGEST_GAP_MS}, patience / 2) or told > known then resumed = steady end
local text = string.format('%.0f', steady)
redis.call('HSET', prefix .. 'clock', 'wall', string.format('%.0f', wall), 'steady', text, 'resumed', string.format('%.0f', resumed))
for from = 5, #ARGV, ${MOST_AT_ONCE} do
  local heard = {}
  for at = from, math.min(from + ${MOST_AT_ONCE - 1}, #ARGV) do
    heard[#heard + 1] = text
    heard[#heard + 1] = ARGV[at]
  end
  redis.call('ZADD', prefix .. 'seen', 'XX', unpack(heard))
end

local office, steward, silent = prefix .. 'steward', 0, {}
local holder = redis.call('GET', office)
if not holder or holder == kernel then
  steward = 1
  redis.call('SET', office, kernel, 'PX', ${OFFICE_MS})
  if steady - resumed >= patience then
    silent = redis.call('ZRANGEBYSCORE', prefix .. 'seen', '-inf', string.format('%.0f', steady - patience), 'LIMIT', 0, ${MOST_SILENT})
  end
end
local meta = redis.call('HMGET', prefix .. 'meta', 'last', 'name')
return {wall, steady, tonumber(meta[1] or '0'), steward, silent, meta[2] or ''}
`);

const LEAVE = new Script(`
if redis.call('GET', ARGV[1] .. 'steward') == ARGV[2] then return redis.call('DEL', ARGV[1] .. 'steward') end
return 0
`);

/** The kernels of a colony, as far as one of them needs to know. */
export class RedisFellows implements Fellows {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #kernel: string;
  readonly #clock: RedisClock;
  readonly #epoch: EpochWatch;
  #marks = 0;
  /** As the last beat had it. */
  #steady = 0;
  #name: string | null = null;

  constructor(redis: RedisConnection, keys: Keys, kernel: string, clock: RedisClock, epoch: EpochWatch) {
    this.#epoch = epoch;
    this.#redis = redis;
    this.#keys = keys;
    this.#kernel = kernel;
    this.#clock = clock;
  }

  newMark(): string {
    return `${this.#kernel} ${++this.#marks}`;
  }

  async beat(heard: readonly string[], patienceMs: number): Promise<Beat> {
    const before = performance.now();
    const args = [this.#keys.prefix, this.#kernel, String(patienceMs), String(this.#steady), ...heard];
    const reply = (await this.#redis.run(BEAT, args)) as [number, number, number, number, string[], string];
    const [wall, steady, last, steward, silent, name] = reply;
    this.#steady = steady;
    if (!this.#epoch.holds(name)) return this.beat(heard, patienceMs);
    const restarted = this.#name !== null && this.#name !== name;
    this.#name = name;
    // Somewhere between asking and hearing; the middle is the best guess.
    this.#clock.set(wall, steady, (before + performance.now()) / 2);
    return { isSteward: steward === 1, silent, last, lostUpTo: this.#epoch.takeLoss(), restarted };
  }

  async lastSeen(workerIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (workerIds.length === 0) return new Map();
    const scores = (await this.#redis.send('ZMSCORE', this.#keys.seen, ...workerIds)) as (string | null)[];
    const { wall, steady } = this.#clock.now();
    return new Map(
      workerIds.flatMap((id, at) => (scores[at] == null ? [] : [[id, wall - steady + Number(scores[at])] as const])),
    );
  }

  async leave(): Promise<void> {
    await this.#redis.run(LEAVE, [this.#keys.prefix, this.#kernel]);
  }
}
