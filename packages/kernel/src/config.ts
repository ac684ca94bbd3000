import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { EMBEDDINGS, embeddingsFault } from './config-embeddings.ts';
import {
  listOf,
  logLevel,
  matching,
  oneOf,
  optional,
  seconds,
  share,
  type Variable,
  variable,
  weights,
  weightsText,
  wholeNumber,
  withoutPassword,
  yesOrNo,
} from './config-values.ts';
import { DEFAULT_WEIGHTS } from './core/mind-rules.ts';

/** The version of this package. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

const YEAR = 31_536_000;
const ORIGIN = /^(\*|[a-z][a-z0-9+.-]*:\/\/(\[[0-9a-f:]+\]|[a-z0-9*.-]+)(:(\d{1,5}|\*))?)$/i;

/** Everything that can be configured, and the only place that knows the environment's names. */
export const VARIABLES = {
  environment: variable(
    'COLONY_ENV',
    'dev',
    oneOf('dev', 'development', 'test', 'staging', 'production'),
    '`production` refuses to start without `COLONY_SECRET_TOKEN`, unless `COLONY_ALLOW_ANONYMOUS=true`',
  ),
  port: variable(
    'COLONY_PORT',
    '8000',
    wholeNumber(0, 65_535, 'a port'),
    '`PORT` is honoured when this is unset; 0 takes any free port',
  ),
  host: variable(
    'COLONY_HOST',
    '0.0.0.0',
    matching(/^[\w.:%-]{1,255}$/, 'an address or host name'),
    'What to listen on',
  ),
  logLevel: variable('COLONY_LOG_LEVEL', 'INFO', logLevel(), "Any case; Python's level names and pino's"),
  maxConcurrentTasks: variable(
    'MAX_CONCURRENT_TASKS',
    '4',
    wholeNumber(0, 1_000_000),
    'How many tasks execute at once in the whole colony; 0 = no limit',
  ),
  maxConcurrentPerGroup: variable(
    'COLONY_GROUP_MAX_CONCURRENT',
    '0',
    wholeNumber(0, 1_000_000),
    'How many tasks of one `group` execute at once; 0 = no limit. See [fairness](fairness.md)',
  ),
  priorityAgingSeconds: variable(
    'COLONY_PRIORITY_AGING_SECONDS',
    '0',
    seconds(0, YEAR),
    'After each such span in the queue a task counts as one priority higher, up to 10; 0 = never. Fractions are allowed. See [fairness](fairness.md)',
  ),
  heartbeatSeconds: variable(
    'WORKER_HEARTBEAT_INTERVAL',
    '120',
    seconds(0.1, 86_400),
    'How long a worker may be silent: the life of a lease. Fractions are allowed',
  ),
  memoryBackend: variable(
    'COLONY_MEMORY_BACKEND',
    'sqlite',
    oneOf('sqlite', 'redis'),
    'Where tasks, workers and ledger live: in a file of this kernel, or on a Redis that several kernels share',
  ),
  connectionString: variable(
    'COLONY_MEMORY_CONNECTION_STRING',
    '.colony/colony.db',
    matching(
      /^(rediss?:\/\/[^\s]{1,4090}|(?![a-z][a-z0-9+.-]*:\/\/)[^\0]{1,4096})$/i,
      'the path of a SQLite file, :memory:, or redis://host:port',
    ),
    'The SQLite file, or `:memory:`, which is gone when the kernel stops; with `COLONY_MEMORY_BACKEND=redis`, the Redis',
  ),
  eventBus: optional(
    'COLONY_EVENT_BUS_TYPE',
    oneOf('inmemory', 'redis'),
    'How events travel; unset it is `redis` with `COLONY_MEMORY_BACKEND=redis`, otherwise `inmemory`',
  ),
  messageQueueUrl: variable(
    'COLONY_MESSAGE_QUEUE_URL',
    'redis://127.0.0.1:6379',
    matching(/^rediss?:\/\/[^\s]{1,4090}$/i, 'redis://host:port, or rediss:// with TLS'),
    'The Redis for events, and for the colony when `COLONY_MEMORY_CONNECTION_STRING` names none. A password in it is never shown',
  ),
  secretToken: optional(
    'COLONY_SECRET_TOKEN',
    matching(/^[\x21-\x7e]{1,1024}$/, '1 to 1024 printable ASCII characters without spaces'),
    'The root token. With it set, every route but `/health*`, `/docs` and `/openapi.json` wants `Authorization: Bearer <token>`',
    true,
  ),
  allowAnonymous: variable(
    'COLONY_ALLOW_ANONYMOUS',
    'false',
    yesOrNo(),
    'Lets a production kernel run without a token',
  ),
  metricsPublic: variable('COLONY_METRICS_PUBLIC', 'false', yesOrNo(), 'Opens `/metrics` without a token'),
  systemId: variable(
    'COLONY_SYSTEM_ID',
    'colony',
    matching(/^[\w.-]{1,64}$/, '1 to 64 letters, digits, dots, dashes or underscores'),
    'The name of the colony, in logs, metrics and Redis keys: kernels with the same one on a Redis are one colony',
  ),
  corsOrigins: variable(
    'COLONY_CORS_ORIGINS',
    'http://localhost:*,http://127.0.0.1:*',
    listOf(ORIGIN, 'origins like https://app.example.com, http://localhost:* or *'),
    "Web pages that may use the kernel. Another `Origin` gets 403 on mutations and WebSockets; the kernel's own is always allowed",
  ),
  allowedHosts: variable(
    'COLONY_ALLOWED_HOSTS',
    '',
    listOf(/^(\*|[\w.-]{1,253})$/, 'host names without a port, or *'),
    'While no token is set: `Host` names that may be used beside IP addresses and `localhost`',
  ),
  retentionSeconds: variable(
    'COLONY_RETENTION_SECONDS',
    '604800',
    wholeNumber(0, 100 * YEAR, 'a whole number of seconds'),
    'How long finished tasks are kept; 0 = for ever',
  ),
  ledgerRetentionSeconds: variable(
    'COLONY_LEDGER_RETENTION_SECONDS',
    '0',
    wholeNumber(0, 100 * YEAR, 'a whole number of seconds'),
    'How long ledger entries are kept; 0 = for ever',
  ),
  maxTimeoutSeconds: variable(
    'COLONY_MAX_TIMEOUT_SECONDS',
    '3600',
    wholeNumber(1, YEAR, 'a whole number of seconds'),
    'The longest `timeout_seconds` a task may ask for',
  ),
  workerRetentionSeconds: variable(
    'COLONY_WORKER_RETENTION_SECONDS',
    '86400',
    wholeNumber(1, 100 * YEAR, 'a whole number of seconds'),
    'How long a worker that is offline stays registered',
  ),
  checkpointKeep: variable(
    'COLONY_CHECKPOINT_KEEP',
    '20',
    wholeNumber(1, 1000),
    'How many checkpoints are kept; the oldest go',
  ),
  checkpointEverySeconds: variable(
    'COLONY_CHECKPOINT_EVERY_SECONDS',
    '0',
    wholeNumber(0, YEAR, 'a whole number of seconds'),
    'How often a checkpoint is made by itself; 0 = never',
  ),
  policyFile: optional(
    'GUARDIAN_POLICY_FILE',
    matching(/^[^\0]{1,4096}$/, 'the path of a JSON file'),
    'The policy to put into force at start, if this file has changed since it last was; see [policy](policy.md)',
  ),
  consensusThreshold: variable(
    'GUARDIAN_CONSENSUS_THRESHOLD',
    '0.66',
    share(),
    'The share of the participants that must approve in a vote, unless the vote says otherwise',
  ),
  participants: variable(
    'GUARDIAN_PARTICIPANTS',
    'operator',
    listOf(/^[^\p{C},]{1,200}$/u, 'names'),
    'Who decides on tasks that need approval, and on votes that name nobody',
  ),
  driftThreshold: variable(
    'GUARDIAN_DRIFT_THRESHOLD',
    '0.3',
    share(),
    'How much more of its last 20 attempts than of the colony’s a worker may fail before it is kept out for a while',
  ),
  voteExpiresSeconds: variable(
    'GUARDIAN_VOTE_EXPIRES_SECONDS',
    '86400',
    seconds(0.1, 100 * YEAR),
    'How long a vote is open, unless it says otherwise. Fractions are allowed',
  ),
  scoringWeights: variable(
    'COLONY_SCORING_WEIGHTS',
    weightsText(DEFAULT_WEIGHTS),
    weights(),
    'How much each term counts when several workers could take a task, and how much a minute of waiting adds; see [the Mind](mind.md)',
  ),
  memoryMaxKeys: variable(
    'COLONY_MEMORY_MAX_KEYS',
    '1000000',
    wholeNumber(1, 100_000_000),
    'How many keys one scope of the memory may hold',
  ),
  memoryMaxValueBytes: variable(
    'COLONY_MEMORY_MAX_VALUE_BYTES',
    '262144',
    wholeNumber(1, 1_000_000),
    'How long a value in memory may be, as JSON text',
  ),
  memorySearchMib: optional(
    'COLONY_MEMORY_SEARCH_MIB',
    wholeNumber(1, 1_048_576),
    'How much of its own memory a kernel may keep filled to search in, in MiB; unset it is 576, with `COLONY_MEMORY_BACKEND=redis` 1024. See [memory](memory.md#what-searching-takes)',
  ),
  ...EMBEDDINGS,
  signingKeyFile: variable(
    'COLONY_SIGNING_KEY_FILE',
    '.colony/signing.key',
    matching(/^[^\0]{1,4096}$/, 'the path of a file'),
    'The Ed25519 key that signs heads of the ledger; made when there is none. Unset it is beside the SQLite file. Kernels of one colony share it',
  ),
} as const;

type Variables = typeof VARIABLES;
/** What the environment says, checked and frozen. Field by field the table above. */
type Read = { readonly [K in keyof Variables]: Variables[K] extends Variable<infer T> ? T : never };
export type Config = Omit<Read, 'eventBus' | 'signingKeyFile'> & {
  readonly eventBus: 'inmemory' | 'redis';
  /** The Redis that holds the colony; null: a SQLite file does. */
  readonly redisUrl: string | null;
  /** Null: a key that is gone when the kernel stops, as the colony is. */
  readonly signingKeyFile: string | null;
};

/** The start must not go on; `message` is the one line that says why. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment and, below it, `.env` in `directory`. An empty value counts as unset. */
export function loadConfig(env: Environment, directory: string): Config {
  const given = { ...nonEmpty(readDotEnv(directory)), ...nonEmpty(env) };

  const config: Record<string, unknown> = {};
  for (const [field, entry] of Object.entries(VARIABLES)) {
    const name = entry.name === 'COLONY_PORT' && given.COLONY_PORT === undefined ? 'PORT' : entry.name;
    config[field] = readVariable(entry, name, given[name]);
  }
  return checked(config as Read, given);
}

function readVariable(entry: Variable<unknown>, name: string, given: string | undefined): unknown {
  const text = given ?? entry.fallback;
  if (text === null) return null;
  const value = entry.parse(text.trim());
  if (value !== undefined) return value;
  const shown = entry.secret ? '' : ` ${quote(text)}`;
  throw new ConfigError(`${name}${shown} is not allowed: it must be ${entry.allowed}`);
}

function checked(read: Read, given: Environment): Config {
  const isRedis = read.memoryBackend === 'redis';
  const isUrl = /^rediss?:/i.test(read.connectionString);
  if (isUrl && !isRedis) {
    throw new ConfigError(
      `COLONY_MEMORY_CONNECTION_STRING ${quote(read.connectionString)} is not allowed with COLONY_MEMORY_BACKEND=sqlite: it must be the path of a SQLite file; or set COLONY_MEMORY_BACKEND=redis`,
    );
  }
  if (isRedis && read.eventBus === 'inmemory') {
    throw new ConfigError(
      'COLONY_EVENT_BUS_TYPE "inmemory" is not allowed with COLONY_MEMORY_BACKEND=redis, where kernels must hear of each other: it must be redis, or unset',
    );
  }
  const fault = embeddingsFault(read.embeddingsUrl, read.embeddingsModel);
  if (fault !== null) throw new ConfigError(fault);
  const config: Config = Object.freeze({
    ...read,
    eventBus: read.eventBus ?? (isRedis ? 'redis' : 'inmemory'),
    redisUrl: !isRedis ? null : isUrl ? read.connectionString : read.messageQueueUrl,
    signingKeyFile:
      given.COLONY_SIGNING_KEY_FILE === undefined && !isRedis ? besideDatabase(read) : read.signingKeyFile,
  });
  if (config.environment === 'production' && config.secretToken === null && !config.allowAnonymous) {
    throw new ConfigError(
      'COLONY_SECRET_TOKEN "" is not allowed with COLONY_ENV=production: set a token, or COLONY_ALLOW_ANONYMOUS=true to go without',
    );
  }
  return config;
}

function besideDatabase({ connectionString: path }: Read): string | null {
  return path === ':memory:' ? null : join(dirname(path), 'signing.key');
}

function readDotEnv(directory: string): Environment {
  try {
    return parseEnv(readFileSync(join(directory, '.env'), 'utf8'));
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new ConfigError(`.env cannot be read: ${(fault as Error).message}`);
  }
}

function nonEmpty(env: Environment): Record<string, string | undefined> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && value.trim() !== '') result[name] = value;
  return result;
}

/** One line, not too long, and without the password of a URL. */
function quote(text: string): string {
  return JSON.stringify(withoutPassword(text).slice(0, 200));
}
