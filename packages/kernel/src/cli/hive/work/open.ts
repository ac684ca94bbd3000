import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import type { JsonObject } from '@colonyos/client';
import { MAX_FILE_BYTES } from '../folder.ts';
import type { Kind } from '../kinds.ts';
import { dataFacts } from './data.ts';
import { imageFacts } from './image.ts';
import type { Job } from './job.ts';
import { textFacts } from './text.ts';

const WORK: Readonly<Record<Kind, (job: Job) => Promise<JsonObject>>> = {
  image: imageFacts,
  text: textFacts,
  data: dataFacts,
};

/** The file is not what the task promised; trying again would find the same. */
export class UnusableFile extends Error {
  readonly retryable = false;
}

/** Does a kind's work on a file of the folder. `root` is a real path, without links in it. */
export async function workOn(
  kind: Kind,
  root: string,
  path: string,
  { signal, progress }: Pick<Job, 'signal' | 'progress'>,
): Promise<JsonObject> {
  const file = await openWithin(root, path);
  try {
    const { size: bytes } = await file.stat();
    if (bytes > MAX_FILE_BYTES) throw new UnusableFile(`${path} has ${bytes} bytes; ${MAX_FILE_BYTES} is the most`);
    return await WORK[kind]({ file, bytes, signal, progress });
  } finally {
    await file.close();
  }
}

/** Whoever can submit a task names the path: it must not lead out of the folder, by no dots and no links. */
async function openWithin(root: string, path: string): Promise<FileHandle> {
  try {
    const real = await realpath(resolve(root, path));
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep))
      throw new UnusableFile(`${path} is outside the folder`);
    const file = await open(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    if ((await file.stat()).isFile()) return file;
    await file.close();
    throw new UnusableFile(`${path} is not a file`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'EACCES') {
      throw new UnusableFile(`${path} cannot be read any more: ${code}`, { cause: error });
    }
    throw error;
  }
}
