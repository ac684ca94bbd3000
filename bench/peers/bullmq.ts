import type { Peer } from './peer.ts';
import { type Fsync, redisUnavailable, startRedis } from './redis.ts';

/** BullMQ on a Redis of its own, which syncs its log to disk with every write, or once a second. */
export function bullmq(fsync: Fsync): Peer {
  return {
    name: `BullMQ, ${fsync}`,
    client: 'bullmq',
    unavailable: redisUnavailable,
    serve: () => startRedis(fsync),
  };
}
