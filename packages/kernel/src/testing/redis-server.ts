import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '@redis/client';

const PROGRAMS = ['redis-server', 'valkey-server'];
const PATIENCE_MS = 25_000;

const started = new Set<RedisServer>();
process.once('exit', () => {
  for (const server of started) server.abandon();
});

/**
 * A Redis server of a test's own: on a free port, in an empty folder, with everything written to disk before it is
 * answered. It can be killed, frozen and started again.
 */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #settings: Readonly<Record<string, string>>;
  #process: ChildProcess | null = null;

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings);
    await server.start();
    return server;
  }

  private constructor(port: number, settings: Readonly<Record<string, string>>) {
    this.port = port;
    this.#settings = settings;
    started.add(this);
    this.#folder = mkdtempSync(join(tmpdir(), 'colony-redis-'));
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, or starts it again with what it had written. Resolves once it answers. */
  async start(): Promise<void> {
    const settings: Record<string, string> = {
      port: String(this.port),
      bind: '127.0.0.1',
      dir: this.#folder,
      save: '',
      appendonly: 'yes',
      appendfsync: 'always',
      'maxmemory-policy': 'noeviction',
      loglevel: 'warning',
      // A replica need not wait for others to come along.
      'repl-diskless-sync-delay': '0',
      ...this.#settings,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    this.#process = spawn(redisProgram(), args, { stdio: 'ignore' });
    await this.#answers();
  }

  /** Ends it at once, as a power cut would. */
  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = null;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGCONT');
    running.kill('SIGKILL');
    await gone;
  }

  /** When there is no time left to wait for it. */
  abandon(): void {
    this.#process?.kill('SIGKILL');
  }

  freeze(): void {
    this.#process!.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process!.kill('SIGCONT');
  }

  /** Resolves once it has all that its master has. */
  async follows(master: RedisServer): Promise<void> {
    const offset = async (server: RedisServer, name: string) =>
      new RegExp(`${name}:(\\d+)`).exec(await server.ask('INFO', 'replication'))?.[1];
    while ((await offset(this, 'slave_repl_offset')) !== (await offset(master, 'master_repl_offset'))) await pause(5);
  }

  /** Makes a replica a master of its own, with what it has. */
  async promote(): Promise<void> {
    await this.ask('REPLICAOF', 'NO', 'ONE');
  }

  /** Sends one command, to this very server even where it is a node of a cluster. */
  async ask(...call: string[]): Promise<string> {
    const client = createClient({ url: this.url, socket: { reconnectStrategy: false, connectTimeout: 2000 } });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return String(await client.sendCommand(call));
    } finally {
      client.destroy();
    }
  }

  async stop(): Promise<void> {
    await this.kill();
    started.delete(this);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answers(): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    while (!(await this.ask('PING').catch(() => null))) {
      if (performance.now() > end) throw new Error('the Redis server for the tests does not answer');
      await pause(20);
    }
  }
}

let program: string | undefined;

/** `npm test` sees to it that there is one. */
function redisProgram(): string {
  program ??= PROGRAMS.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
  if (program) return program;
  throw new Error('these tests need redis-server or valkey-server on the PATH: apt-get install redis-server');
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
