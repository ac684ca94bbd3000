import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { RedisStore } from '../../src/store/redis/store.ts';
import { Random } from '../../src/testing/random.ts';
import { freePort, RedisServer } from '../../src/testing/redis-server.ts';
import { TcpProxy } from '../../src/testing/tcp-proxy.ts';
import { rollingTo } from '../crash/remains.ts';
import { KernelProcess } from '../kernel-process.ts';
import { checkShown, checkStored, Heights } from '../load/check.ts';
import { Loader, SETTINGS, type Totals } from '../load/loader.ts';

export interface ChaosReport extends Totals {
  readonly faults: Readonly<Record<string, number>>;
  /** How many of them came in the middle of a rollback, by kind. */
  readonly inRollback: Readonly<Record<string, number>>;
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

/** A rollback whose kernel was killed is another kernel's within seconds. */
const TAKEN_OVER_MS = 15_000;

/**
 * Two kernels on one Redis, behind one address as behind a load balancer, used by submitters, workers, voters, operators
 * and a watcher, while kernels are killed and frozen, and Redis is killed, frozen and cut off, `faults` times, every other
 * time in the middle of a rollback as far as it can be aimed at. Whatever was acknowledged must be there at the end, or the
 * one valid ledger must say why not, and what is stored must be what it comes to. Throws with everything that is not so.
 */
export async function chaosRun({ faults, seed }: { faults: number; seed: number }): Promise<ChaosReport> {
  const random = new Random(seed);
  const server = await RedisServer.start();
  const env = {
    COLONY_MEMORY_BACKEND: 'redis',
    COLONY_SYSTEM_ID: randomUUID(),
    MAX_CONCURRENT_TASKS: '0',
    WORKER_HEARTBEAT_INTERVAL: '2',
    ...SETTINGS,
  };
  const places = [await Place.start(server, env), await Place.start(server, env)];
  let next = 0;
  const balancer = await TcpProxy.start(() => {
    const alive = places.filter(({ kernel }) => kernel !== null);
    return (alive[next++ % alive.length] ?? places[0]!).port;
  });
  const load = new Loader(`http://127.0.0.1:${balancer.port}`, seed);
  // Looks on, as a kernel does that has nothing to do.
  const onlooker = await RedisStore.open({ url: server.url, colony: env.COLONY_SYSTEM_ID });
  const heights = new Heights();
  const problems: string[] = [];
  const done: Record<string, number> = {};
  const inRollback: Record<string, number> = {};

  /** The other kernel brings it to its end; the same one would, too, but it is not there. */
  async function takenOver(checkpoint: string): Promise<void> {
    const end = performance.now() + TAKEN_OVER_MS;
    while ((await rollingTo(onlooker)) === checkpoint) {
      if (performance.now() > end) {
        problems.push(`invariant 13: no other kernel has gone on with the rollback to ${checkpoint}`);
        return;
      }
      await pause(20);
    }
  }

  const acts: Record<string, (place: Place) => Promise<void>> = {
    'kernel killed': async (place) => {
      await place.kill();
      const checkpoint = await rollingTo(onlooker);
      if (checkpoint !== null && random.chance(0.5)) await takenOver(checkpoint);
      else await pause(random.between(0, 1000));
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
    await load.start({ submitters: 6, workers: 4, operators: 2 });
    for (let fault = 0; fault < faults && problems.length === 0; fault++) {
      await load.progress(random.between(20, 200));
      const kind = random.pick(Object.keys(acts));
      const place = random.pick(places);
      if (fault % 2 === 1) {
        const { begun, answered, usualMs } = await load.undo(place.kernel!.url);
        await begun;
        await Promise.race([answered, pause(random.between(0, usualMs))]);
      }
      done[kind] = (done[kind] ?? 0) + 1;
      if ((await rollingTo(onlooker)) !== null) inRollback[kind] = (inRollback[kind] ?? 0) + 1;
      await acts[kind]!(place);
      await heights.climb(onlooker, problems);
      problems.push(...load.caller.problems.splice(0));
    }
    if (problems.length === 0) {
      await load.finish();
      const shown = await checkShown(load);
      problems.push(...load.caller.problems);
      for (const { kernel } of places) await kernel!.end('SIGTERM');
      await checkStored(onlooker, shown);
      problems.push(...shown.problems);
    }
    for (const { kernel } of places)
      if (/"level":(50|60)/.test(bugsIn(kernel!.output))) problems.push(bugsIn(kernel!.output));
    if (problems.length > 0) throw new Error(`seed ${seed}:\n${problems.slice(0, 20).join('\n')}`);
    return { faults: done, inRollback, ...load.totals() };
  } finally {
    await load.abandon();
    await onlooker.close();
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
