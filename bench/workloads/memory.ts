import { Comparison, type Figures } from '../lib/compare.ts';
import { Role } from '../lib/processes.ts';
import type { Report, Settings, Workload } from '../lib/report.ts';
import { show } from '../lib/stats.ts';
import { makeFolder, removeFolder } from '../lib/workspace.ts';
import { colony } from '../peers/colony.ts';
import type { Filter, Kind } from '../roles/searcher.ts';

const DIMENSION = 384;
const FIGURES = ['p50', 'p95', 'p99', 'loop p99', 'loop max'];
const FILL_LIMIT_MS = 600_000;
const WITH = { plain: 'with neither', vector: 'with a vector', text: 'with a text', both: 'with both' } as const;
const KINDS = Object.keys(WITH) as Kind[];
const FILTERS: readonly Filter[] = ['none', 'half', 'thousandth'];
const NEAREST = 'the 10 nearest';

/** Whether much that is remembered is found soon, and nobody waits for it meanwhile. */
export const memory: Workload = {
  id: 'memory',
  title: 'Memory: searched, with much in one scope',
  async run({ quick, rounds }: Settings): Promise<Report> {
    const size = quick ? 5_000 : 100_000;
    const searches = quick ? 20 : 200;
    const reason = await colony.unavailable();
    const comparison = new Comparison();
    const puts = reason === null ? await measure(comparison, size, searches, rounds) : '';
    const goal = (text: string, filter: Filter, figure: string, most: number) => ({
      text: `${text}, ${figure}, ms`,
      value: comparison.median(nearest(filter), figure),
      goal: most,
      atLeast: false,
    });
    return {
      how: [
        `${size.toLocaleString('en-US')} entries in one scope of a store on SQLite, each with a vector of ${DIMENSION} numbers and a text of 30 words;`,
        `${searches} searches one after the other, each for something else; ms, median (range) of ${rounds} rounds. The loop's delay is that of`,
        `the thread that the store is on, with what measures it. ${puts}`,
        reason === null ? '' : `Not measured: ${reason}.`,
      ].join(' '),
      columns: ['searched for', ...FIGURES],
      rows: comparison.rows(FIGURES),
      goals: FILTERS.flatMap((filter) => [
        goal(nearest(filter), filter, 'p95', 50),
        goal(nearest(filter), filter, 'loop p99', 10),
      ]),
    };
  },
};

function nearest(filter: Filter): string {
  if (filter === 'none') return NEAREST;
  return `${NEAREST} of ${filter === 'half' ? 'a half' : 'a thousandth'}`;
}

/** Answers what there is to say of putting. */
async function measure(comparison: Comparison, size: number, searches: number, rounds: number): Promise<string> {
  const folder = makeFolder('memory');
  const role = new Role('searcher.ts');
  try {
    await role.ask('open', { folder, dimension: DIMENSION });
    const rates: string[] = [];
    for (const kind of KINDS) {
      const rate = await role.ask<number>('put', { count: kind === 'both' ? size : size / 10, kind }, FILL_LIMIT_MS);
      rates.push(`${show(rate)} ${WITH[kind]}`);
    }
    const before = await role.ask<number>('memory', {});
    const { first } = await role.ask<Figures>('search', { count: 1, by: 'vector', filter: 'none' });
    const after = await role.ask<number>('memory', {});
    for (let round = 1; round <= rounds; round++) {
      for (const filter of FILTERS) {
        const figures = await role.ask<Figures>('search', { count: searches, by: 'vector', filter });
        comparison.add(nearest(filter), figures);
        console.error(`  ${round}/${rounds} ${nearest(filter)}: p95 ${show(figures.p95!)} ms`);
      }
      for (const [name, words] of [
        ['3 words', 3],
        ['30 words', 30],
      ] as const) {
        const figures = await role.ask<Figures>('search', {
          count: Math.ceil(searches / 4),
          by: 'text',
          filter: 'none',
          words,
        });
        comparison.add(name, figures);
        console.error(`  ${round}/${rounds} ${name}: p95 ${show(figures.p95!)} ms`);
      }
    }
    return [
      `Put in a second, 100 to a commit: ${rates.join(', ')}. The first search, which reads all vectors, took`,
      `${show(first!)} ms; then the process had ${show(after - before)} MiB more than before.`,
    ].join(' ');
  } finally {
    await role.ask('close', {}).catch(() => undefined);
    await role.end();
    removeFolder(folder);
  }
}
