/** What the tests need of the system, beside Node. */
import { spawnSync } from 'node:child_process';

const MINUTES_MS = 60_000;

export function isThere(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Whether a program of Debian's is on the PATH, by now: where that is possible it is installed under the same name. */
export function provide(program: string): boolean {
  if (isThere(program)) return true;
  if (process.getuid?.() !== 0 || !isThere('apt-get')) return false;
  const install = ['install', '-y', '--no-install-recommends', program];
  for (const step of [install, ['update'], install]) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', step, { stdio: 'ignore', timeout: 5 * MINUTES_MS, env });
    if (isThere(program)) return true;
  }
  return false;
}
