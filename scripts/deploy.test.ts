/** What `deploy` says in several places, it says alike, and in words that the kernel knows. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadConfig, VARIABLES } from '../packages/kernel/src/config.ts';

const folder = new URL('../deploy/', import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, folder), 'utf8');
}

const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => `${entry.parentPath}/${entry.name}`.slice(fileURLToPath(folder).length).replace(/^\//, ''))
  // Somebody's own, and not in the repository.
  .filter((path) => path !== 'colony.env');

/** What a file of `NAME=value` lines sets. */
function variablesIn(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
}

/** The first group of each match. */
function all(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1]!);
}

/** Where no .env is read. */
const nowhere = fileURLToPath(new URL('nowhere', folder));
const compose = read('compose.yaml');
const settings = variablesIn(read('colony.env.example'));
const redisPort = all(read('redis-colony.conf'), /^port (\d+)$/gm)[0];

describe('variables', () => {
  const names = new Set<string>(Object.values(VARIABLES).map(({ name }) => name));

  test.each(paths)('in %s are the kernel’s', (path) => {
    const named = all(read(path), /\b(COLONY_[A-Z_]+|GUARDIAN_[A-Z_]+|MAX_CONCURRENT_TASKS|WORKER_[A-Z_]+)\b/g);
    expect(named.filter((name) => !names.has(name))).toEqual([]);
  });

  test('make a kernel start once there is a token, and not before', () => {
    expect(() => loadConfig(settings, nowhere)).toThrow(/^COLONY_SECRET_TOKEN "" is not allowed/);
    const config = loadConfig({ ...settings, COLONY_SECRET_TOKEN: 'x' }, nowhere);
    expect(config).toMatchObject({ environment: 'production', host: '127.0.0.1', maxConcurrentTasks: 0 });
    expect(config.redisUrl).toBe(`redis://127.0.0.1:${redisPort}`);
  });

  test('of compose make one too', () => {
    const block = /^ {2}environment:\n((?: {4}.*\n)+)/m.exec(compose)![1]!;
    const own = Object.fromEntries(
      [...block.matchAll(/^ {4}(\w+): ['"]?(.*?)['"]?$/gm)].map(([, name, value]) => [name, value]),
    );
    const config = loadConfig({ ...settings, ...own, COLONY_SECRET_TOKEN: 'x' }, nowhere);
    expect(config).toMatchObject({ host: '0.0.0.0', port: 8000, redisUrl: `redis://redis:${redisPort}` });
  });
});

describe('Redis', () => {
  test('loses nothing and throws nothing away', () => {
    const lines = read('redis-colony.conf').split('\n');
    expect(lines).toEqual(
      expect.arrayContaining(['appendonly yes', 'appendfsync always', 'maxmemory-policy noeviction']),
    );
  });

  test('is asked for its health where it listens', () => {
    expect(all(compose, /redis-cli, -p, ["'](\d+)["']/g)).toEqual([redisPort]);
  });
});

describe('nginx', () => {
  const site = read('nginx/colonyos.conf');
  const local = read('nginx/kernels-local.conf');
  const servers = (text: string) => all(text, /^ {4}server (\S+)/gm);

  test('knows the kernels that systemd runs', () => {
    const ports = servers(local).map((server) => server.split(':')[1]!);
    const readme = read('README.md');
    const enabled = /systemctl enable --now colonyos\.target(.*)/.exec(readme)![1]!;
    expect(all(enabled, /colonyos@(\d+)/g)).toEqual(ports);
    expect(/for port in ([\d ]+);/.exec(readme)![1]!.split(' ')).toEqual(ports);
    expect(all(readme, /^ {2}server kernel\d (\S+)$/gm)).toEqual(servers(local));
  });

  test('knows the kernels that compose runs, where it put them', () => {
    const [port] = all(read('Dockerfile'), /^EXPOSE (\d+)$/gm);
    const addresses = all(compose, /ipv4_address: (\S+)/g);
    expect(servers(read('nginx/kernels-compose.conf'))).toEqual(addresses.map((address) => `${address}:${port}`));
    expect(addresses).toHaveLength(servers(local).length);
    expect(read('Dockerfile')).toContain(`http://127.0.0.1:${port}/health/ready`);
  });

  test('listens where compose publishes it', () => {
    const [listens] = all(site, /^ {4}listen (\d+);$/gm);
    expect(all(compose, /^ {6}- 127\.0\.0\.1:\d+:(\d+)$/gm)).toEqual([listens]);
  });

  test('waits longer than a long poll lasts', () => {
    expect(Number(all(site, /proxy_read_timeout (\d+)s;/g)[0])).toBeGreaterThan(60);
  });
});

test('whoever stops a kernel gives it longer than it takes, which is 10 seconds', () => {
  const patience = [
    ...all(compose.split('services:')[0]!, /stop_grace_period: (\d+)s/g),
    ...all(read('systemd/colonyos@.service'), /^TimeoutStopSec=(\d+)$/gm),
  ].map(Number);
  expect(patience).toHaveLength(2);
  expect(Math.min(...patience)).toBeGreaterThan(10);
});

test('compose mounts files that are there', () => {
  const mounted = all(compose, /^ {6}- \.\/([^:]+):/gm);
  expect(mounted).toHaveLength(3);
  expect(mounted.filter((path) => !paths.includes(path))).toEqual([]);
});
