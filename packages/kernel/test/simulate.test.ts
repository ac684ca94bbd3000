/** Runs the built command line as a user does: processes, signals and all. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const bin = fileURLToPath(new URL('../bin/colonyos.js', import.meta.url));
const FILES = 40;

interface Results {
  figures: Record<string, number>;
  ledger: { valid: boolean; stream: { gapless: boolean; events: number } };
  losses: unknown[];
  skipped: Record<string, unknown>;
  files: Record<string, { status: string; result: Record<string, unknown> }>;
}

let parent: string;
let input: string;
let running: ChildProcess | undefined;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'simulate-test-'));
  input = join(parent, 'input');
  mkdirSync(join(input, 'node_modules'), { recursive: true });
  const gif = Buffer.from('GIF89a\x07\x00\x05\x00\x00\x00\x00', 'latin1');
  for (let n = 0; n < FILES / 4; n++) {
    writeFileSync(join(input, `note-${n}.md`), `# Note ${n}\n\nbees and honey and bees\n`.repeat(n + 1));
    writeFileSync(join(input, `code-${n}.ts`), 'export const bee = 1;\n'.repeat(500 * n));
    writeFileSync(join(input, `data-${n}.json`), n % 5 === 4 ? '{"broken": ' : JSON.stringify({ n, list: [n, null] }));
    writeFileSync(join(input, `picture-${n}.gif`), gif);
  }
  writeFileSync(join(input, 'film.mp4'), 'x');
  writeFileSync(join(input, 'node_modules', 'hidden.md'), 'x');
});

afterEach(() => {
  running?.kill('SIGKILL');
  rmSync(parent, { recursive: true });
});

function simulate(...options: string[]) {
  const out = join(parent, 'results.json');
  const child = spawn(process.execPath, [bin, 'simulate', '--input', input, '--out', out, ...options], {
    // A port at which nobody answers, and a folder for temporary files that can be looked into.
    env: { ...process.env, COLONY_PORT: '1', COLONY_SECRET_TOKEN: '', TMPDIR: parent },
    cwd: parent,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running = child;
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const results = () => JSON.parse(readFileSync(out, 'utf8')) as Results;
  return { child, exit, results, out, printed: () => printed };
}

/** The live children of a process, from Linux's own records; none elsewhere. */
function childrenOf(parentId: number): number[] {
  return processes().flatMap(({ id, parentId: of }) => (of === parentId ? id : []));
}

function processes(): { id: number; parentId: number }[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((id) => {
      try {
        const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
        const [state, parentId] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return state === 'Z' ? [] : { id: Number(id), parentId: Number(parentId) };
      } catch {
        // It ended while we looked.
        return [];
      }
    });
}

function databasesLeft(): string[] {
  return readdirSync(parent).filter((name) => name.startsWith('colonyos-hive-'));
}

test('every file is worked on although bees are killed, and nothing is lost', { timeout: 60_000 }, async () => {
  const run = simulate('--chaos', '--seed', '7', '--workers', '3', '--duration', '3', '--rate', '60');
  expect(await run.exit, run.printed()).toBe(0);

  const { figures, ledger, losses, skipped, files } = run.results();
  expect(losses).toEqual([]);
  expect(figures.submitted).toBeGreaterThan(FILES);
  expect(figures).toMatchObject({ completed: figures.submitted, failed: 0, unfinished: 0, lost: 0, crashed: 0 });
  expect(figures.killed).toBeGreaterThan(0);
  expect(ledger).toMatchObject({ valid: true, stream: { gapless: true } });

  expect(skipped).toMatchObject({ unknown_kind: 1 });
  expect(Object.keys(files)).toHaveLength(FILES);
  expect(files['note-1.md']?.result).toMatchObject({ lines: 6, top_words: { bees: 4 } });
  expect(files['data-3.json']?.result).toMatchObject({ valid: true, depth: 2, nulls: 1 });
  expect(files['data-4.json']?.result).toMatchObject({ valid: false, error: { line: 1, column: 12 } });
  expect(files['picture-0.gif']?.result).toMatchObject({ format: 'gif', width: 7, height: 5 });
  expect(run.printed()).toMatch(/ledger +valid/);
  expect(databasesLeft()).toEqual([]);
});

test('a Ctrl-C ends it cleanly, with its table and its results', { timeout: 60_000 }, async () => {
  const run = simulate('--duration', '600', '--rate', '50');
  await vi.waitFor(() => expect(run.printed()).toMatch(/completed [1-9]/), { timeout: 20_000, interval: 50 });
  run.child.kill('SIGINT');
  // npm and the terminal both pass it on.
  run.child.kill('SIGINT');
  expect(await run.exit, run.printed()).toBe(0);
  const { figures, losses } = run.results();
  expect(losses).toEqual([]);
  expect(figures.completed! + figures.cancelled!).toBe(figures.submitted);
  expect(databasesLeft()).toEqual([]);
});

test('when the hive dies, its bees and its kernel go with it', { timeout: 60_000 }, async () => {
  const run = simulate('--duration', '600', '--rate', '50');
  await vi.waitFor(() => expect(run.printed()).toMatch(/completed [1-9]/), { timeout: 20_000, interval: 50 });
  const url = /http:\S+\d/.exec(run.printed())![0];
  const { workers } = (await (await fetch(`${url}/system/stats`)).json()) as { workers: { total: number } };
  expect(workers.total).toBe(3);
  const children = childrenOf(run.child.pid!);
  run.child.kill('SIGKILL');
  await run.exit;
  // The kernel's last act is to remove its temporary folder.
  await vi.waitFor(() => expect(databasesLeft()).toEqual([]), { timeout: 15_000, interval: 50 });
  await expect(fetch(`${url}/health`)).rejects.toThrow();
  const left = () => processes().filter(({ id }) => children.includes(id));
  await vi.waitFor(() => expect(left()).toEqual([]), { timeout: 15_000, interval: 50 });
});

test('a run that cannot begin says why in one line', async () => {
  rmSync(input, { recursive: true });
  const run = simulate();
  expect(await run.exit).toBe(1);
  expect(run.printed()).toMatch(/^colonyos simulate: --input .* there is no such folder\n$/);
  expect(existsSync(run.out)).toBe(false);
});
