import { execFileSync, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { freePort, start } from '../lib/processes.ts';
import { makeFolder, removeFolder } from '../lib/workspace.ts';
import type { Server } from './peer.ts';

export type Fsync = 'always' | 'everysec';

/** Null when `redis-server` is there, or could be installed; otherwise why not. */
export function redisUnavailable(): string | null {
  if (redisVersion() !== null) return null;
  if (process.getuid?.() === 0 && spawnSync('which', ['apt-get']).status === 0) {
    const installed = spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'], {
      timeout: 180_000,
    });
    if (installed.status === 0 && redisVersion() !== null) return null;
  }
  return 'there is no redis-server on the PATH; install Redis or Valkey to measure against it';
}

/** `7.0.15`, or null when there is no Redis. */
export function redisVersion(): string | null {
  try {
    return /v=([\d.]+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown';
  } catch {
    return null;
  }
}

/**
 * A Redis of our own on a free port, in an empty folder. Rewriting of its log is off, since it would fall on some
 * runs and not on others; that is in its favour.
 */
export async function startRedis(fsync: Fsync): Promise<Server> {
  const folder = makeFolder('redis');
  const port = await freePort();
  const options = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'yes',
    appendfsync: fsync,
    'auto-aof-rewrite-percentage': '0',
    'maxmemory-policy': 'noeviction',
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const program = start('redis-server', args);
  await program.until(() => answersPing(port));
  return {
    address: `redis://127.0.0.1:${port}`,
    async stop() {
      await program.stop();
      removeFolder(folder);
    },
  };
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1000, () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString().startsWith('+PONG'));
    });
  });
}
