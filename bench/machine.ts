/** What a figure depends on besides the code. */
import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quantile, show } from './lib/stats.ts';
import { makeFolder, removeFolder } from './lib/workspace.ts';
import { redisVersion } from './peers/redis.ts';

/** Names and values, in the order in which they are shown. */
export function machine(): readonly (readonly [string, string])[] {
  const fsync = fsyncCost();
  return [
    ['date', new Date().toISOString().slice(0, 16).replace('T', ' ')],
    ['processor', `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores (${arch()})`],
    ['memory', `${(totalmem() / 2 ** 30).toFixed(1)} GiB`],
    // More than a few tenths: others were at work, and even the ratios are rough.
    ['load before', show(loadavg()[0]!)],
    ['system', `${platform()} ${release()}`],
    ['disk', `4 KiB and fdatasync: p50 ${show(fsync.p50)} ms, p99 ${show(fsync.p99)} ms`],
    ['Node', process.version],
    ['ColonyOS', `${versionOf('../packages/kernel/package.json')}, commit ${commit()}`],
    ['better-sqlite3', versionOf('../node_modules/better-sqlite3/package.json')],
    [
      'BullMQ',
      `${versionOf('node_modules/bullmq/package.json')}, ioredis ${versionOf('node_modules/ioredis/package.json')}`,
    ],
    ['Redis', redisVersion() ?? 'none'],
  ];
}

/** Milliseconds to append 4 KiB and wait for the disk: the price of every durable answer. */
function fsyncCost(): { p50: number; p99: number } {
  const folder = makeFolder('fsync');
  const file = openSync(join(folder, 'log'), 'w');
  const block = Buffer.alloc(4096, 1);
  const times: number[] = [];
  for (let i = 0; i < 300; i++) {
    const start = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    times.push(performance.now() - start);
  }
  closeSync(file);
  removeFolder(folder);
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

function versionOf(path: string): string {
  try {
    const file = fileURLToPath(new URL(path, import.meta.url));
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  } catch {
    return 'none';
  }
}

function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, {
        cwd: fileURLToPath(new URL('..', import.meta.url)),
        encoding: 'utf8',
        stdio: 'pipe',
      });
    const changed = git('status', '--porcelain', '--', 'packages').trim() !== '';
    return git('rev-parse', '--short', 'HEAD').trim() + (changed ? ' with changes' : '');
  } catch {
    return 'unknown';
  }
}
