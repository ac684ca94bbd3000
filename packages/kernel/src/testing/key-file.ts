import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'colony-key-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Where kernels on a Redis keep their key in this process's tests: their colony has no folder of its own. */
export const KEY_FILE: string = join(folder, 'signing.key');
