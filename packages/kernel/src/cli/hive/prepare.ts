import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type ColonyClient, ColonyError } from '@colonyos/client';
import { type Folder, MAX_FILE_BYTES, readFolder } from './folder.ts';
import { foreignHost, type Host, healthAt, OWN_LEASE_SECONDS, startKernel } from './host.ts';
import type { SimulateOptions } from './options.ts';
import { BEE_CONCURRENCY } from './swarm.ts';

const SHOWN_FILES = 3;

/** The run cannot begin; the message says why. */
export class CannotRun extends Error {}

/** Finds the kernel that the run is to work with, or starts one. */
export async function findHost(
  { url, keep, defaultUrl, token }: SimulateOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Host> {
  if (url !== undefined) {
    const health = await healthAt(url);
    if (health === 'healthy') return foreignHost(url);
    throw new CannotRun(`no healthy kernel answers at ${url} (${health}); leave --url out to have one started`);
  }
  if (keep === undefined && (await healthAt(defaultUrl)) === 'healthy') return foreignHost(defaultUrl);
  return startKernel({ keep, token, environment });
}

/** The folder, and what is to be said about it. */
export async function findFiles({ input, out }: SimulateOptions, say: (line: string) => void): Promise<Folder> {
  let root: string;
  try {
    root = await realpath(input);
  } catch {
    throw new CannotRun(`--input ${input}: there is no such folder`);
  }
  const folder = await readFolder(root, { exclude: [resolve(out)] });
  const { files, skipped, tooLarge } = folder;
  if (files.length === 0) throw new CannotRun(`--input ${input}: nothing in there that a bee knows`);
  const others = Object.entries(skipped).filter(([, count]) => count > 0);
  const left = others.map(([why, count]) => `${count} ${why.replaceAll('_', ' ')}`).join(', ');
  say(`${files.length} files in ${root}${left === '' ? '' : `; skipped: ${left}`}`);
  if (tooLarge.length > 0) {
    const shown = tooLarge.slice(0, SHOWN_FILES).join(', ');
    say(`over ${MAX_FILE_BYTES / 1024 / 1024} MiB: ${shown}${tooLarge.length > SHOWN_FILES ? ', …' : ''}`);
  }
  return folder;
}

/** What of the kernel's settings will be felt in this run. */
export async function sayWhatToExpect(
  client: ColonyClient,
  { own, url }: Host,
  { workers, chaos }: SimulateOptions,
  say: (line: string) => void,
): Promise<void> {
  say(own ? `a kernel of its own at ${url}, leases of ${OWN_LEASE_SECONDS} s` : `the kernel at ${url}`);
  const { max_concurrent_tasks: most } = (await client.stats().catch(explained)).kernel;
  const slots = workers * BEE_CONCURRENCY;
  if (most > 0 && most < slots) {
    say(`MAX_CONCURRENT_TASKS=${most} there holds back bees that could run ${slots} tasks at once`);
  }
  if (chaos && !own) {
    say(
      'what a killed bee held is requeued after a lease of that kernel (WORKER_HEARTBEAT_INTERVAL, 120 s by default)',
    );
  }
}

/** The first call that needs a token tells whether the one we have is right. */
function explained(error: unknown): never {
  if (!(error instanceof ColonyError) || (error.status !== 401 && error.status !== 403)) throw error;
  throw new CannotRun(`the kernel wants another token than COLONY_SECRET_TOKEN has here (${error.code})`);
}
