/** Holds `docs/architecture.md` against the imports and names that are really there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { CLIENT_RULES, KERNEL_RULES, MAX_FILE_BYTES, type Rule, type SourceFile } from './architecture/rules.ts';
import { importsOf, scan } from './architecture/scan.ts';

const packages = fileURLToPath(new URL('../..', import.meta.url));

function sourcesOf(name: string): SourceFile[] {
  const src = join(packages, name, 'src');
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(src, path).split(sep).join('/'), source: readFileSync(path, 'utf8') }));
}

describe.each([
  ['kernel', KERNEL_RULES],
  ['client', CLIENT_RULES],
])('in packages/%s', (name, rules) => {
  const files = sourcesOf(name);

  test('there is something to check', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  test.each(Object.entries(rules))('%s', (_, rule) => {
    expect(files.flatMap(rule)).toEqual([]);
  });
});

/** For each rule: what it must object to, and what it must let pass. */
const CASES: readonly (readonly [rule: string, bad: readonly SourceFile[], good: readonly SourceFile[]])[] = [
  [
    'every room imports only the rooms it may',
    [
      file('core/task.ts', `import { decide } from '../body/decide/index.ts';`),
      file('core/task.ts', `export type T = import('../body/kernel.ts').Kernel;`),
      file('guardian/rules.ts', `import type { Plan } from '../mind/plans.ts';`),
      file('mind/plans.ts', `import '../guardian/rules.ts';`),
      file('api/rest.ts', `export * from '../store/sqlite/store.ts';`),
      file('api/rest.ts', `import { compose } from '../compose.ts';`),
      file('store/sqlite/store.ts', `const kernel = await import('../../body/kernel.ts');`),
      file('store/sqlite/store.ts', `import type { Config } from '../../config.ts';`),
      file('api/rest.ts', `import { loadConfig } from '../config.ts';`),
      file('cli/start.ts', `import { open } from '../store/sqlite/store.ts';`),
      file('body/kernel.ts', `import { x } from '../../../client/src/index.ts';`),
      file('attic/old.ts', ''),
    ],
    [
      file('body/kernel.ts', `import { rules } from '../guardian/rules.ts';\nimport { x } from './queue.ts';`),
      file('api/rest.ts', `import type { Config } from '../config.ts';`),
      file('config.ts', `import { seconds } from './config-values.ts';`),
      file('compose.ts', `import { open } from './store/sqlite/store.ts';`),
      file('core/task.ts', `// import { x } from '../body/kernel.ts'\nimport { y } from './json.ts';`),
    ],
  ],
  [
    'pure files touch no clock, chance, timer, environment or I/O',
    [
      file('core/task.ts', 'const now = Date.now();'),
      file('core/task.ts', 'const now = new Date();'),
      file('core/task.ts', 'const now = new Date;'),
      file('core/task.ts', 'const text = Date();'),
      file('mind/plans.ts', 'const t = performance.now();'),
      file('mind/plans.ts', 'const t = `$' + '{Math.random()}`;'),
      file('guardian/rules.ts', 'const id = crypto.randomUUID();'),
      file('guardian/rules.ts', `import { randomUUID } from 'node:crypto';`),
      file('guardian/rules.ts', `import { createHash, randomBytes } from 'node:crypto';`),
      file('guardian/rules.ts', `import * as crypto from 'node:crypto';`),
      file('body/decide/index.ts', 'setTimeout(() => {}, 1);'),
      file('body/decide/index.ts', 'const limit = Number(process.env.LIMIT);'),
      file('body/retry.ts', `import { readFileSync } from 'node:fs';`),
      file('body/slice.ts', `const fs = await import('node:fs');`),
      file('core/errors.ts', `console.error('no');`),
      file('core/errors.ts', `await fetch('http://localhost');`),
      file('core/errors.ts', `import { uuidv7 } from 'uuidv7';`),
    ],
    [
      file('core/clock.ts', 'const text = new Date(wallMs).toISOString();'),
      file('core/task.ts', 'const at = Date.parse(text); const p = { process: 1, performance: task.performance };'),
      file('core/task.ts', `// Date.now()\nconst text = 'Math.random()';`),
      file('core/task.ts', 'const r = /Date.now()/; const half = a / b;'),
      file('guardian/audit-chain.ts', `import { createHash } from 'node:crypto';`),
      file('core/store.ts', 'export interface Store { process: string }'),
      file('body/kernel.ts', 'const now = Date.now();'),
    ],
  ],
  [
    'pure files import pure files only',
    [file('body/decide/submit.ts', `import { Kernel } from '../kernel.ts';`)],
    [
      file('body/decide/submit.ts', `import type { Kernel } from '../kernel.ts';\nimport { x } from '../slice.ts';`),
      file('body/decide/submit.ts', `import { x } from '../../core/task.ts';`),
      file('body/kernel.ts', `import { x } from './sweeper.ts';`),
    ],
  ],
  [
    'nothing shipped imports testing',
    [file('body/kernel.ts', `import { SimClock } from '../testing/sim-clock.ts';`)],
    [file('testing/simulation/run.ts', `import { SimClock } from '../sim-clock.ts';`)],
  ],
  [
    'config alone reads the environment',
    [
      file('api/rest.ts', 'const port = process.env.PORT;'),
      file('api/rest.ts', `const port = process.env['PORT'];`),
      file('api/rest.ts', 'const { env } = process;'),
      file('api/rest.ts', 'const config = loadConfig(process.env, directory);'),
      file('main.ts', 'const port = process.env.PORT;'),
    ],
    [
      file('config.ts', 'const port = process.env.PORT;'),
      file('main.ts', 'const config = loadConfig(process.env, process.cwd());'),
    ],
  ],
  [
    'only the command line writes to the console',
    [file('body/kernel.ts', `console.log('here');`)],
    [
      file('cli/start.ts', `console.log('here');`),
      file('client.ts', `console.warn('lost');`),
      file('body/kernel.ts', `const text = 'console.log';`),
    ],
  ],
  [
    'no file is too large',
    [file('core/task.ts', ' '.repeat(MAX_FILE_BYTES + 1))],
    [file('core/task.ts', ' '.repeat(MAX_FILE_BYTES))],
  ],
  [
    'the client imports nothing outside itself',
    [
      file('client.ts', `import WebSocket from 'ws';`),
      file('client.ts', `import { Worker } from 'node:worker_threads';`),
      file('client.ts', `import type { Task } from '../../kernel/src/core/task.ts';`),
    ],
    [
      file('client.ts', `const threads = await import('node:worker_threads');`),
      file('heartbeat-thread.ts', `import { parentPort } from 'node:worker_threads';`),
      file('worker/worker.ts', `import { request } from '../request.ts';`),
    ],
  ],
];

describe('the rules can fail', () => {
  const rules: Readonly<Record<string, Rule>> = { ...CLIENT_RULES, ...KERNEL_RULES };

  test.each(CASES)('%s', (name, bad, good) => {
    const rule = rules[name]!;
    for (const one of bad) expect(rule(one), `should object to ${one.path}: ${one.source}`).not.toEqual([]);
    for (const one of good) expect(rule(one)).toEqual([]);
  });

  test('every rule of the kernel is among them', () => {
    expect(CASES.map(([name]) => name)).toEqual(expect.arrayContaining(Object.keys(KERNEL_RULES)));
  });
});

describe('reading a source', () => {
  test('tells code from comments, strings, templates and regular expressions', () => {
    const source = ["a('//x'); // gone", 'b(`x $' + '{c({ d: `y` })} z`); /* gone */', 'e = /[/"]+/.test(f) / 2;'];
    const { text, code } = scan(source.join('\n'));
    expect(code.split('\n').map((line) => line.replace(/ +/g, ' ').trim())).toEqual([
      "a(' ');",
      'b(` $' + '{c({ d: ` ` })} `);',
      'e = / /.test(f) / 2;',
    ]);
    expect(text).not.toContain('gone');
    expect(text).toHaveLength(code.length);
  });

  test('finds imports in all their forms', () => {
    const source = `
      import a, { b as c, type D } from './a.ts';
      import * as e from './e.ts';
      import type { F } from './f.ts';
      import './g.ts';
      export { h } from './h.ts';
      export * from "./i.ts";
      const j: import('./j.ts').J = await import('./k.ts');
      const text = "import x from './not.ts'".length; // import './not-either.ts'
    `;
    const found = importsOf(source);
    expect(found.map((one) => one.specifier)).toEqual(
      ['a', 'e', 'f', 'g', 'h', 'i', 'j', 'k'].map((name) => `./${name}.ts`),
    );
    expect(found.slice(0, 3).map((one) => one.names)).toEqual([['b', 'D', 'default'], ['*'], ['F']]);
    expect(found[2]?.kind).toBe('type');
  });
});

function file(path: string, source: string): SourceFile {
  return { path, source };
}
