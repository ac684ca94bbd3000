import type { Command } from 'commander';

interface Flags {
  readonly from: string;
  readonly to: string;
  readonly systemId?: string;
  readonly fromSystemId?: string;
  readonly toSystemId?: string;
  readonly force: boolean;
}

/** `colonyos migrate`: a colony moves from one place to another. */
export function migrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('copy a colony, ledger and all, to an empty place, while no kernel runs on either')
    .requiredOption('--from <place>', 'where it is: the path of a SQLite file, or redis://host:port')
    .requiredOption('--to <place>', 'where it goes')
    .option('--system-id <name>', "the colony's name on a Redis (default: COLONY_SYSTEM_ID)")
    .option('--from-system-id <name>', 'its name where it is, if that differs')
    .option('--to-system-id <name>', 'its name where it goes, if that differs')
    .option('--force', 'remove what a move that was not finished has left at the target', false)
    .action(move);
}

async function move(flags: Flags): Promise<void> {
  // What is moved may hold what the colony's users gave it.
  process.umask(0o077);
  try {
    const { migrate, placeOf } = await import('../migrate.ts');
    const { loadConfig, VARIABLES } = await import('../config.ts');
    const named = (name = flags.systemId) => {
      if (name === undefined) return loadConfig(process.env, process.cwd()).systemId;
      if (VARIABLES.systemId.parse(name) !== undefined) return name;
      throw new Error(`system id ${JSON.stringify(name)} is not allowed: it must be ${VARIABLES.systemId.allowed}`);
    };
    const { tasks, removed, workers, keys, entries, head } = await migrate({
      from: placeOf(flags.from, () => named(flags.fromSystemId)),
      to: placeOf(flags.to, () => named(flags.toSystemId)),
      force: flags.force,
      tell: (line) => process.stderr.write(`${line}\n`),
    });
    process.stdout.write(
      `moved ${tasks} tasks, ${removed} removed tasks, ${workers} workers, ${entries} ledger entries, ${keys} idempotency keys\n` +
        `ledger verified: head ${head} on both sides\n`,
    );
  } catch (fault) {
    process.stderr.write(`colonyos migrate: ${(fault as Error).message.replace(/\s*\n\s*/g, ' ')}\n`);
    process.exitCode = 1;
  }
}
