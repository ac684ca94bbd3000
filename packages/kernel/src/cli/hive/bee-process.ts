import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BeeCommand, BeeOrder, BeeReport } from './bee-protocol.ts';

const KEPT_STDERR = 2_000;

export interface BeeEvents {
  report(report: BeeReport): void;
  /** It is gone, for whatever reason; with the last thing it wrote to its standard error. */
  gone(lastWords: string): void;
}

/** The process of one bee, from its birth to its end. */
export class BeeProcess {
  readonly gone: Promise<void>;
  readonly #child: ChildProcess;

  constructor(order: BeeOrder, events: BeeEvents) {
    // From source, Node runs the .ts file as it is.
    const file = new URL(import.meta.url.endsWith('.ts') ? './bee.ts' : './bee.js', import.meta.url);
    this.#child = fork(fileURLToPath(file), [], {
      // A group of its own: a Ctrl-C in the terminal must reach the hive only, which then stops its bees in order.
      detached: process.platform !== 'win32',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let stderr = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-KEPT_STDERR);
    });
    this.#child.on('message', (report: BeeReport) => events.report(report));
    this.gone = new Promise((resolve) => {
      const over = (lastWords: string) => {
        events.gone(lastWords.trim());
        resolve();
      };
      this.#child.once('error', (error) => over(error.message));
      this.#child.once('exit', () => over(stderr));
    });
    this.#send(order);
  }

  stop(): void {
    this.#send({ type: 'stop' });
  }

  /** At once, without a chance to say goodbye. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #send(command: BeeCommand): void {
    // It may have died already; its end is told by another event.
    if (this.#child.connected) this.#child.send(command, undefined, undefined, () => {});
  }
}
