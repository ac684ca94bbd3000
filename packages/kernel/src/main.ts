import { type Logger, pino } from 'pino';
import { type Colony, compose } from './compose.ts';
import { type Config, ConfigError, loadConfig, VERSION } from './config.ts';

/** A stop may not take longer than this, whatever clients do. */
const LONGEST_STOP_MS = 9500;

/** Runs a kernel until it is told to stop. What keeps it from starting is said in one line, and the exit code is 1. */
export async function main(environment: NodeJS.ProcessEnv): Promise<void> {
  // Whatever the kernel writes may hold what its users gave it.
  process.umask(0o077);
  try {
    const config = loadConfig(environment, process.cwd());
    // A log that nobody reads any more (its pipe is broken) must not keep the kernel from working, or from stopping.
    process.stdout.on('error', () => undefined);
    const log = pino(
      { level: config.logLevel, base: { system: config.systemId }, timestamp: pino.stdTimeFunctions.isoTime },
      process.stdout,
    );
    const colony = await compose(config, log, VERSION);
    stopOnSignals(colony, log);
    await listen(colony, config, log);
  } catch (fault) {
    process.stderr.write(`colonyos: ${oneLine(fault)}\n`);
    process.exit(1);
  }
}

async function listen({ api, kernel, signer, embedding }: Colony, config: Config, log: Logger): Promise<void> {
  try {
    const url = await api.listen();
    log.info(
      {
        url,
        version: VERSION,
        store: config.redisUrl === null ? config.connectionString : 'redis',
        key_id: signer.keyId,
      },
      `ColonyOS Kernel ${VERSION} listens on ${url}`,
    );
  } catch (fault) {
    await kernel.stop();
    throw listenError(fault, config);
  }
  log.info({ model: embedding.embedder.model }, embedding.told);
  if (embedding.warning !== null) log.warn(embedding.warning);
  if (config.secretToken === null && !/^(127\.|::1$|localhost$)/.test(config.host)) {
    log.warn(
      `COLONY_SECRET_TOKEN is not set, and COLONY_HOST is ${config.host}: whoever can reach this port may do everything`,
    );
  }
}

function listenError(fault: unknown, { host, port }: Config): unknown {
  switch ((fault as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new ConfigError(
        `COLONY_PORT ${port} is in use on ${host}: stop what listens there, or choose another port`,
      );
    case 'EACCES':
      return new ConfigError(`COLONY_PORT ${port} needs privileges this process does not have: choose one above 1023`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError(`COLONY_HOST ${JSON.stringify(host)} is not an address of this machine`);
    default:
      return fault;
  }
}

/** The first signal stops the kernel gracefully. A second one (npm and the terminal both send it) changes nothing. */
function stopOnSignals({ api }: Colony, log: Logger): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.error('the stop took too long; what was acknowledged is on disk');
      process.exit(1);
    }, LONGEST_STOP_MS).unref();
    try {
      await api.stop();
      log.info('stopped');
      process.exit(0);
    } catch (fault) {
      log.fatal({ err: fault }, 'the stop failed; what was acknowledged is on disk');
      process.exit(1);
    }
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // An assumption of the code is broken. Going on could make it worse; the ledger and the leases survive a restart.
  process.on('uncaughtException', (fault) => {
    log.fatal({ err: fault }, 'a bug stops the kernel');
    process.exit(1);
  });
}

function oneLine(fault: unknown): string {
  const message = fault instanceof Error ? fault.message : String(fault);
  return message.replace(/\s*\n\s*/g, ' ');
}
