/**
 * The processes of a measurement. Every one that is started here is ended here, by its own id, whatever becomes of
 * the measurement; no other process is touched.
 */
import { type ChildProcess, fork, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const started = new Set<ChildProcess>();

process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** Starts a program. Its output goes nowhere unless it fails. */
export function start(command: string, args: readonly string[], options: SpawnOptions = {}): Program {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  return new Program(child, command);
}

export class Program {
  readonly #child: ChildProcess;
  readonly #name: string;
  #output = '';

  constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    started.add(child);
    child.once('exit', () => started.delete(child));
    child.once('error', (error) => {
      started.delete(child);
      this.#output += String(error);
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk).slice(-4000);
      });
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get running(): boolean {
    return started.has(this.#child);
  }

  /** Waits until `ready` says so, asked again and again; fails when the program ends first or takes too long. */
  async until(ready: () => Promise<boolean>, limitMs = 30_000): Promise<void> {
    const end = Date.now() + limitMs;
    while (!(await ready().catch(() => false))) {
      if (!this.running) throw new Error(`${this.#name} ended before it was ready:\n${this.#output}`);
      if (Date.now() > end) throw new Error(`${this.#name} was not ready in time:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Asks it to end, and ends it when it does not. */
  async stop(graceMs = 15_000): Promise<void> {
    if (!this.running) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await gone;
    clearTimeout(timer);
  }
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A process of ours that plays a part: a file of `roles/`, asked by name to do things. */
export class Role {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #next = 1;

  constructor(file: string, args: readonly string[] = []) {
    const path = fileURLToPath(new URL(`../roles/${file}`, import.meta.url));
    this.#child = fork(path, args, { stdio: 'inherit' });
    started.add(this.#child);
    this.#child.on('message', ({ id, value, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(`${file}: ${error}`));
    });
    this.#child.once('exit', (code) => {
      started.delete(this.#child);
      for (const { reject } of this.#waiting.values()) reject(new Error(`${file} ended early (${code})`));
    });
  }

  /** Has the process do something. Nothing may take longer than `limitMs`. */
  async ask<T>(what: string, args: unknown = {}, limitMs = 180_000): Promise<T> {
    const id = this.#next++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    this.#child.send({ id, what, args });
    const timer = setTimeout(() => answer.reject(new Error(`${what} took more than ${limitMs} ms`)), limitMs);
    try {
      return (await answer.promise) as T;
    } finally {
      clearTimeout(timer);
    }
  }

  async end(): Promise<void> {
    if (!started.has(this.#child)) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/** The other end of `Role.ask`, called once by the role's own file. */
export function play(parts: Readonly<Record<string, (args: never) => unknown>>): void {
  process.on('message', async ({ id, what, args }: { id: number; what: string; args: never }) => {
    try {
      process.send!({ id, value: await parts[what]!(args) });
    } catch (error) {
      process.send!({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.once('disconnect', () => process.exit());
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
