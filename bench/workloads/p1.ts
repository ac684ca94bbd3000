import { Comparison, type Figures } from '../lib/compare.ts';
import { HttpConnection, post } from '../lib/http-connection.ts';
import { Role } from '../lib/processes.ts';
import type { Report, Settings, Workload } from '../lib/report.ts';
import { show } from '../lib/stats.ts';
import { wireTask } from '../lib/wire-task.ts';
import { colony, startKernel } from '../peers/colony.ts';
import type { LoadReport } from '../roles/load.ts';

const CONNECTIONS = 64;
const RATE = 'requests /s';
const FIGURES = [RATE, 'p50 ms', 'p99 ms'] as const;
const KERNEL = 'POST /tasks';
const BARE = 'bare node:http';

/** What the whole way of a task from the socket to the disk costs, against what `node:http` costs by itself. */
export const p1: Workload = {
  id: 'p1',
  title: 'P1: POST /tasks over HTTP',
  async run(settings: Settings): Promise<Report> {
    const seconds = settings.quick ? 2 : 5;
    const reason = await colony.unavailable();
    const comparison = new Comparison();
    for (let round = 1; round <= settings.rounds; round++) {
      // The bare server answers with as many bytes as the kernel does, so the kernel is asked first.
      const kernel = reason === null ? await measureKernel(seconds) : null;
      const bare = await measureBare(kernel?.sample ?? SAMPLE, seconds);
      if (kernel) comparison.add(KERNEL, kernel.figures);
      comparison.add(BARE, bare);
      console.error(
        `  ${round}/${settings.rounds} ${show(kernel?.figures[RATE] ?? Number.NaN)} of ${show(bare[RATE]!)}`,
      );
    }
    return {
      how: [
        `${CONNECTIONS} keep-alive connections, bodies of about 250 bytes, ${seconds} s after a warm-up; the load comes from a`,
        `process of its own; median (range) of ${settings.rounds} rounds.`,
        reason === null ? '' : `${KERNEL} was not measured: ${reason}.`,
      ].join(' '),
      columns: ['', ...FIGURES],
      rows: comparison.rows(FIGURES),
      goals: [
        { text: 'Share of the bare rate', value: comparison.ratio(KERNEL, BARE, RATE), goal: 0.5, atLeast: true },
      ],
    };
  },
};

async function measureKernel(seconds: number): Promise<{ figures: Figures; sample: object }> {
  const server = await startKernel();
  try {
    const connection = await HttpConnection.open(server.port);
    const { status, body } = await connection.send(post('/tasks', wireTask(0)));
    connection.close();
    if (status !== 201) throw new Error(`POST /tasks answered ${status}: ${body}`);
    return { sample: JSON.parse(body.toString()) as object, figures: await load(server.port, seconds) };
  } finally {
    await server.stop();
  }
}

async function measureBare(template: object, seconds: number): Promise<Figures> {
  const server = new Role('bare-server.ts');
  try {
    const { port } = await server.ask<{ port: number }>('serve', { template });
    return await load(port, seconds);
  } finally {
    await server.end();
  }
}

async function load(port: number, seconds: number): Promise<Figures> {
  const generator = new Role('load.ts');
  try {
    const request = { port, path: '/tasks', body: wireTask(0), connections: CONNECTIONS };
    await generator.ask('load', { ...request, seconds: 2 });
    const report = await generator.ask<LoadReport>('load', { ...request, seconds });
    if (report.refused > 0) throw new Error(`${report.refused} requests were refused`);
    return { [RATE]: report.perSecond, 'p50 ms': report.p50, 'p99 ms': report.p99 };
  } finally {
    await generator.end();
  }
}

/** A task as the kernel answers it, for when there is no kernel to ask. */
const SAMPLE = {
  id: '0198f0c2-7c1e-7a55-9d0c-2f6a1f0f6b11',
  ...wireTask(0),
  status: 'queued',
  pending_reason: null,
  priority: 5,
  requirements: {},
  preferences: {},
  constraints: {},
  tags: [],
  metadata: {},
  timeout_seconds: 300,
  max_retries: 0,
  retry_count: 0,
  retry_backoff: { type: 'exponential', delay_seconds: 1, max_delay_seconds: 60, jitter: true },
  run_at: null,
  depends_on: [],
  parent_id: null,
  created_by: 'anonymous',
  assigned_worker: null,
  attempt: 0,
  progress: null,
  result: null,
  error: null,
  error_trace: null,
  created_at: '2026-01-01T00:00:00.000Z',
  queued_at: '2026-01-01T00:00:00.000Z',
  started_at: null,
  completed_at: null,
  elapsed_seconds: null,
};
