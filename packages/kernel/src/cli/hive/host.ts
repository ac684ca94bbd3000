import { fork } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ColonyClient } from '@colonyos/client';

const START_MS = 15_000;
const LOOK_AGAIN_MS = 20;
/** A kernel ends within 10 s by itself. */
const STOP_MS = 11_000;
/** Short, so that what a killed bee held is soon somebody else's. */
export const OWN_LEASE_SECONDS = 2;

/** The kernel that a run works with. */
export interface Host {
  readonly url: string;
  readonly own: boolean;
  /** Rejects when a kernel of our own ends before it was told to; never resolves. */
  readonly died: Promise<never>;
  stop(): Promise<void>;
  /** For the end of the hive's own process: nothing can be waited for any more. */
  destroy(): void;
}

/** Whether a kernel answers there, and how it is. */
export async function healthAt(url: string): Promise<'healthy' | 'unhealthy' | 'nobody'> {
  try {
    const { status } = await new ColonyClient({ url, retries: 0, timeoutMs: 2_000 }).health();
    return status === 'healthy' || status === 'unhealthy' ? status : 'nobody';
  } catch {
    return 'nobody';
  }
}

/** A kernel that somebody else runs. */
export function foreignHost(url: string): Host {
  return { url, own: false, died: new Promise(() => {}), stop: async () => {}, destroy: () => {} };
}

interface OwnKernel {
  /** Where its database is to stay; without it, it is gone when the run is over. */
  readonly keep: string | undefined;
  readonly token: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Starts a kernel on a free port of this machine. */
export async function startKernel({ keep, token, environment }: OwnKernel): Promise<Host> {
  const directory = keep === undefined ? await mkdtemp(join(tmpdir(), 'colonyos-hive-')) : resolve(keep);
  await mkdir(directory, { recursive: true });
  const removeDirectory = () => {
    if (keep === undefined) rmSync(directory, { recursive: true, force: true });
  };
  // A file and not a pipe: when the hive is gone there is nobody to read a pipe, and the kernel has still to end in order.
  const logFile = join(directory, 'kernel.log');
  const log = openSync(logFile, 'w');
  const file = new URL(
    import.meta.url.endsWith('.ts') ? './kernel-process.ts' : './kernel-process.js',
    import.meta.url,
  );
  const child = fork(fileURLToPath(file), keep === undefined ? [directory] : [], {
    // Its own `.env` and whatever it writes: there, and not where the user happens to be.
    cwd: directory,
    env: { ...environment, ...settings(directory, token) },
    detached: process.platform !== 'win32',
    execArgv: [],
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  let stopping = false;
  const gone = new Promise<string>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`)),
  );
  const died = gone.then((how): Promise<never> => {
    if (stopping) {
      removeDirectory();
      return new Promise(() => {});
    }
    const lastWords = readLog(logFile).split('\n').at(-1) || 'it said nothing';
    removeDirectory();
    throw new Error(`the kernel has ended (${how}): ${lastWords}`);
  });
  died.catch(() => {});

  const stop = async () => {
    stopping = true;
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(late);
  };
  const destroy = () => {
    stopping = true;
    child.kill('SIGKILL');
    removeDirectory();
  };
  try {
    return { url: await Promise.race([addressIn(logFile), died]), own: true, died, stop, destroy };
  } catch (error) {
    destroy();
    throw error;
  }
}

/** The environment's own settings count where they do not get in the way. */
function settings(directory: string, token: string | null): Record<string, string> {
  return {
    COLONY_ENV: 'dev',
    COLONY_HOST: '127.0.0.1',
    COLONY_PORT: '0',
    COLONY_LOG_LEVEL: 'INFO',
    COLONY_MEMORY_BACKEND: 'sqlite',
    COLONY_MEMORY_CONNECTION_STRING: join(directory, 'colony.db'),
    COLONY_EVENT_BUS_TYPE: 'inmemory',
    COLONY_SECRET_TOKEN: token ?? '',
    // What has been cleaned away looks like lost.
    COLONY_RETENTION_SECONDS: '0',
    COLONY_LEDGER_RETENTION_SECONDS: '0',
    MAX_CONCURRENT_TASKS: '0',
    WORKER_HEARTBEAT_INTERVAL: String(OWN_LEASE_SECONDS),
  };
}

/** The kernel chooses the port and says so in its log. */
async function addressIn(logFile: string): Promise<string> {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline) {
    const url = /"url":"(http:[^"]+)"/.exec(readLog(logFile))?.[1];
    if (url !== undefined) return url;
    await sleep(LOOK_AGAIN_MS);
  }
  throw new Error(`the kernel did not start within ${START_MS / 1000} s`);
}

/** Empty when the file is gone, together with the kernel's temporary folder. */
function readLog(logFile: string): string {
  try {
    return readFileSync(logFile, 'utf8').trim();
  } catch {
    return '';
  }
}
