import { Worker } from 'node:worker_threads';
import type { Clock } from '../../../core/clock.ts';
import { EmbeddingUnavailable } from '../../../core/embedder.ts';
import type { Verdict } from '../verdict.ts';
import type { Done, Job } from './messages.ts';

export interface ModelThreadOptions {
  readonly clock: Clock;
  /** A job that takes longer has hung. */
  readonly jobMs: number;
  /** After so long without a job the thread ends, and gives back its memory. */
  readonly idleMs: number;
  /** The program of the thread. */
  readonly program?: URL;
}

/** The program of the thread stands beside this file, built or not. */
const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
/** Of JavaScript's own memory. The model's weights are outside of it. */
const HEAP_MB = 512;
/** What the owner of a broken thread should wait at least is not known here. */
const RETRY_MS = 1000;

interface Running {
  readonly worker: Worker;
  /** Rejects when the thread ends. */
  readonly ended: Promise<never>;
}

/**
 * Runs jobs in a thread that is there only while it is needed: it begins with the first job, and ends when there has been
 * none for a while. A job whose thread ends, whatever the reason, is unavailable; the next one begins a new thread.
 */
export class ModelThread {
  readonly #options: ModelThreadOptions;
  #running: Running | null = null;
  #lastId = 0;
  #stopIdling: () => void = () => undefined;

  constructor(options: ModelThreadOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** One job at a time. Throws `EmbeddingUnavailable`. */
  async run(texts: readonly string[]): Promise<readonly Verdict[]> {
    this.#stopIdling();
    this.#running ??= this.#start();
    const running = this.#running;
    const job: Job = { id: ++this.#lastId, texts };
    const hung = Promise.withResolvers<never>();
    const stop = this.#options.clock.timer(this.#options.jobMs, () => hung.reject(unavailable('it does not answer')));
    const answered = Promise.withResolvers<readonly Verdict[]>();
    const listen = ({ id, verdicts }: Done) => {
      if (id === job.id) answered.resolve(verdicts);
    };
    running.worker.on('message', listen);
    try {
      running.worker.postMessage(job);
      return await Promise.race([answered.promise, running.ended, hung.promise]);
    } catch (fault) {
      await this.end();
      throw fault;
    } finally {
      stop();
      running.worker.off('message', listen);
      if (this.#running) this.#stopIdling = this.#options.clock.timer(this.#options.idleMs, () => void this.end());
    }
  }

  /** Ends the thread, if there is one. A job that it has is unavailable. */
  async end(): Promise<void> {
    this.#stopIdling();
    const running = this.#running;
    this.#running = null;
    await running?.worker.terminate();
  }

  #start(): Running {
    const worker = this.#worker();
    worker.stdout.resume();
    worker.stderr.resume();
    // A kernel that has nothing else to do need not live for it.
    worker.unref();
    const ended = new Promise<never>((_, reject) => {
      worker.on('error', (fault) => reject(unavailable(fault instanceof Error ? fault.message : String(fault))));
      worker.on('exit', (code) => {
        if (this.#running?.worker === worker) this.#running = null;
        reject(unavailable(`its thread ended with code ${code}`));
      });
    });
    // It may end while there is no job.
    ended.catch(() => undefined);
    return { worker, ended };
  }

  #worker(): Worker {
    try {
      return new Worker(this.#options.program ?? PROGRAM, {
        name: 'embedder',
        // It needs nothing of what is secret there, and must not write between the lines of the log.
        env: {},
        execArgv: [],
        stdout: true,
        stderr: true,
        resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      });
    } catch (fault) {
      throw unavailable((fault as Error).message);
    }
  }
}

function unavailable(why: string): EmbeddingUnavailable {
  return new EmbeddingUnavailable(`the local model is out of order: ${why}`, RETRY_MS);
}
