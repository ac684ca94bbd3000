import { lstat, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { classify, type Kind } from './kinds.ts';

/** A larger file is skipped: a bee holds what it counts in memory. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** Whoever points the hive at a whole disk gets the beginning of it. */
const MAX_FILES = 100_000;
const SKIPPED_FOLDERS = new Set(['node_modules', 'dist']);

export interface FoundFile {
  /** Below the folder's root, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly kind: Kind;
  readonly language: string;
}

/** Why something in the folder makes no task. Hidden things, `node_modules` and `dist` are not even counted. */
export type Skip = 'unknown_kind' | 'too_large' | 'symlink' | 'unreadable' | 'beyond_limit';

export interface Folder {
  readonly root: string;
  /** In the order of their paths, so that the same folder gives the same tasks. */
  readonly files: readonly FoundFile[];
  readonly skipped: Readonly<Record<Skip, number>>;
  readonly tooLarge: readonly string[];
}

interface Limits {
  readonly maxBytes?: number;
  readonly maxFiles?: number;
  /** Absolute paths that are left out: the hive's own results. */
  readonly exclude?: readonly string[];
}

/** Looks through a folder for files that a bee can work on. Links are not followed: they may lead out, or in circles. */
export async function readFolder(folder: string, limits: Limits = {}): Promise<Folder> {
  const { maxBytes = MAX_FILE_BYTES, maxFiles = MAX_FILES, exclude = [] } = limits;
  const root = resolve(folder);
  const files: FoundFile[] = [];
  const skipped: Record<Skip, number> = { unknown_kind: 0, too_large: 0, symlink: 0, unreadable: 0, beyond_limit: 0 };
  const tooLarge: string[] = [];

  const consider = async (path: string): Promise<void> => {
    const known = classify(path);
    if (!known) {
      skipped.unknown_kind++;
      return;
    }
    const { size } = await lstat(join(root, path));
    if (size > maxBytes) {
      skipped.too_large++;
      tooLarge.push(path);
    } else if (files.length >= maxFiles) {
      skipped.beyond_limit++;
    } else {
      files.push({ path, bytes: size, ...known });
    }
  };

  const walk = async (below: string): Promise<void> => {
    const entries = await readdir(join(root, below), { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.name.startsWith('.') || exclude.includes(join(root, path))) continue;
      try {
        if (entry.isSymbolicLink()) skipped.symlink++;
        else if (entry.isFile()) await consider(path);
        else if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) await walk(path);
      } catch {
        skipped.unreadable++;
      }
    }
  };

  await walk('');
  return { root, files, skipped, tooLarge };
}
