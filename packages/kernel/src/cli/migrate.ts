import type { Command } from 'commander';
import { fail, placeFrom } from './places.ts';

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
    const { migrate } = await import('../migrate.ts');
    const { tasks, removed, workers, keys, entries, head } = await migrate({
      from: await placeFrom(flags.from, flags.fromSystemId ?? flags.systemId),
      to: await placeFrom(flags.to, flags.toSystemId ?? flags.systemId),
      force: flags.force,
      tell: (line) => process.stderr.write(`${line}\n`),
    });
    process.stdout.write(
      `moved ${tasks} tasks, ${removed} removed tasks, ${workers} workers, ${entries} ledger entries, ${keys} idempotency keys\n` +
        `ledger verified: head ${head} on both sides\n`,
    );
  } catch (fault) {
    fail('migrate', fault, 1);
  }
}
