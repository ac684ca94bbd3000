import { Comparison, type Figures, rotated } from '../lib/compare.ts';
import { Role } from '../lib/processes.ts';
import type { Report, Settings, Workload } from '../lib/report.ts';
import { show } from '../lib/stats.ts';
import { colony, type KernelServer, startKernel } from '../peers/colony.ts';

const CHANGES = 1_000;
const CHECKPOINT = 'checkpoint ms';
const ROLLBACK = 'rollback ms';
const FILL_LIMIT_MS = 300_000;
/** A single checkpoint is over too soon to be told from chance. */
const CHECKPOINTS = 20;

/** Whether checkpoints, and the way back to one, depend on how much is stored. They should not. */
export const p8: Workload = {
  id: 'p8',
  title: 'P8: checkpoint and rollback with much stored',
  async run({ quick, rounds }: Settings): Promise<Report> {
    const sizes = quick ? [1_000, 20_000] : [1_000, 100_000, 1_000_000];
    const reason = await colony.unavailable();
    const comparison = reason === null ? await measure(sizes, rounds) : new Comparison();
    const goals = sizes.slice(1).flatMap((size) =>
      [CHECKPOINT, ROLLBACK].map((figure) => ({
        text: `${figure.slice(0, -3)} with ${name(size)} tasks, against ${name(sizes[0]!)}`,
        value: comparison.ratio(name(size), name(sizes[0]!), figure),
        goal: 2,
        atLeast: false,
      })),
    );
    return {
      how: [
        `One kernel for each size, all filled before the first is measured; in turns ${CHECKPOINTS} checkpoints, one after the other,`,
        `the mean of which counts; then ${CHANGES.toLocaleString('en-US')} changes (half of them new tasks, half cancelled ones) and a rollback`,
        `to the first of them; over HTTP; median (range) of ${rounds} rounds.`,
        reason === null ? '' : `Not measured: ${reason}.`,
      ].join(' '),
      columns: ['tasks', CHECKPOINT, ROLLBACK],
      rows: comparison.rows([CHECKPOINT, ROLLBACK]),
      goals,
    };
  },
};

function name(size: number): string {
  return size.toLocaleString('en-US');
}

async function measure(sizes: readonly number[], rounds: number): Promise<Comparison> {
  const comparison = new Comparison();
  const role = new Role('pairs.ts');
  const kernels: { size: number; server: KernelServer }[] = [];
  try {
    for (const size of sizes) {
      const server = await startKernel({ COLONY_CHECKPOINT_KEEP: '1000' });
      kernels.push({ size, server });
      await role.ask('fill', { port: server.port, count: size }, FILL_LIMIT_MS);
      await once(server);
      console.error(`  ${name(size)} tasks`);
    }
    for (let round = 1; round <= rounds; round++) {
      for (const { size, server } of rotated(kernels, round)) {
        const figures = await once(server);
        comparison.add(name(size), figures);
        console.error(`  ${round}/${rounds} ${name(size)} tasks: ${Object.values(figures).map(show).join(' and ')} ms`);
      }
    }
    return comparison;
  } finally {
    await role.end();
    for (const { server } of kernels) await server.stop();
  }
}

async function once({ address }: KernelServer): Promise<Figures> {
  const ids: string[] = [];
  const begun = performance.now();
  for (let n = 0; n < CHECKPOINTS; n++) ids.push((await call(address, 'POST', '/system/checkpoint')).checkpoint_id);
  const checkpoint = (performance.now() - begun) / CHECKPOINTS;
  const half = CHANGES / 2;
  const old = (await call(address, 'GET', `/tasks?status=queued&limit=${half}`)) as unknown as { id: string }[];
  const tasks = Array.from({ length: half }, () => ({ description: 'a task that will not have been' }));
  await call(address, 'POST', '/tasks/batch', { tasks });
  await Promise.all(old.map(({ id }) => call(address, 'DELETE', `/tasks/${id}`)));
  const before = performance.now();
  const { state } = await call(address, 'POST', `/system/rollback/${ids[0]}`);
  const rollback = performance.now() - before;
  const { restored, removed } = state.tasks;
  if (restored !== half || removed !== half) throw new Error(`${restored} tasks came back and ${removed} went`);
  for (const id of ids) await call(address, 'DELETE', `/system/checkpoints/${id}`);
  return { [CHECKPOINT]: checkpoint, [ROLLBACK]: rollback };
}

// biome-ignore lint/suspicious/noExplicitAny: what a kernel answers
async function call(address: string, method: string, path: string, body?: unknown): Promise<any> {
  const json =
    body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(address + path, { method, ...json });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
