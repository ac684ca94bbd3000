import { chmodSync, existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Logger } from 'pino';
import { newId } from './api/ids.ts';
import { Metrics } from './api/metrics.ts';
import { type ApiServer, createApi } from './api/server.ts';
import { GROUP_BOUND } from './body/headroom.ts';
import { Kernel } from './body/kernel.ts';
import type { KernelObserver, KernelOptions } from './body/kernel-options.ts';
import { systemClock } from './body/system-clock.ts';
import { InMemoryBus } from './bus/in-memory.ts';
import { RedisBus } from './bus/redis.ts';
import { RedisPublisher } from './bus/redis-publisher.ts';
import { type Config, ConfigError } from './config.ts';
import { withoutPassword } from './config-values.ts';
import type { Rules } from './core/command.ts';
import { Bug, Refusal } from './core/errors.ts';
import type { EventBus } from './core/event-bus.ts';
import type { RuleTypes } from './core/rule-types.ts';
import type { Signer } from './core/signer.ts';
import type { Store } from './core/store.ts';
import { TaskMaker } from './core/task-maker.ts';
import { type ChosenEmbedder, LocalModelMissing, openEmbedder } from './memory/embedders/open.ts';
import { type PolicyFile, readPolicyFile } from './policy-file.ts';
import { isDurable } from './redis/facts.ts';
import { ephemeralSigner, signerFromFile } from './signing/key-file.ts';
import { RedisStore } from './store/redis/store.ts';
import { SqliteStore } from './store/sqlite/store.ts';

const MAX_TASK_DEPTH = 8;
const MAX_LEASE_LOSSES = 5;
const MAX_RECOVERY_GRACE_MS = 30_000;
/** Long enough for the next task to come along when there are hundreds a second. */
const PATIENCE_MS = 2;

/** A running colony: one kernel and its face. */
export interface Colony {
  readonly kernel: Kernel;
  readonly api: ApiServer;
  readonly signer: Signer;
  readonly embedding: ChosenEmbedder;
}

/** Puts a colony together from its configuration. The only place that knows every adapter. */
export async function compose(config: Config, log: Logger, version: string): Promise<Colony> {
  const metrics = new Metrics(version);
  const policyFile = await policyIn(config);
  const ground = config.redisUrl === null ? await onFile(config) : await onRedis(config.redisUrl, config, log);
  const signer = await signerOn(ground, config);
  const embedding = await embeddingOn(ground, config, log);
  const kernel = await Kernel.open({
    ...ground,
    rules: rulesOf(config, policyFile?.types ?? {}),
    retention: {
      taskRetentionMs: orNever(config.retentionSeconds),
      ledgerRetentionMs: orNever(config.ledgerRetentionSeconds),
      workerRetentionMs: config.workerRetentionSeconds * 1000,
    },
    checkpoints: { keep: config.checkpointKeep, everyMs: orNever(config.checkpointEverySeconds) },
    observer: observer(log, metrics),
    version,
    embedder: embedding.embedder,
    learns: config.scoringWeights.nearness > 0,
    maker: new TaskMaker(newId, config.maxTimeoutSeconds),
    random: Math.random,
    patienceMs: PATIENCE_MS,
  });
  await usePolicy(kernel, policyFile, log);
  const api = await createApi({ kernel, signer, config, log, metrics, version });
  return { kernel, api, signer, embedding };
}

/** Where a colony lives, how its kernels hear of each other, and what time it is there. */
type Ground = Pick<KernelOptions, 'store' | 'bus' | 'clock'>;

/** What keeps a file from being the colony's is the operator's to put right: say which variable named it. */
async function onFile(config: Config): Promise<Ground> {
  const path = config.connectionString;
  try {
    if (path !== ':memory:') keepPrivate(dirname(path));
    const store = await SqliteStore.open({ path, searchBytes: searchBytesOf(config) });
    return { store, bus: await busBeside(store, config), clock: systemClock() };
  } catch (fault) {
    if (fault instanceof ConfigError) throw fault;
    throw new ConfigError(
      `COLONY_MEMORY_CONNECTION_STRING ${JSON.stringify(path)} cannot be opened: ${(fault as Error).message}`,
    );
  }
}

async function busBeside(
  store: Store,
  { eventBus, messageQueueUrl: url, systemId: colony }: Config,
): Promise<EventBus> {
  if (eventBus === 'inmemory') return new InMemoryBus();
  try {
    return await RedisPublisher.open({ url, colony, ledger: () => store.ledger });
  } catch (fault) {
    await store.close();
    throw new ConfigError(
      `COLONY_EVENT_BUS_TYPE "redis" cannot use ${JSON.stringify(withoutPassword(url))}: ${(fault as Error).message}`,
    );
  }
}

async function onRedis(url: string, config: Config, log: Logger): Promise<Ground> {
  try {
    const colony = config.systemId;
    const store = await RedisStore.open({ url, colony, searchBytes: searchBytesOf(config) });
    const { facts, durability, clock, kernel } = store;
    log[isDurable(facts) ? 'info' : 'warn']({ redis: facts }, durability);
    return { store, bus: await RedisBus.open({ url, colony }, kernel), clock };
  } catch (fault) {
    throw new ConfigError(
      `COLONY_MEMORY_BACKEND "redis" cannot use ${JSON.stringify(withoutPassword(url))}: ${(fault as Error).message}`,
    );
  }
}

function searchBytesOf({ memorySearchMib }: Config): number | undefined {
  return memorySearchMib === null ? undefined : memorySearchMib * 1024 ** 2;
}

/** The key comes after the store: what keeps a kernel out of a colony should not leave a key behind. */
async function signerOn({ store, bus }: Ground, { signingKeyFile: path }: Config): Promise<Signer> {
  try {
    return path === null ? ephemeralSigner() : signerFromFile(path);
  } catch (fault) {
    await bus.close();
    await store.close();
    throw new ConfigError(`COLONY_SIGNING_KEY_FILE ${JSON.stringify(path)} ${(fault as Error).message}`);
  }
}

/** It shares the clock of the ground, and so comes after it. */
async function embeddingOn({ store, bus, clock }: Ground, config: Config, log: Logger): Promise<ChosenEmbedder> {
  const choice = {
    url: config.embeddingsUrl,
    model: config.embeddingsModel,
    apiKey: config.embeddingsApiKey,
    timeoutMs: config.embeddingsTimeoutSeconds * 1000,
  };
  const changed = (problem: string | null) => {
    if (problem === null) log.info('texts can be embedded again');
    else log.warn(`texts cannot be embedded at the moment: ${problem}`);
  };
  try {
    return openEmbedder(choice, { clock, random: Math.random, changed });
  } catch (fault) {
    await bus.close();
    await store.close();
    if (!(fault instanceof LocalModelMissing)) throw fault;
    throw new ConfigError(
      `COLONY_EMBEDDINGS_MODEL "local" cannot be used: ${fault.message}; install them, or set it to ngrams`,
    );
  }
}

async function policyIn({ policyFile }: Config): Promise<PolicyFile | null> {
  if (policyFile === null) return null;
  try {
    return await readPolicyFile(policyFile);
  } catch (fault) {
    throw new ConfigError(
      `GUARDIAN_POLICY_FILE ${JSON.stringify(policyFile)} cannot be used: ${(fault as Error).message}`,
    );
  }
}

/** A kernel that cannot read the policy judges nothing, so it does not start. */
async function usePolicy(kernel: Kernel, file: PolicyFile | null, log: Logger): Promise<void> {
  try {
    if (file) await putIntoForce(kernel, file, log);
    await kernel.guardian.policy();
  } catch (fault) {
    await kernel.stop();
    if (!(fault instanceof Bug)) throw fault;
    throw new ConfigError(`${fault.message}; does GUARDIAN_POLICY_FILE name the modules it needs?`);
  }
}

/** Unless it has been already: a policy that was set since then stays, until the file says something else. */
async function putIntoForce(kernel: Kernel, { policy, file }: PolicyFile, log: Logger): Promise<void> {
  if ((await kernel.guardian.policyFile()) === file) return;
  const answer = await kernel.execute({ kind: 'set_policy', actor: 'kernel', policy, expected: null, file });
  if (answer instanceof Refusal) throw new ConfigError(`GUARDIAN_POLICY_FILE cannot be used: ${answer.detail}`);
  log.info({ version: answer.policy.version }, 'the policy of GUARDIAN_POLICY_FILE is in force');
}

function rulesOf(config: Config, types: RuleTypes): Rules {
  const leaseMs = config.heartbeatSeconds * 1000;
  return {
    maxConcurrentTasks: config.maxConcurrentTasks,
    maxConcurrentPerGroup: config.maxConcurrentPerGroup,
    priorityAgingMs: config.priorityAgingSeconds * 1000,
    leaseMs,
    maxTaskDepth: MAX_TASK_DEPTH,
    maxLeaseLosses: MAX_LEASE_LOSSES,
    recoveryGraceMs: Math.min(leaseMs, MAX_RECOVERY_GRACE_MS),
    guardian: {
      types,
      participants: config.participants,
      threshold: config.consensusThreshold,
      driftThreshold: config.driftThreshold,
      voteExpiresMs: config.voteExpiresSeconds * 1000,
      isAuthenticated: config.secretToken !== null,
    },
    mind: { weights: config.scoringWeights, nearness: null },
    memory: { maxKeysPerScope: config.memoryMaxKeys },
  };
}

function orNever(seconds: number): number | null {
  return seconds === 0 ? null : seconds * 1000;
}

/** What happens inside, for the log and for the figures. */
function observer(log: Logger, metrics: Metrics): KernelObserver {
  return {
    committed: (happened) => metrics.committed(happened),
    heldBack: (by) => log.warn(by === null || by === GROUP_BOUND ? {} : { limit: by }, heldBackBy(by)),
    storeFailed: (error) => log.error({ err: error }, 'the store cannot be used: nothing is acknowledged until it can'),
    storeLost: (upTo) =>
      log.error({ upTo }, 'the store has lost what it had acknowledged, up to this ledger entry: leases are revoked'),
    storeRepaired: () => log.info('the store can be used again'),
    fault: (error, about) => log.error({ err: error, about }, 'this is a bug in the kernel'),
  };
}

function heldBackBy(name: string | null): string {
  const what = 'holds back a task that an idle worker could run';
  if (name === null) return `MAX_CONCURRENT_TASKS ${what}; raise it, or set 0 for no limit`;
  if (name === GROUP_BOUND) return `${name} ${what}; raise it, or set 0 for no limit`;
  return `the policy's limit ${name} ${what}; that is what it is for`;
}

/** What a colony knows is nobody else's business. A directory of the operator's own keeps the mode it has. */
function keepPrivate(directory: string): void {
  if (basename(directory) === '.colony' && existsSync(directory)) chmodSync(directory, 0o700);
}
