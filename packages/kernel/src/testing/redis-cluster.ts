import { vi } from 'vitest';
import { freePort, RedisServer } from './redis-server.ts';

const SLOTS = 16384;
/** They agree within a few seconds, if the machine lets them. */
const SOON = { timeout: 60_000 };

/** A Redis Cluster of so many masters, each with its share of the slots. */
export async function startCluster(size: number): Promise<RedisServer[]> {
  const nodes: { server: RedisServer; bus: string }[] = [];
  for (let n = 0; n < size; n++) {
    const bus = String(await freePort());
    nodes.push({ server: await RedisServer.start({ 'cluster-enabled': 'yes', 'cluster-port': bus }), bus });
  }
  const [first] = nodes;
  for (const [n, { server, bus }] of nodes.entries()) {
    const [from, to] = [n, n + 1].map((share) => Math.floor((share * SLOTS) / size));
    await server.ask('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to! - 1));
    if (n > 0) await first!.server.ask('CLUSTER', 'MEET', '127.0.0.1', String(server.port), bus);
  }
  for (const { server } of nodes) {
    const info = async () => expectAll(await server.ask('CLUSTER', 'INFO'), size);
    await vi.waitFor(info, SOON);
  }
  return nodes.map(({ server }) => server);
}

function expectAll(info: string, size: number): void {
  for (const fact of ['cluster_state:ok', `cluster_size:${size}`]) if (!info.includes(fact)) throw new Error(info);
}
