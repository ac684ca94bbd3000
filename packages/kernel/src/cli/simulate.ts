import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';

interface Flags {
  readonly url?: string;
  readonly keep?: string;
  readonly input: string;
  readonly workers: number;
  readonly rate?: number;
  readonly duration?: number;
  readonly seed: number;
  readonly chaos: boolean;
  readonly out: string;
}

/** `colonyos simulate`: bees that do real work on the files of a folder. */
export function simulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('let a hive of worker processes do real work on the files of a folder, and check that nothing is lost')
    .option('--url <url>', 'a running kernel (default: the one at COLONY_PORT if it answers, else one of its own)', url)
    .option('--keep <dir>', 'start a kernel of its own and keep its database there')
    .option('--input <folder>', 'whose files are worked on', '.')
    .option('--workers <n>', 'bees, each a process', whole(1, 64), 3)
    .option('--rate <n>', 'tasks per second (default: as fast as they are done)', positive)
    .option('--duration <seconds>', 'go on for so long, with the same files again (default: each file once)', positive)
    .option('--seed <n>', 'decides the order of the files and the moments of chaos', whole(0, 0xffff_ffff), 1)
    .option('--chaos', 'kill bees with SIGKILL every now and then', false)
    .option('--out <file>', 'where the results go', 'simulate-results.json')
    .action(simulate);
}

async function simulate(flags: Flags, command: Command): Promise<void> {
  if (flags.url !== undefined && flags.keep !== undefined) {
    command.error('error: --keep is for a kernel of its own, and --url names another');
  }
  const { simulateHive } = await import('./hive/run.ts');
  const { loadConfig } = await import('../config.ts');
  try {
    const { port, secretToken } = loadConfig(process.env, process.cwd());
    const { duration: durationSeconds, url, keep, rate, ...rest } = flags;
    const defaultUrl = `http://127.0.0.1:${port}`;
    const options = { ...rest, url, keep, rate, durationSeconds, defaultUrl, token: secretToken };
    process.exitCode = await simulateHive(process.env, options);
  } catch (error) {
    process.stderr.write(`colonyos simulate: ${(error as Error).message}\n`);
    // Not only the code: whatever still waits for a kernel or a bee that is gone would wait in vain.
    process.exit(1);
  }
}

function url(text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? '')) throw new InvalidArgumentError('Not an http address.');
  return text;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('Not a number above 0.');
  return value;
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`Not a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}
