import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { KEY_FILE } from '../src/testing/key-file.ts';
import { freePort } from '../src/testing/redis-server.ts';

const BIN = fileURLToPath(new URL('../bin/colonyos.js', import.meta.url));

/** A kernel in a process of its own, built and started as its users do. */
export class KernelProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  #output = '';

  /** Starts one and waits until it is healthy. Throws with what it printed when it ends before that. */
  static async start(env: Record<string, string>): Promise<KernelProcess> {
    for (;;) {
      const kernel = new KernelProcess(Number(env.COLONY_PORT ?? (await freePort())), env);
      try {
        await kernel.healthy();
        return kernel;
      } catch (fault) {
        // A port that was free a moment ago may be somebody's by now.
        if (env.COLONY_PORT !== undefined || !/COLONY_PORT \d+ is in use/.test(kernel.output)) throw fault;
      }
    }
  }

  /** Starts one on a port that is known, and does not wait for it. */
  static launch(env: Record<string, string>): KernelProcess {
    return new KernelProcess(Number(env.COLONY_PORT), env);
  }

  private constructor(port: number, env: Record<string, string>) {
    this.url = `http://127.0.0.1:${port}`;
    this.#child = spawn(process.execPath, [BIN, 'start'], {
      env: {
        PATH: process.env.PATH,
        COLONY_HOST: '127.0.0.1',
        COLONY_LOG_LEVEL: 'warn',
        ...(env.COLONY_MEMORY_BACKEND === 'redis' ? { COLONY_SIGNING_KEY_FILE: KEY_FILE } : {}),
        ...env,
        COLONY_PORT: String(port),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
  }

  get output(): string {
    return this.#output;
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves once it serves. Throws when it ends before that. */
  async healthy(): Promise<void> {
    while (!this.ended) {
      const healthy = await fetch(`${this.url}/health`).then(
        (response) => response.ok,
        () => false,
      );
      if (healthy) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the kernel ended before it was healthy:\n${this.#output}`);
  }

  /** Sends a signal and waits for the end. Answers the exit code, or null when a signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.ended) return this.#child.exitCode;
    const exit = once(this.#child, 'exit');
    this.#child.kill(signal);
    const [code] = (await exit) as [number | null];
    return code;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
