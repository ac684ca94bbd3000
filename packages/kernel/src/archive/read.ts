import { createHash } from 'node:crypto';
import type { Piece } from '../core/archive.ts';
import { linesOf } from '../core/lines.ts';
import { PublicKey } from '../signing/public-key.ts';
import { FILE_FORMAT, pieceFrom, type Seal, sealedText, type Title } from './text.ts';

/** No piece comes near this: a task's texts are of some MiB at most, and so are the entries of a commit. */
const LONGEST_LINE = 64 * 1024 * 1024;

const END = '{"kind":"end"';

/**
 * Reads a file to its end and finds out whether it is whole, as it was written, and signed. Throws an Error with a sentence
 * when it is not.
 * @param chunks the bytes of the file
 * @param key the only one that may have signed it; null: whichever it names, which shows that nothing happened to it, and
 *   not who made it
 */
export async function verifyArchive(
  chunks: AsyncIterable<Buffer>,
  key: PublicKey | null,
): Promise<{ readonly title: Title; readonly seal: Seal }> {
  const hash = createHash('sha256');
  let title: Title | null = null;
  let seal: Seal | null = null;
  let number = 0;
  for await (const lines of linesOf(chunks, LONGEST_LINE)) {
    for (const line of lines) {
      if (seal !== null) throw new Error('something was added behind its last line');
      title ??= titleFrom(line);
      if (isEnd(line)) seal = sealFrom(line, number);
      else {
        hash.update(line).update('\n');
        number++;
      }
    }
  }
  if (title === null) throw new Error('it is empty');
  if (seal === null) throw new Error(`its end is missing: it was cut off behind line ${number}`);
  const { lines, sha256, public_key, key_id, signature } = seal;
  if (lines !== number) throw new Error(`it has ${number} lines before its last, and was written with ${lines}`);
  if (hash.digest('hex') !== sha256) throw new Error('it was changed: it does not have the hash it was written with');
  const own = PublicKey.fromBase64(public_key);
  if (own?.id !== key_id || !own.verify(sealedText(title, seal), signature)) {
    throw new Error('its last line was changed: its signature does not fit');
  }
  if (key !== null && key.base64 !== own.base64) {
    throw new Error(`it was signed with the key ${own.id}, and not with the expected one, ${key.id}`);
  }
  return { title, seal };
}

/**
 * The pieces in a file that was found to be whole. Throws an Error that names the line where that is none, and at the end
 * when the file is not the one that was verified any more.
 */
export async function* readArchive(
  chunks: AsyncIterable<Buffer>,
  { lines: count, sha256 }: Seal,
): AsyncGenerator<Piece> {
  const hash = createHash('sha256');
  let number = 0;
  let isOver = false;
  for await (const lines of linesOf(chunks, LONGEST_LINE)) {
    for (const line of lines) {
      isOver ||= isEnd(line);
      if (isOver) continue;
      number++;
      hash.update(line).update('\n');
      if (number > 1) yield pieceIn(line, number);
    }
  }
  if (!isOver || number !== count || hash.digest('hex') !== sha256) throw new Error('it was changed while it was read');
}

function pieceIn(line: Buffer, number: number): Piece {
  try {
    return pieceFrom(line.toString());
  } catch (error) {
    throw new Error(`line ${number} cannot be understood: ${(error as Error).message}`);
  }
}

function isEnd(line: Buffer): boolean {
  return line.subarray(0, END.length).toString() === END;
}

function titleFrom(line: Buffer): Title {
  const { kind, format, system_id, timestamp } = parsed<Title>(line);
  if (kind !== 'export' || typeof system_id !== 'string' || typeof timestamp !== 'string') {
    throw new Error('it is not what GET /system/export answers');
  }
  if (format !== FILE_FORMAT) throw new Error(`it has format ${format}, this kernel knows ${FILE_FORMAT}`);
  return { kind, format, system_id, timestamp };
}

function sealFrom(line: Buffer, number: number): Seal {
  const seal = parsed<Seal>(line);
  const texts = [seal.sha256, seal.signature, seal.key_id, seal.public_key];
  if (Number.isSafeInteger(seal.lines) && texts.every((text) => typeof text === 'string')) return seal as Seal;
  throw new Error(`its end is damaged: it was cut off in line ${number + 1}`);
}

/** Its members, whatever they are; none where it is no object. */
function parsed<T>(line: Buffer): Partial<T> {
  try {
    return { ...(JSON.parse(line.toString()) as Partial<T> | null) };
  } catch {
    return {};
  }
}
