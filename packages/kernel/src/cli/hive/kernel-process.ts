/**
 * The hive's own kernel: an ordinary one, but it stops when the hive is gone. Its argument, if any, is the folder that
 * must then be removed; otherwise the hive does that itself.
 */
import { rmSync } from 'node:fs';
import { main } from '../../main.ts';

const [, , temporary] = process.argv;
process.on('exit', () => {
  if (temporary !== undefined && !process.connected) rmSync(temporary, { recursive: true, force: true });
});
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
await main(process.env);
