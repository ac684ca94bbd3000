/** `npx node scripts/complete-lockfile.ts [package-lock.json …]`: puts in what npm left out; see `lockfile.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { complete, type Lockfile, missingOptional } from './lockfile.ts';

const paths = process.argv.slice(2);
for (const path of paths.length > 0 ? paths : ['package-lock.json', 'bench/package-lock.json']) {
  const lockfile = JSON.parse(readFileSync(path, 'utf8')) as Lockfile;
  const missing = missingOptional(lockfile);
  if (missing.length > 0) writeFileSync(path, `${JSON.stringify(complete(lockfile), null, 2)}\n`);
  console.log(`${path}: ${missing.length} added`);
}
