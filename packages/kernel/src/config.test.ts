import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Config, loadConfig } from './config.ts';
import { DEFAULT_WEIGHTS } from './core/mind-rules.ts';

const load = (env: Record<string, string> = {}, directory = '/nonexistent'): Config => loadConfig(env, directory);

test('the defaults are those of the original', () => {
  expect(load()).toMatchObject({
    environment: 'dev',
    port: 8000,
    host: '0.0.0.0',
    logLevel: 'info',
    maxConcurrentTasks: 4,
    heartbeatSeconds: 120,
    memoryBackend: 'sqlite',
    connectionString: '.colony/colony.db',
    eventBus: 'inmemory',
    secretToken: null,
    corsOrigins: ['http://localhost:*', 'http://127.0.0.1:*'],
    allowedHosts: [],
  });
});

test('the result is frozen', () => {
  expect(Object.isFrozen(load())).toBe(true);
});

test.each([
  ['COLONY_LOG_LEVEL', 'Warning', 'logLevel', 'warn'],
  ['COLONY_LOG_LEVEL', 'CRITICAL', 'logLevel', 'fatal'],
  ['COLONY_LOG_LEVEL', 'trace', 'logLevel', 'trace'],
  ['WORKER_HEARTBEAT_INTERVAL', '0.5', 'heartbeatSeconds', 0.5],
  ['MAX_CONCURRENT_TASKS', '0', 'maxConcurrentTasks', 0],
  ['COLONY_ENV', 'Staging', 'environment', 'staging'],
  ['COLONY_METRICS_PUBLIC', 'TRUE', 'metricsPublic', true],
  ['COLONY_ALLOWED_HOSTS', 'kernel, colony.example.org,', 'allowedHosts', ['kernel', 'colony.example.org']],
  ['COLONY_CORS_ORIGINS', '*', 'corsOrigins', ['*']],
  ['COLONY_MEMORY_CONNECTION_STRING', ':memory:', 'connectionString', ':memory:'],
  ['COLONY_PORT', '', 'port', 8000],
  ['PORT', '9000', 'port', 9000],
])('%s=%s is understood', (name, text, field, value) => {
  expect(load({ [name]: text })[field as keyof Config]).toEqual(value);
});

test('PORT counts only while COLONY_PORT is unset', () => {
  expect(load({ PORT: '9000', COLONY_PORT: '9001' }).port).toBe(9001);
});

test.each([
  ['COLONY_PORT', '80a'],
  ['COLONY_PORT', '65536'],
  ['COLONY_PORT', '1e3'],
  ['PORT', 'http'],
  ['GUARDIAN_CONSENSUS_THRESHOLD', '0'],
  ['GUARDIAN_CONSENSUS_THRESHOLD', '1.5'],
  ['GUARDIAN_VOTE_EXPIRES_SECONDS', '0'],
  ['MAX_CONCURRENT_TASKS', '-1'],
  ['WORKER_HEARTBEAT_INTERVAL', '0'],
  ['COLONY_LOG_LEVEL', 'loud'],
  ['COLONY_LOG_LEVEL', 'constructor'],
  ['COLONY_ENV', 'prod'],
  ['COLONY_MEMORY_BACKEND', 'postgres'],
  ['COLONY_MEMORY_CONNECTION_STRING', 'postgres://x'],
  ['COLONY_CORS_ORIGINS', 'localhost'],
  ['COLONY_CORS_ORIGINS', 'http://a/path'],
  ['COLONY_ALLOWED_HOSTS', 'kernel:8000'],
  ['COLONY_METRICS_PUBLIC', 'maybe'],
  ['COLONY_SYSTEM_ID', 'a b'],
  ['COLONY_SCORING_WEIGHTS', 'luck=1'],
  ['COLONY_SCORING_WEIGHTS', 'success=-1'],
  ['COLONY_SCORING_WEIGHTS', 'success=1001'],
  ['COLONY_SCORING_WEIGHTS', 'fit=1,fit=2'],
  ['COLONY_SCORING_WEIGHTS', 'fit'],
  ['COLONY_EMBEDDINGS_URL', 'api.openai.com/v1'],
  ['COLONY_EMBEDDINGS_URL', 'ftp://a/v1'],
  ['COLONY_EMBEDDINGS_URL', 'http://a:port/v1'],
  ['COLONY_EMBEDDINGS_MODEL', 'text-embedding-3-small'],
  ['COLONY_EMBEDDINGS_MODEL', 'two words'],
  ['COLONY_EMBEDDINGS_TIMEOUT_SECONDS', '0'],
  ['COLONY_EMBEDDINGS_TIMEOUT_SECONDS', '301'],
])('%s=%s is refused in one line that names both', (name, text) => {
  const refusal = refusalOf({ [name]: text });
  expect(refusal?.startsWith(name)).toBe(true);
  expect(refusal).toContain(text);
  expect(refusal).toMatch(/must be/);
  expect(refusal).not.toContain('\n');
});

test('a bad secret is not shown, and neither is the password in a URL', () => {
  expect(refusalOf({ COLONY_SECRET_TOKEN: 'my secret' })).not.toContain('my secret');
  expect(refusalOf({ COLONY_MEMORY_CONNECTION_STRING: 'redis://u:hunter2@host' })).not.toContain('hunter2');
  expect(refusalOf({ COLONY_MESSAGE_QUEUE_URL: 'amqp://u:hunter2@host' })).not.toContain('hunter2');
  const embeddings = { COLONY_EMBEDDINGS_URL: 'https://u:hunter2@host/v1', COLONY_EMBEDDINGS_MODEL: 'm' };
  expect(refusalOf(embeddings)).toMatch(/^COLONY_EMBEDDINGS_URL (?!.*hunter2).*without user or password/);
  expect(refusalOf({ COLONY_EMBEDDINGS_API_KEY: 'my secret' })).not.toContain('my secret');
});

test('weights that are not named stay what they are', () => {
  const { scoringWeights } = load({ COLONY_SCORING_WEIGHTS: ' success = 5, speed=0.25' });
  expect(scoringWeights).toEqual({ ...DEFAULT_WEIGHTS, success: 5, speed: 0.25 });
});

describe('with Redis', () => {
  const redis = (env: Record<string, string> = {}) => load({ COLONY_MEMORY_BACKEND: 'redis', ...env });

  test('the connection string names it, or else the message queue', () => {
    expect(redis().redisUrl).toBe('redis://127.0.0.1:6379');
    expect(redis({ COLONY_MESSAGE_QUEUE_URL: 'redis://queue:1' }).redisUrl).toBe('redis://queue:1');
    const both = { COLONY_MESSAGE_QUEUE_URL: 'redis://queue:1', COLONY_MEMORY_CONNECTION_STRING: 'rediss://store:2/3' };
    expect(redis(both).redisUrl).toBe('rediss://store:2/3');
    expect(load().redisUrl).toBeNull();
  });

  test('events travel by Redis, and must', () => {
    expect(redis().eventBus).toBe('redis');
    expect(redis({ COLONY_EVENT_BUS_TYPE: 'redis' }).eventBus).toBe('redis');
    expect(refusalOf({ COLONY_MEMORY_BACKEND: 'redis', COLONY_EVENT_BUS_TYPE: 'inmemory' })).toMatch(/must be redis/);
  });

  test('events of a kernel on SQLite may go there, too', () => {
    expect(load({ COLONY_EVENT_BUS_TYPE: 'Redis' })).toMatchObject({ eventBus: 'redis', redisUrl: null });
  });

  test('a Redis URL alone does not choose Redis', () => {
    expect(refusalOf({ COLONY_MEMORY_CONNECTION_STRING: 'redis://store' })).toMatch(/COLONY_MEMORY_BACKEND=redis/);
  });
});

describe('embeddings', () => {
  test('are made here, unless there is an endpoint', () => {
    expect(load()).toMatchObject({ embeddingsUrl: null, embeddingsModel: null, embeddingsTimeoutSeconds: 30 });
    expect(load({ COLONY_EMBEDDINGS_MODEL: 'ngrams' }).embeddingsModel).toBe('ngrams');
    const endpoint = {
      COLONY_EMBEDDINGS_URL: 'http://127.0.0.1:11434/v1',
      COLONY_EMBEDDINGS_MODEL: 'nomic-embed-text',
    };
    expect(load(endpoint)).toMatchObject({ embeddingsUrl: 'http://127.0.0.1:11434/v1' });
  });

  test('of an endpoint want the name of a model', () => {
    expect(refusalOf({ COLONY_EMBEDDINGS_URL: 'https://a/v1' })).toMatch(
      /^COLONY_EMBEDDINGS_MODEL "" .*must be the name/,
    );
  });
});

describe('the signing key', () => {
  const keyFile = (env: Record<string, string>) => load(env).signingKeyFile;

  test('is beside the database, unless a file is named', () => {
    expect(keyFile({})).toBe('.colony/signing.key');
    expect(keyFile({ COLONY_MEMORY_CONNECTION_STRING: '/var/lib/hive.db' })).toBe('/var/lib/signing.key');
    expect(keyFile({ COLONY_MEMORY_CONNECTION_STRING: '/var/lib/hive.db', COLONY_SIGNING_KEY_FILE: 'k' })).toBe('k');
    expect(keyFile({ COLONY_MEMORY_BACKEND: 'redis' })).toBe('.colony/signing.key');
  });

  test('is gone with a colony that is in memory only, unless a file is named', () => {
    expect(keyFile({ COLONY_MEMORY_CONNECTION_STRING: ':memory:' })).toBeNull();
    expect(keyFile({ COLONY_MEMORY_CONNECTION_STRING: ':memory:', COLONY_SIGNING_KEY_FILE: 'k' })).toBe('k');
  });
});

describe('production', () => {
  test('refuses to start without a token', () => {
    expect(refusalOf({ COLONY_ENV: 'production' })).toContain('COLONY_SECRET_TOKEN');
    expect(refusalOf({ COLONY_ENV: 'production', COLONY_SECRET_TOKEN: ' ' })).toContain('COLONY_SECRET_TOKEN');
  });

  test('starts with a token, or when told to go without', () => {
    expect(load({ COLONY_ENV: 'production', COLONY_SECRET_TOKEN: 's3cret' }).secretToken).toBe('s3cret');
    expect(load({ COLONY_ENV: 'production', COLONY_ALLOW_ANONYMOUS: 'true' }).secretToken).toBeNull();
  });
});

test('.env is read, and the environment wins over it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'colony-config-'));
  writeFileSync(join(directory, '.env'), 'COLONY_PORT=9100\nCOLONY_SYSTEM_ID="hive"\nMAX_CONCURRENT_TASKS=7\n');
  expect(load({ COLONY_PORT: '9200', MAX_CONCURRENT_TASKS: '' }, directory)).toMatchObject({
    port: 9200,
    systemId: 'hive',
    maxConcurrentTasks: 7,
  });
});

function refusalOf(env: Record<string, string>): string {
  try {
    load(env);
  } catch (fault) {
    return (fault as Error).message;
  }
  throw new Error('it was not refused');
}
