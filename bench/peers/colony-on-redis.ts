import { colony, type KernelServer, startKernel } from './colony.ts';
import type { Peer, Server } from './peer.ts';
import { type Fsync, redisUnavailable, startRedis } from './redis.ts';

/** Kernels that share a Redis of their own, which syncs its log to disk with every write, or once a second. */
export interface SharedRedis extends Server {
  /** One more kernel of the colony. */
  startKernel(): Promise<KernelServer>;
}

export async function startSharedRedis(fsync: Fsync): Promise<SharedRedis> {
  const redis = await startRedis(fsync);
  const kernels: KernelServer[] = [];
  return {
    address: redis.address,
    async startKernel() {
      const kernel = await startKernel({
        COLONY_MEMORY_BACKEND: 'redis',
        COLONY_MEMORY_CONNECTION_STRING: redis.address,
      });
      kernels.push(kernel);
      return kernel;
    },
    async stop() {
      await Promise.all(kernels.map((kernel) => kernel.stop()));
      await redis.stop();
    },
  };
}

/** One kernel with its colony on Redis. */
export function colonyOnRedis(fsync: Fsync): Peer {
  return {
    name: `ColonyOS on Redis, ${fsync}`,
    client: 'colony',
    unavailable: async () => (await colony.unavailable()) ?? redisUnavailable(),
    async serve() {
      const redis = await startSharedRedis(fsync);
      const kernel = await redis.startKernel();
      return { address: kernel.address, stop: () => redis.stop() };
    },
  };
}
