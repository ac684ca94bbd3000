import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { complete, type Lockfile, missingOptional } from './lockfile.ts';

describe('npm ci works on every platform', () => {
  test.each(['package-lock.json', 'bench/package-lock.json'])('because %s leaves nothing out', (path) => {
    const lockfile = JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')) as Lockfile;
    expect(missingOptional(lockfile), 'repair it with `npx node scripts/complete-lockfile.ts`').toEqual([]);
  });
});

describe('a lockfile that leaves something out', () => {
  const lockfile: Lockfile = {
    lockfileVersion: 3,
    packages: {
      '': { optionalDependencies: { 'tool-linux-x64': '1.0.0' } },
      'node_modules/tool-linux-x64': { version: '1.0.0' },
      'node_modules/@a/b': {
        version: '2.0.0',
        dev: true,
        optionalDependencies: { '@a/b-darwin-arm64': '2.0.0', '@a/b-linux-x64-musl': '2.0.0', inner: '3.0.0' },
      },
      'node_modules/@a/b/node_modules/inner': { version: '3.0.0' },
    },
  };

  test('is found out', () => {
    expect(missingOptional(lockfile).map(({ name }) => name)).toEqual(['@a/b-darwin-arm64', '@a/b-linux-x64-musl']);
  });

  test('can be completed', () => {
    const { packages } = complete(lockfile);
    expect(packages['node_modules/@a/b-darwin-arm64']).toEqual({
      version: '2.0.0',
      cpu: ['arm64'],
      os: ['darwin'],
      dev: true,
      optional: true,
    });
    expect(packages['node_modules/@a/b-linux-x64-musl']).toMatchObject({ os: ['linux'], libc: ['musl'] });
    expect(missingOptional(complete(lockfile))).toEqual([]);
  });
});
