import { createHash } from 'node:crypto';
import type { Piece } from '../core/archive.ts';
import type { Signer } from '../core/signer.ts';
import { FILE_FORMAT, pieceText, type Seal, sealedText, type Title } from './text.ts';

/** About so many characters are handed on at a time. */
const CHUNK = 64 * 1024;

/** An archive as the text of a file, a piece at a time; the end of it signed. */
export async function* writeArchive(
  pieces: AsyncIterable<Piece>,
  about: Pick<Title, 'system_id' | 'timestamp'>,
  { keyId, publicKey, sign }: Signer,
): AsyncGenerator<string> {
  const title: Title = { kind: 'export', format: FILE_FORMAT, ...about };
  const hash = createHash('sha256');
  let chunk = `${JSON.stringify(title)}\n`;
  let lines = 1;
  for await (const piece of pieces) {
    chunk += `${pieceText(piece)}\n`;
    lines++;
    if (chunk.length < CHUNK) continue;
    hash.update(chunk);
    yield chunk;
    chunk = '';
  }
  const sha256 = hash.update(chunk).digest('hex');
  const stated = { kind: 'end', lines, sha256, key_id: keyId, public_key: publicKey } as const;
  const seal: Seal = { ...stated, signature: sign(sealedText(title, stated)) };
  yield `${chunk}${JSON.stringify(seal)}\n`;
}
