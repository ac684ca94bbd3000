import type { Duplex } from 'node:stream';

/**
 * WebSocket text frames (RFC 6455, section 5.2) from a server: unfragmented and unmasked, so the same bytes may go
 * to any number of sockets, and one write can carry many frames.
 */
export function textFrames(texts: readonly string[]): Buffer {
  let size = 0;
  const lengths = texts.map((text) => {
    const length = Buffer.byteLength(text);
    size += length + headerSize(length);
    return length;
  });
  const bytes = Buffer.allocUnsafe(size);
  let offset = 0;
  texts.forEach((text, index) => {
    offset = writeHeader(bytes, offset, lengths[index]!);
    offset += bytes.write(text, offset, 'utf8');
  });
  return bytes;
}

const FINAL_TEXT = 0x81;

function headerSize(length: number): number {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : 10;
}

function writeHeader(bytes: Buffer, offset: number, length: number): number {
  bytes[offset] = FINAL_TEXT;
  if (length < 126) {
    bytes[offset + 1] = length;
    return offset + 2;
  }
  if (length < 65_536) {
    bytes[offset + 1] = 126;
    return bytes.writeUInt16BE(length, offset + 2);
  }
  bytes[offset + 1] = 127;
  return bytes.writeBigUInt64BE(BigInt(length), offset + 2);
}

/** The bytes that a connection has not taken yet. */
export function unsent(connection: Duplex): number {
  return connection.writableLength;
}
