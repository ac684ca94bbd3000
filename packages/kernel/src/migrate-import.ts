import { createReadStream } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { readArchive, verifyArchive } from './archive/read.ts';
import type { Seal, Title } from './archive/text.ts';
import { type Contents, NotEmpty, type Piece } from './core/archive.ts';
import { about, nameOf, open, type Place } from './migrate-place.ts';
import type { PublicKey } from './signing/public-key.ts';

export interface Import {
  /** What `GET /system/export` answered, as it came or compressed with gzip. */
  readonly file: string;
  readonly to: Place;
  /** The only key that may have signed it; null: whichever it names. */
  readonly key: PublicKey | null;
  /** Whether to begin anew where an earlier move was not finished. */
  readonly force: boolean;
  /** Told, a line at a time, how far it has come. */
  readonly tell: (line: string) => void;
}

const CHUNK_BYTES = 1024 * 1024;
/** How long a long import says nothing. */
const TELL_EVERY_MS = 1000;

/**
 * Makes a colony of an export in an empty place. The file is read twice: first to find out whether it is whole and as it was
 * written, and nothing is touched before that. Throws an Error with a sentence that names the file or the place when it
 * cannot be done; a target that was written to cannot be opened by a kernel then.
 */
export async function importFile({
  file,
  to,
  key,
  force,
  tell,
}: Import): Promise<Contents & { title: Title; seal: Seal }> {
  tell(`verifying ${file}`);
  const { title, seal } = await verifyArchive(await chunksOf(file), key).catch((fault: Error) => {
    throw new Error(`${file}: ${fault.message}`, { cause: fault });
  });
  const target = await open(to, force);
  try {
    tell(`importing ${seal.lines} lines from ${file} to ${nameOf(to)}`);
    const contents = await target.store.restore(counted(readArchive(await chunksOf(file), seal), seal, tell));
    tell(`verified ${nameOf(to)}`);
    return { ...contents, title, seal };
  } catch (fault) {
    if (fault instanceof NotEmpty) throw about(to, fault);
    const { message } = fault as Error;
    throw new Error(`${message}; what has arrived at ${nameOf(to)} is incomplete: begin anew with --force`);
  } finally {
    await target.store.close();
  }
}

async function chunksOf(file: string): Promise<AsyncIterable<Buffer>> {
  const start = await startOf(file).catch((fault: NodeJS.ErrnoException) => {
    throw new Error(`${file}: cannot be read (${fault.code})`, { cause: fault });
  });
  const bytes = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const isCompressed = start[0] === 0x1f && start[1] === 0x8b;
  // What goes wrong is told to whoever reads.
  return isCompressed ? pipeline(bytes, createGunzip({ chunkSize: CHUNK_BYTES }), () => undefined) : bytes;
}

/** Its first two bytes; zeros where there are none. */
async function startOf(file: string): Promise<Buffer> {
  const handle = await openFile(file);
  return (await handle.read(Buffer.alloc(2), 0, 2, 0).finally(() => handle.close())).buffer;
}

async function* counted(pieces: AsyncIterable<Piece>, { lines }: Seal, tell: Import['tell']): AsyncGenerator<Piece> {
  let done = 0;
  let toldAt = performance.now();
  for await (const piece of pieces) {
    done++;
    if (performance.now() - toldAt >= TELL_EVERY_MS) {
      tell(`${done} of ${lines} lines`);
      toldAt = performance.now();
    }
    yield piece;
  }
}
