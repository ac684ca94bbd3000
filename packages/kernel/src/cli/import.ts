import type { Command } from 'commander';
import { keyFrom } from './keys.ts';
import { fail, placeFrom } from './places.ts';

interface Flags {
  readonly to: string;
  readonly systemId?: string;
  readonly publicKey?: string;
  readonly force: boolean;
}

const HELP = `
The export is what GET /system/export answers, as it came or compressed with gzip. Where it goes nothing may be, and no kernel
may run there; a kernel that is started there afterwards goes on where the colony was when it was exported.

Without --public-key it is shown that nothing happened to the export since it was written, and not who wrote it.

  curl -sf localhost:8000/system/export | gzip > colony.ndjson.gz
  colonyos import colony.ndjson.gz --to .colony/colony.db`;

/** `colonyos import`: a colony out of a file. */
export function importCommand(program: Command): void {
  program
    .command('import')
    .description('make a colony of an export, ledger and all, in an empty place')
    .argument('<file>', 'the export')
    .requiredOption('--to <place>', 'where it goes: the path of a SQLite file, or redis://host:port')
    .option('--system-id <name>', "the colony's name on a Redis (default: COLONY_SYSTEM_ID)")
    .option(
      '--public-key <key>',
      "the exporting colony's: in base64 as a head has it, or a file with that, with PEM or with a head",
    )
    .option('--force', 'remove what an import that was not finished has left there', false)
    .addHelpText('after', HELP)
    .action(take);
}

async function take(file: string, flags: Flags): Promise<void> {
  // What comes may hold what the colony's users gave it.
  process.umask(0o077);
  try {
    const { importFile } = await import('../migrate-import.ts');
    const key = flags.publicKey === undefined ? null : await keyFrom(flags.publicKey);
    const { title, seal, tasks, removed, workers, keys, entries, head } = await importFile({
      file,
      to: await placeFrom(flags.to, flags.systemId),
      key,
      force: flags.force,
      tell: (line) => process.stderr.write(`${line}\n`),
    });
    process.stdout.write(
      `imported ${tasks} tasks, ${removed} removed tasks, ${workers} workers, ${entries} ledger entries, ${keys} idempotency keys\n` +
        `colony ${title.system_id} as of ${title.timestamp}, signed with key ${seal.key_id}${key ? ', as expected' : ''}\n` +
        `ledger verified: head ${head}\n`,
    );
  } catch (fault) {
    fail('import', fault, 1);
  }
}
