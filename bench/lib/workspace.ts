import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** On the disk that the checkout is on: a temporary folder of the system may be memory, which makes fsync free. */
export const WORK = fileURLToPath(new URL('../.work/', import.meta.url));

const made = new Set<string>();
process.once('exit', () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

export function makeFolder(name: string): string {
  mkdirSync(WORK, { recursive: true });
  const folder = mkdtempSync(join(WORK, `${name}-`));
  made.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  made.delete(folder);
}
