import type { Command } from 'commander';

interface StartOptions {
  readonly port?: string;
  readonly host?: string;
}

/** `colonyos start`, also what `colonyos` alone does. */
export function startCommand(program: Command): void {
  program
    .command('start', { isDefault: true })
    .description('run a kernel; everything else is configured by environment variables and .env')
    .option('-p, --port <port>', 'instead of COLONY_PORT')
    .option('-H, --host <host>', 'instead of COLONY_HOST')
    .action(async ({ port, host }: StartOptions) => {
      const { main } = await import('../main.ts');
      await main({
        ...process.env,
        ...(port !== undefined && { COLONY_PORT: port }),
        ...(host !== undefined && { COLONY_HOST: host }),
      });
    });
}
