import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { keyFrom, read } from './keys.ts';
import { fail } from './places.ts';

interface Flags {
  readonly publicKey?: string;
  readonly head?: string;
}

const INVALID = 1;
const UNUSABLE = 2;
/** Read at a time: a file may be of any size. */
const CHUNK_BYTES = 1024 * 1024;

const HELP = `
The export is what GET /system/audit/export answers, to the byte. No kernel and no network is needed.

Without --public-key it is checked with the key of --head, or else with the key that it names itself: then it is shown
to agree with itself, and not who made it. Have the key from somewhere else than the export.

Exit codes: 0 nothing is wrong; 1 something is, and the first such line and entry are named; 2 it could not be checked.

  curl -s localhost:8000/system/audit/head > head.json          note this down, somewhere else
  curl -s localhost:8000/system/audit/export > ledger.ndjson    later
  colonyos audit verify ledger.ndjson --head head.json`;

/** `colonyos audit verify`: anybody checks an export of the ledger, anywhere. */
export function auditCommand(program: Command): void {
  const audit = program.command('audit').description("check what was exported from a colony's ledger");
  // Wrong usage, too, is 2 here: 1 says that an export is not what it should be.
  audit.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : UNUSABLE));
  audit
    .command('verify')
    .description('find out whether entries of an export were changed, removed, moved, put in or cut off')
    .argument('<file>', 'the export; - for standard input')
    .option(
      '--public-key <key>',
      "the colony's: in base64 as a head has it, or a file with that, with PEM or with a head",
    )
    .option('--head <file>', 'a head that was noted earlier: the export must contain all that it is over, unaltered')
    .addHelpText('after', HELP)
    .action(verify);
}

async function verify(file: string, flags: Flags): Promise<void> {
  const { headFrom } = await import('../audit/trust.ts');
  const { verifyExport } = await import('../audit/verify.ts');
  const { report } = await import('../audit/report.ts');
  try {
    const trust = {
      publicKey: flags.publicKey === undefined ? null : await keyFrom(flags.publicKey),
      noted:
        flags.head === undefined
          ? null
          : read('--head', flags.head, headFrom, 'a head as GET /system/audit/head answers it'),
    };
    const verdict = await verifyExport(open(file), trust);
    process.stdout.write(report(verdict, trust));
    if (!verdict.valid) process.exitCode = INVALID;
  } catch (fault) {
    fail('audit verify', fault, UNUSABLE);
  }
}

function open(file: string): Readable {
  return file === '-' ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES });
}
