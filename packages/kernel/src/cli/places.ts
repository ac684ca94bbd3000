import type { Place } from '../migrate-place.ts';

/**
 * The place that an option names; on a Redis, the colony of this name there, or else of the one in the environment. Throws an
 * Error with a sentence when it is none.
 */
export async function placeFrom(text: string, systemId: string | undefined): Promise<Place> {
  const { placeOf } = await import('../migrate-place.ts');
  const { loadConfig, VARIABLES } = await import('../config.ts');
  return placeOf(text, () => {
    if (systemId === undefined) return loadConfig(process.env, process.cwd()).systemId;
    if (VARIABLES.systemId.parse(systemId) !== undefined) return systemId;
    throw new Error(`system id ${JSON.stringify(systemId)} is not allowed: it must be ${VARIABLES.systemId.allowed}`);
  });
}

/** Says in one line what a command could not do, and makes it end with a code. */
export function fail(command: string, fault: unknown, exitCode: number): void {
  process.stderr.write(`colonyos ${command}: ${(fault as Error).message.replace(/\s*\n\s*/g, ' ')}\n`);
  process.exitCode = exitCode;
}
