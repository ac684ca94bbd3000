import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readFolder } from './folder.ts';
import { complexityOf, priorityOf, taskFor } from './tasks.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hive-folder-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | Buffer = 'x'): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

async function pathsIn(limits = {}): Promise<string[]> {
  return (await readFolder(root, limits)).files.map(({ path }) => path);
}

describe('a folder', () => {
  test('gives its files in the order of their paths, each with its kind and language', async () => {
    for (const path of ['b/deep/x.JPG', 'a.md', 'b/c.json', 'LICENSE', 'z.ts']) write(path);
    const { files } = await readFolder(root);
    expect(files.map(({ path, kind, language }) => [path, kind, language])).toEqual([
      ['LICENSE', 'text', 'plain'],
      ['a.md', 'text', 'markdown'],
      ['b/c.json', 'data', 'json'],
      ['b/deep/x.JPG', 'image', 'jpeg'],
      ['z.ts', 'text', 'typescript'],
    ]);
  });

  test('keeps hidden things, dependencies and what was built to itself', async () => {
    for (const path of ['.git/a.md', '.env.json', 'node_modules/b.js', 'sub/dist/c.js', 'kept.md']) write(path);
    expect(await pathsIn()).toEqual(['kept.md']);
  });

  test('is not left through a link', async () => {
    write('inside/a.md');
    symlinkSync(join(root, 'inside'), join(root, 'again'));
    symlinkSync('/etc/hostname', join(root, 'host.txt'));
    const { files, skipped } = await readFolder(root);
    expect(files.map(({ path }) => path)).toEqual(['inside/a.md']);
    expect(skipped.symlink).toBe(2);
  });

  test('says what it leaves out and why', async () => {
    write('large.txt', 'x'.repeat(101));
    write('film.mp4');
    for (const path of ['1.txt', '2.txt', '3.txt']) write(path);
    const { skipped, tooLarge, files } = await readFolder(root, { maxBytes: 100, maxFiles: 2 });
    expect(files).toHaveLength(2);
    expect(skipped).toEqual({ unknown_kind: 1, too_large: 1, symlink: 0, unreadable: 0, beyond_limit: 1 });
    expect(tooLarge).toEqual(['large.txt']);
  });

  test('does not take the results of the last run for work', async () => {
    write('results.json');
    expect(await pathsIn({ exclude: [join(root, 'results.json')] })).toEqual([]);
  });
});

describe('the task of a file', () => {
  test('asks for a bee that can do it, and for one of this run', () => {
    const file = { path: 'docs/a.json', bytes: 5_000, kind: 'data', language: 'json' } as const;
    expect(taskFor(file, 'r1')).toMatchObject({
      description: 'Validate docs/a.json',
      payload: { path: 'docs/a.json' },
      priority: 6,
      requirements: { capability: 'data_validation', language: 'json', complexity: 4, simulation: 'r1' },
      tags: ['simulate', 'run:r1', 'data', 'json'],
      metadata: { path: 'docs/a.json', bytes: 5_000 },
      max_retries: 2,
    });
  });

  test('comes the sooner the smaller the file is', () => {
    const priorities = [0, 5_000, 100_000, 5_000_000].map(priorityOf);
    expect(priorities).toEqual([8, 6, 4, 2]);
  });

  test('is the more complex the larger the file is', () => {
    expect([0, 9, 10, 16 * 1024 * 1024].map(complexityOf)).toEqual([1, 1, 2, 8]);
  });
});
