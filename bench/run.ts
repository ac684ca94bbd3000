/**
 * `npm run bench [-- p1 p2 … --quick --rounds N]`: measures the named workloads, all of them without names, prints
 * what came out and writes it to RESULTS.md. `--quick` is to see that everything works; its figures are not kept.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Workload } from './lib/report.ts';
import { merge, section } from './lib/results.ts';
import { machine } from './machine.ts';
import { memory } from './workloads/memory.ts';
import { p1 } from './workloads/p1.ts';
import { p2 } from './workloads/p2.ts';
import { p3 } from './workloads/p3.ts';
import { p4 } from './workloads/p4.ts';
import { p5 } from './workloads/p5.ts';
import { p6 } from './workloads/p6.ts';
import { p8 } from './workloads/p8.ts';
import { p10 } from './workloads/p10.ts';

const ALL: readonly Workload[] = [p1, p2, p3, p4, p5, p6, p8, p10, memory];
const RESULTS = fileURLToPath(new URL('RESULTS.md', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
});
const names = positionals.map((name) => name.toLowerCase());
const unknown = names.filter((name) => !ALL.some(({ id }) => id === name));
const rounds = Number(values.rounds ?? (values.quick ? 2 : 5));
if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  console.error(`usage: npm run bench -- [${ALL.map(({ id }) => id).join('] [')}] [--quick] [--rounds N]`);
  process.exit(2);
}

const where = machine();
for (const [name, value] of where) console.log(`${name}: ${value}`);

let failed = false;
const sections: string[] = [];
for (const workload of names.length > 0 ? ALL.filter(({ id }) => names.includes(id)) : ALL) {
  console.error(`\n${workload.title}`);
  try {
    const text = section(workload, await workload.run({ quick: values.quick, rounds }), where);
    sections.push(text);
    console.log(`\n${text}`);
  } catch (error) {
    failed = true;
    console.error(error);
  }
}
if (!values.quick && sections.length > 0) {
  writeFileSync(RESULTS, merge(existsSync(RESULTS) ? readFileSync(RESULTS, 'utf8') : '', sections));
  console.log('\nWritten to bench/RESULTS.md');
}
process.exit(failed ? 1 : 0);
