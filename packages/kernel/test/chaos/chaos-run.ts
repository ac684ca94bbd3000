import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../../src/testing/random.ts';
import { freePort, RedisServer } from '../../src/testing/redis-server.ts';
import { TcpProxy } from '../../src/testing/tcp-proxy.ts';
import { Loader } from '../crash/loader.ts';
import { KernelProcess } from '../kernel-process.ts';

export interface ChaosReport {
  readonly faults: Readonly<Record<string, number>>;
  readonly submitted: number;
  readonly completed: number;
  readonly entries: number;
}

/** A kernel with a line of its own to Redis. */
class Place {
  readonly port: number;
  readonly line: TcpProxy;
  readonly #env: Record<string, string>;
  kernel: KernelProcess | null = null;

  static async start(server: RedisServer, env: Record<string, string>): Promise<Place> {
    const place = new Place(await freePort(), await TcpProxy.start(() => server.port), env);
    await place.restart();
    return place;
  }

  private constructor(port: number, line: TcpProxy, env: Record<string, string>) {
    this.port = port;
    this.line = line;
    this.#env = { ...env, COLONY_MESSAGE_QUEUE_URL: `redis://127.0.0.1:${line.port}`, COLONY_PORT: String(port) };
  }

  async restart(): Promise<void> {
    this.kernel = await KernelProcess.start(this.#env);
  }

  async kill(): Promise<void> {
    const { kernel } = this;
    this.kernel = null;
    await kernel?.end('SIGKILL');
  }

  async stop(): Promise<void> {
    this.kernel?.signal('SIGCONT');
    await this.kill();
    await this.line.stop();
  }
}

/**
 * Two kernels on one Redis, behind one address as behind a load balancer, used by submitters, workers and a watcher, while
 * kernels are killed and frozen, and Redis is killed, frozen and cut off, `faults` times. Whatever was acknowledged must
 * be there at the end, each task done once, in one valid ledger. Throws with everything that is not.
 */
export async function chaosRun({ faults, seed }: { faults: number; seed: number }): Promise<ChaosReport> {
  const random = new Random(seed);
  const server = await RedisServer.start();
  const env = {
    COLONY_MEMORY_BACKEND: 'redis',
    COLONY_SYSTEM_ID: randomUUID(),
    MAX_CONCURRENT_TASKS: '0',
    WORKER_HEARTBEAT_INTERVAL: '2',
  };
  const places = [await Place.start(server, env), await Place.start(server, env)];
  let next = 0;
  const balancer = await TcpProxy.start(() => {
    const alive = places.filter(({ kernel }) => kernel !== null);
    return (alive[next++ % alive.length] ?? places[0]!).port;
  });
  const load = new Loader(`http://127.0.0.1:${balancer.port}`);
  const done: Record<string, number> = {};

  const acts: Record<string, (place: Place) => Promise<void>> = {
    'kernel killed': async (place) => {
      await place.kill();
      await pause(random.between(0, 1000));
      await place.restart();
    },
    'kernel frozen': async (place) => {
      place.kernel!.signal('SIGSTOP');
      await pause(random.between(100, 4000));
      place.kernel!.signal('SIGCONT');
    },
    'redis killed': async () => {
      await server.kill();
      await pause(random.between(0, 3000));
      await server.start();
    },
    'redis frozen': async () => {
      server.freeze();
      await pause(random.between(100, 4000));
      server.thaw();
    },
    'kernel cut off': async (place) => {
      place.line.swallow();
      await pause(random.between(100, 4000));
      place.line.restore();
    },
    'connections broken': async (place) => place.line.cut(),
  };

  try {
    load.start({ submitters: 6, workers: 4 });
    for (let fault = 0; fault < faults; fault++) {
      await load.progress(random.between(20, 200));
      const kind = random.pick(Object.keys(acts));
      done[kind] = (done[kind] ?? 0) + 1;
      await acts[kind]!(random.pick(places));
    }
    await load.finish();
    const problems = await load.check();
    for (const { kernel } of places)
      if (/"level":(50|60)/.test(bugsIn(kernel!.output))) problems.push(bugsIn(kernel!.output));
    if (problems.length > 0) throw new Error(`seed ${seed}:\n${problems.slice(0, 20).join('\n')}`);
    return { faults: done, ...load.totals() };
  } finally {
    await load.abandon();
    for (const place of places) await place.stop();
    await balancer.stop();
    await server.stop();
  }
}

/** Lines of a kernel's log that tell of its own mistakes, rather than of what was done to it. */
function bugsIn(output: string): string {
  return output
    .split('\n')
    .filter((line) => line.includes('bug'))
    .join('\n');
}
