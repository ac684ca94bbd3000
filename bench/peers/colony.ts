import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, start } from '../lib/processes.ts';
import { makeFolder, removeFolder } from '../lib/workspace.ts';
import type { Peer, Server } from './peer.ts';

const BIN = fileURLToPath(new URL('../../packages/kernel/bin/colonyos.js', import.meta.url));
const MAIN = fileURLToPath(new URL('../../packages/kernel/dist/main.js', import.meta.url));

/** The kernel as it is shipped, with SQLite on disk; every answer waits for the disk. */
export const colony: Peer = {
  name: 'ColonyOS, every commit',
  client: 'colony',
  unavailable: () => (existsSync(BIN) && existsSync(MAIN) ? null : 'the kernel is not built; run `npm run build`'),
  serve: () => startKernel(),
};

export interface KernelServer extends Server {
  readonly port: number;
  readonly pid: number;
  /** Where its database is. */
  readonly folder: string;
}

/** Starts a kernel with nothing stored, on a free port; `settings` are environment variables. */
export async function startKernel(settings: Readonly<Record<string, string>> = {}): Promise<KernelServer> {
  const folder = makeFolder('colony');
  const port = await freePort();
  const program = start(process.execPath, [BIN, 'start'], {
    // Its own folder, so that nobody's `.env` is read, and an environment without anybody's settings.
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      COLONY_PORT: String(port),
      COLONY_HOST: '127.0.0.1',
      COLONY_MEMORY_CONNECTION_STRING: join(folder, 'colony.db'),
      COLONY_LOG_LEVEL: 'warn',
      MAX_CONCURRENT_TASKS: '0',
      ...settings,
    },
  });
  const address = `http://127.0.0.1:${port}`;
  await program.until(async () => (await fetch(`${address}/health`)).ok);
  return {
    address,
    port,
    pid: program.pid,
    folder,
    async stop() {
      await program.stop();
      removeFolder(folder);
    },
  };
}
