import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Happened } from '../body/happened.ts';
import type { Kernel } from '../body/kernel.ts';
import type { LedgerType } from '../core/event.ts';
import { TASK_STATUSES } from '../core/task.ts';
import { countByStatus } from './routes/system.ts';

/** What the figures need to know of a group commit. */
export type Commit = Pick<Happened, 'entries' | 'commands' | 'conflicts' | 'commitMs' | 'passedOver'>;

/** The figures an operator watches first, in Prometheus' text format. Names carry base units; ids are never labels. */
export class Metrics {
  readonly #registry = new Registry();
  /** Plain numbers, turned into a counter at every scrape: labels are too dear for the hot path. */
  readonly #events = new Map<LedgerType, number>();
  readonly #lag = monitorEventLoopDelay({ resolution: 20 });
  readonly #commitSeconds: Histogram;
  readonly #commitCommands: Histogram;
  readonly #runSeconds: Histogram;
  readonly #conflicts: Counter;
  readonly #heldBack: Counter;
  #kernel: Kernel | null = null;

  constructor(version: string) {
    this.#lag.enable();
    const registers = [this.#registry];
    this.#commitSeconds = new Histogram({
      name: 'colony_commit_duration_seconds',
      help: 'How long a group commit took to become durable',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    });
    this.#commitCommands = new Histogram({
      name: 'colony_commit_commands',
      help: 'How many commands shared a group commit',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
      registers,
    });
    this.#runSeconds = new Histogram({
      name: 'colony_task_run_seconds',
      help: 'Run time of attempts that completed',
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600],
      registers,
    });
    this.#conflicts = new Counter({
      name: 'colony_commit_conflicts_total',
      help: 'Decisions that were taken anew because another kernel was faster',
      registers,
    });
    this.#heldBack = new Counter({
      name: 'colony_claims_held_back_total',
      help: 'Claims that had to pass over tasks, by what held them back: COLONY_GROUP_MAX_CONCURRENT or a limit of the policy',
      labelNames: ['by'],
      registers,
    });
    this.#counters(registers);
    this.#gauges(registers);
    new Gauge({ name: 'colony_build_info', help: 'The running version', labelNames: ['version'], registers }).set(
      { version },
      1,
    );
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** To be called after every group commit; quick, since everybody waits for the next one. */
  committed({ entries, commands, conflicts, commitMs, passedOver }: Commit): void {
    if (conflicts > 0) this.#conflicts.inc(conflicts);
    for (const { by } of passedOver) for (const name of by) this.#heldBack.inc({ by: name });
    if (entries.length === 0) return;
    this.#commitSeconds.observe(commitMs / 1000);
    this.#commitCommands.observe(commands);
    for (const { type, data } of entries) {
      this.#events.set(type, (this.#events.get(type) ?? 0) + 1);
      if (type !== 'task_completed') continue;
      const seconds = /"elapsed_seconds":([\d.]+)/.exec(data)?.[1];
      if (seconds !== undefined) this.#runSeconds.observe(Number(seconds));
    }
  }

  async render(kernel: Kernel): Promise<string> {
    this.#kernel = kernel;
    return this.#registry.metrics();
  }

  #counters(registers: Registry[]): void {
    const count = (type: LedgerType) => this.#events.get(type) ?? 0;
    const counters: readonly [name: string, help: string, type: LedgerType][] = [
      ['colony_tasks_submitted_total', 'Tasks handed in', 'task_submitted'],
      ['colony_tasks_assigned_total', 'Tasks given to a worker (claims)', 'task_assigned'],
      ['colony_tasks_completed_total', 'Tasks completed', 'task_completed'],
    ];
    for (const [name, help, type] of counters) {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(count(type));
        },
      });
    }
    const events = this.#events;
    new Counter({
      name: 'colony_ledger_entries_total',
      help: 'Ledger entries this kernel appended, by type',
      labelNames: ['type'],
      registers,
      collect() {
        this.reset();
        for (const [type, number] of events) this.inc({ type }, number);
      },
    });
  }

  #gauges(registers: Registry[]): void {
    const gauge = (name: string, help: string, read: (kernel: Kernel) => number | Promise<number>) => {
      const current = () => this.#kernel;
      return new Gauge({
        name,
        help,
        registers,
        async collect() {
          const kernel = current();
          if (kernel) this.set(await read(kernel));
        },
      });
    };
    const byLabel = (
      name: string,
      help: string,
      read: (kernel: Kernel) => Promise<Readonly<Record<string, number>>>,
      label = 'status',
    ) => {
      const current = () => this.#kernel;
      return new Gauge({
        name,
        help,
        labelNames: [label],
        registers,
        async collect() {
          const kernel = current();
          if (kernel)
            for (const [status, value] of Object.entries(await read(kernel))) this.set({ [label]: status }, value);
        },
      });
    };
    byLabel('colony_tasks', 'Tasks stored, by status', async ({ store }) => {
      const { tasks } = await store.survey();
      return Object.fromEntries(TASK_STATUSES.map((status) => [status, tasks[status] ?? 0]));
    });
    byLabel('colony_workers', 'Registered workers, by status', async ({ store }) =>
      countByStatus(await store.workers()),
    );
    byLabel(
      'colony_limit_executing',
      "Tasks executing that require the capability of one of the policy's limits, by limit",
      async ({ guardian }) => Object.fromEntries((await guardian.limits()).map(({ id, executing }) => [id, executing])),
      'limit',
    );
    gauge('colony_queue_age_seconds', 'How long the oldest queued task has been waiting', async ({ store }) => {
      const oldest = await store.oldestQueued();
      return oldest === null ? 0 : Math.max(0, Date.now() - oldest) / 1000;
    });
    gauge('colony_commands_waiting', 'Commands that wait to be decided', (kernel) => kernel.backlog());
    gauge(
      'colony_texts_waiting',
      'Texts in memory that wait at this kernel for the embedder',
      ({ memory }) => memory.textsWaiting,
    );
    gauge(
      'colony_uptime_seconds',
      'Since the kernel started',
      (kernel) => Math.max(0, Date.now() - kernel.startedAt) / 1000,
    );
    gauge('colony_resident_memory_bytes', 'Resident memory of the process', () => process.memoryUsage.rss());
    const lag = this.#lag;
    new Gauge({
      name: 'colony_event_loop_lag_seconds',
      help: 'Delay of the event loop since the last scrape, by quantile',
      labelNames: ['quantile'],
      registers,
      collect() {
        for (const quantile of [0.5, 0.99, 1]) {
          this.set({ quantile: String(quantile) }, lag.percentile(quantile * 100) / 1e9);
        }
        lag.reset();
      },
    });
  }
}
