import { Command } from 'commander';
import { VERSION } from '../config.ts';
import { auditCommand } from './audit.ts';
import { importCommand } from './import.ts';
import { migrateCommand } from './migrate.ts';
import { simulateCommand } from './simulate.ts';
import { startCommand } from './start.ts';

/** Adds one command to the program. Whatever is heavy is imported when the command runs, not before. */
export type CommandRegistration = (program: Command) => void;

const COMMANDS: readonly CommandRegistration[] = [
  startCommand,
  migrateCommand,
  importCommand,
  auditCommand,
  simulateCommand,
];

/** The `colonyos` program. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('colonyos')
    .description('ColonyOS Kernel: the single source of truth for the work of many agents')
    .version(VERSION);
  for (const register of COMMANDS) register(program);
  await program.parseAsync(argv);
}
