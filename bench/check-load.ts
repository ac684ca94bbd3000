/**
 * Holds the load generator against wrk on the bare server, in turns. A generator that is slower than wrk would flatter
 * whatever is slow: run this once on a new machine. Needs wrk (`apt-get install wrk`).
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Role } from './lib/processes.ts';
import { median, show } from './lib/stats.ts';
import { wireTask } from './lib/wire-task.ts';
import { makeFolder } from './lib/workspace.ts';
import type { LoadReport } from './roles/load.ts';

const ROUNDS = 5;
const SECONDS = 4;

const server = new Role('bare-server.ts');
const { port } = await server.ask<{ port: number }>('serve', { template: { filler: 'x'.repeat(600) } });

const script = join(makeFolder('wrk'), 'post.lua');
writeFileSync(
  script,
  `wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [==[${JSON.stringify(wireTask(0))}]==]\n`,
);

async function own(): Promise<number> {
  const generator = new Role('load.ts');
  const request = { port, path: '/tasks', body: wireTask(0), connections: 64 };
  await generator.ask('load', { ...request, seconds: 1 });
  const { perSecond } = await generator.ask<LoadReport>('load', { ...request, seconds: SECONDS });
  await generator.end();
  return perSecond;
}

function wrk(): number {
  const args = ['-t1', '-c64', `-d${SECONDS}s`, '-s', script, `http://127.0.0.1:${port}/tasks`];
  return Number(/Requests\/sec:\s*([\d.]+)/.exec(execFileSync('wrk', args, { encoding: 'utf8' }))?.[1]);
}

const ratios: number[] = [];
for (let round = 1; round <= ROUNDS; round++) {
  const [ours, theirs] = [await own(), wrk()];
  ratios.push(ours / theirs);
  console.log(`own ${show(ours)} /s, wrk ${show(theirs)} /s, ratio ${show(ours / theirs)}`);
}
console.log(`median ratio ${show(median(ratios))}`);
process.exit();
