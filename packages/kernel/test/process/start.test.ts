/** The program as people start it: a process of its own, from what was built. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../bin/colonyos.js', import.meta.url));

class Program {
  readonly process: ChildProcess;
  readonly directory: string;
  output = '';
  readonly exit: Promise<number | null>;

  constructor(args: string[], env: Record<string, string> = {}, directory = mkdtempSync(join(tmpdir(), 'colony-'))) {
    this.directory = directory;
    const { PATH } = process.env;
    this.process = spawn(process.execPath, [PROGRAM, ...args], {
      cwd: directory,
      env: { PATH, COLONY_HOST: '127.0.0.1', COLONY_PORT: '0', ...env },
    });
    this.process.stdout!.on('data', (chunk) => (this.output += chunk));
    this.process.stderr!.on('data', (chunk) => (this.output += chunk));
    this.exit = new Promise((resolve) => this.process.on('close', resolve));
    onTestFinished(() => void this.process.kill('SIGKILL'));
  }

  async url(): Promise<string> {
    await expect.poll(() => this.output, { timeout: 15_000 }).toContain('listens on');
    return JSON.parse(this.output.split('\n').find((line) => line.includes('listens on'))!).url;
  }
}

test('it starts, keeps what it was given, and stops at a signal sent twice', async () => {
  const program = new Program(['start']);
  const url = await program.url();
  const created = await fetch(`${url}/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"description":"x"}',
  });
  const { id } = (await created.json()) as { id: string };
  program.process.kill('SIGINT');
  program.process.kill('SIGTERM');
  expect(await program.exit).toBe(0);
  for (const line of program.output.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();

  const again = new Program([], {}, program.directory);
  expect((await fetch(`${await again.url()}/tasks/${id}`)).status).toBe(200);
  again.process.kill('SIGTERM');
  expect(await again.exit).toBe(0);
});

test('a signal to `npm start` reaches the kernel', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'colony-'));
  const npm = spawn('npm', ['start'], {
    cwd: fileURLToPath(new URL('../../../..', import.meta.url)),
    detached: true,
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      COLONY_HOST: '127.0.0.1',
      COLONY_PORT: '0',
      COLONY_MEMORY_CONNECTION_STRING: join(directory, 'colony.db'),
    },
  });
  let output = '';
  npm.stdout.on('data', (chunk) => (output += chunk));
  onTestFinished(() => {
    // The whole group: a kernel that outlived npm would be nobody's child.
    if (!output.includes('"stopped"')) process.kill(-npm.pid!, 'SIGKILL');
  });
  await expect.poll(() => output, { timeout: 15_000 }).toContain('listens on');
  npm.kill('SIGTERM');
  await expect.poll(() => output, { timeout: 10_000 }).toContain('"stopped"');
});

test('it stops although nobody reads its log any more', async () => {
  const program = new Program(['start'], { COLONY_LOG_LEVEL: 'debug' });
  await program.url();
  program.process.stdout!.destroy();
  program.process.kill('SIGTERM');
  expect(await program.exit).toBe(0);
});

test('what it stores is for its owner’s eyes', async () => {
  const program = new Program(['start']);
  await program.url();
  const mode = (path: string) => statSync(join(program.directory, path)).mode & 0o777;
  expect(mode('.colony')).toBe(0o700);
  expect(mode('.colony/colony.db')).toBe(0o600);
  expect(mode('.colony/signing.key')).toBe(0o600);
});

test('options win over the environment, which wins over .env', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'colony-'));
  writeFileSync(join(directory, '.env'), 'COLONY_SYSTEM_ID=from-env-file\nCOLONY_HOST=192.0.2.1\n');
  const program = new Program(['start', '--host', '127.0.0.1'], { COLONY_HOST: '192.0.2.2' }, directory);
  expect(await program.url()).toMatch('127.0.0.1');
  expect(program.output).toContain('from-env-file');
});

test.each([
  [
    { WORKER_HEARTBEAT_INTERVAL: 'soon' },
    /^colonyos: WORKER_HEARTBEAT_INTERVAL "soon" is not allowed: it must be .+\n$/,
  ],
  [{ COLONY_ENV: 'production' }, /^colonyos: COLONY_SECRET_TOKEN .+\n$/],
  [
    { COLONY_MEMORY_BACKEND: 'redis', COLONY_MESSAGE_QUEUE_URL: 'redis://u:secret@127.0.0.1:1' },
    /^colonyos: COLONY_MEMORY_BACKEND "redis" cannot use "redis:\/\/…@127.0.0.1:1": .+ECONNREFUSED.+\n$/,
  ],
  [{ COLONY_HOST: '192.0.2.1' }, /^colonyos: COLONY_HOST "192.0.2.1" .+\n$/],
  [
    { COLONY_MEMORY_CONNECTION_STRING: '/dev/null/colony.db' },
    /^colonyos: COLONY_MEMORY_CONNECTION_STRING "\/dev\/null\/colony.db" cannot be opened: .+\n$/,
  ],
])('%j stops the start with one line', async (env, line) => {
  const program = new Program(['start'], env as Record<string, string>);
  expect(await program.exit).toBe(1);
  expect(program.output).toMatch(line);
  if (!('COLONY_HOST' in env)) expect(existsSync(join(program.directory, '.colony'))).toBe(false);
});

test('a signing key that others can read stops the start with one line, and closes the store', async () => {
  const first = new Program(['start']);
  await first.url();
  first.process.kill('SIGTERM');
  await first.exit;
  chmodSync(join(first.directory, '.colony/signing.key'), 0o644);
  const second = new Program(['start'], {}, first.directory);
  expect(await second.exit).toBe(1);
  expect(second.output).toMatch(/^colonyos: COLONY_SIGNING_KEY_FILE "\.colony\/signing\.key" .+: chmod 600 it\n$/);
});

test('a port in use is said in one line', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.on('listening', resolve));
  const { port } = server.address() as { port: number };
  const program = new Program(['start'], { COLONY_PORT: String(port) });
  expect(await program.exit).toBe(1);
  expect(program.output).toMatch(new RegExp(`^colonyos: COLONY_PORT ${port} is in use .+\n$`));
});

test('a second kernel on the same file is refused', async () => {
  const first = new Program(['start']);
  await first.url();
  const second = new Program(['start'], {}, first.directory);
  expect(await second.exit).toBe(1);
  expect(second.output.trim().split('\n')).toHaveLength(1);
});
