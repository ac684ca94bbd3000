import { randomUUID } from 'node:crypto';
import { ColonyClient, ColonyEvents } from '@colonyos/client';
import { account, exitCodeOf } from './accounting.ts';
import { chaos } from './chaos.ts';
import { drain } from './drain.ts';
import type { Folder } from './folder.ts';
import type { Host } from './host.ts';
import { Interrupts } from './interrupts.ts';
import { checkLedger, ledgerHead } from './ledger-check.ts';
import type { SimulateOptions } from './options.ts';
import { findFiles, findHost, sayWhatToExpect } from './prepare.ts';
import { seeded, shuffled } from './random.ts';
import { type Outcome, table } from './report.ts';
import { fetchFindings, resultsOf, writeResults } from './results.ts';
import { figuresOf } from './statistics.ts';
import { StreamRecord } from './stream-record.ts';
import { type Refusals, submitFiles } from './submitter.ts';
import { assignTrades, Swarm } from './swarm.ts';
import { Tracker } from './tracker.ts';
import { View } from './view.ts';

/**
 * A run of the hive, from the folder to the exit code:
 *
 *   find files ──► find or start a kernel ──► start the bees ──► submit ──► drain ──► stop the bees ──► check ──► report
 *                                                          (chaos kills bees)  ▲
 *                                                          Ctrl-C ─────────────┘ cancels what nobody works on
 */
export async function simulateHive(
  environment: Readonly<Record<string, string | undefined>>,
  options: SimulateOptions,
): Promise<number> {
  const view = new View(process.stdout);
  const processes: { destroy(): void }[] = [];
  const destroyAll = () => {
    for (const one of processes) one.destroy();
  };
  // Whatever ends this process, nothing that it started stays behind.
  process.once('exit', destroyAll);
  const interrupts = new Interrupts(destroyAll);
  try {
    const folder = await findFiles(options, (line) => view.say(line));
    const host = await findHost(options, environment);
    processes.push(host);
    try {
      return await new Run(options, folder, host, view, interrupts.signal).go((swarm) => processes.push(swarm));
    } finally {
      await host.stop();
    }
  } finally {
    view.close();
    interrupts.close();
    destroyAll();
    process.off('exit', destroyAll);
  }
}

class Run {
  readonly #options: SimulateOptions;
  readonly #folder: Folder;
  readonly #host: Host;
  readonly #view: View;
  readonly #interrupted: AbortSignal;
  readonly #id = randomUUID().slice(0, 8);
  readonly #startedAt = new Date();
  readonly #client: ColonyClient;
  readonly #tracker = new Tracker();
  readonly #swarm: Swarm;

  constructor(options: SimulateOptions, folder: Folder, host: Host, view: View, interrupted: AbortSignal) {
    this.#options = options;
    this.#folder = folder;
    this.#host = host;
    this.#view = view;
    this.#interrupted = interrupted;
    const { url } = host;
    const token = options.token ?? undefined;
    this.#client = new ColonyClient({ url, token });
    const work = { text: 0, data: 0, image: 0 };
    for (const { kind } of folder.files) work[kind]++;
    this.#swarm = new Swarm(assignTrades(options.workers, work), { url, token, root: folder.root, run: this.#id });
  }

  async go(onSwarm: (swarm: Swarm) => void): Promise<number> {
    const { url, died } = this.#host;
    await sayWhatToExpect(this.#client, this.#host, this.#options, (line) => this.#view.say(line));
    const stream = new StreamRecord(await ledgerHead(this.#client));
    const broken = Promise.withResolvers<never>();
    broken.promise.catch(() => {});
    const events = new ColonyEvents({
      url,
      token: this.#options.token ?? undefined,
      since: stream.from,
      onError: broken.reject,
    });
    events.on('*', (event) => {
      stream.hear(event);
      this.#tracker.hear(event);
    });
    onSwarm(this.#swarm);
    try {
      // Without its kernel, its bees or its events the run cannot go on, whatever it is waiting for.
      return await Promise.race([this.#work(stream), died, broken.promise, this.#swarm.failed]);
    } finally {
      events.close();
    }
  }

  async #work(stream: StreamRecord): Promise<number> {
    this.#view.watch({ tracker: this.#tracker, bees: this.#swarm.slots });
    await this.#swarm.start();
    const healing = new AbortController();
    const killing = this.#options.chaos ? this.#startChaos(healing.signal) : undefined;
    this.#view.phase = 'submitting';
    const refusals = await this.#submit();
    this.#view.phase = 'draining';
    if (this.#interrupted.aborted) await this.#unregisterAbandoned();
    const cancelled = await drain({
      client: this.#client,
      tracker: this.#tracker,
      swarm: this.#swarm,
      interrupted: this.#interrupted,
    });
    healing.abort();
    await killing;
    this.#view.phase = 'checking';
    await this.#swarm.stop();
    await this.#unregisterAbandoned();
    this.#view.close();
    return this.#report(stream, refusals, cancelled);
  }

  /** As long as tasks are handed in; and a little longer, since a small folder is handed in at once. Then it heals. */
  #startChaos(healing: AbortSignal): Promise<void> {
    const swarm = this.#swarm;
    const { seed, workers } = this.#options;
    return chaos({
      swarm,
      random: seeded(seed),
      signal: AbortSignal.any([healing, this.#interrupted]),
      goOn: () => this.#view.phase === 'submitting' || (this.#tracker.open > 0 && swarm.kills < workers),
      onKill: (name) => this.#view.say(`killed ${name}`),
    });
  }

  #submit(): Promise<Refusals> {
    const { rate, durationSeconds, seed } = this.#options;
    return submitFiles({
      client: this.#client,
      tracker: this.#tracker,
      files: shuffled(seeded(seed), this.#folder.files),
      run: this.#id,
      rate,
      durationMs: durationSeconds === undefined ? undefined : durationSeconds * 1000,
      signal: this.#interrupted,
    });
  }

  /** Killed bees said no goodbye. A kernel that stays must not list them for a day; and it requeues what they held. */
  async #unregisterAbandoned(): Promise<void> {
    const removals = this.#swarm.takeAbandoned().map((id) => this.#client.removeWorker(id).catch(() => {}));
    await Promise.all(removals);
  }

  async #report(stream: StreamRecord, refusals: Refusals, cancelled: ReadonlySet<string>): Promise<number> {
    const findings = await fetchFindings(this.#client, this.#tracker, this.#id);
    const ledger = await checkLedger(this.#client, stream);
    const { tasks } = findings;
    const losses = account({ acknowledged: this.#tracker.tasks.keys(), tasks, cancelled, ledger });
    const outcome: Outcome = {
      figures: figuresOf(this.#tracker.tasks.values()),
      ledger,
      losses,
      refused: refusals.count,
      killed: this.#swarm.kills,
      crashed: this.#swarm.crashes,
    };
    this.#view.say(`\n${table(outcome)}\n`);
    if (refusals.first !== undefined) this.#view.say(`submits were refused: ${refusals.first}`);
    const { url, own } = this.#host;
    const run = { run: this.#id, startedAt: this.#startedAt, url, own, options: this.#options, folder: this.#folder };
    await writeResults(this.#options.out, resultsOf(run, outcome, findings));
    this.#view.say(`results in ${this.#options.out}`);
    return exitCodeOf(losses);
  }
}
