import type { JsonObject } from '@colonyos/client';
import { bytesAt, type Job } from './job.ts';

interface Picture {
  readonly format: 'png' | 'jpeg' | 'gif' | 'webp' | 'bmp' | 'svg';
  /** In pixels; null where an SVG says nothing of its size. */
  readonly width: number | null;
  readonly height: number | null;
}

/** Enough for every header but a JPEG's, whose frame may come after its thumbnails. */
const HEAD_BYTES = 4096;
/** An SVG's root element may come after a licence and a document type. */
const SVG_HEAD_BYTES = 64 * 1024;
const MAX_JPEG_SEGMENTS = 1000;

/** ImageProcessor: what the header says, whatever the file is called. A broken image is a finding, not a failure. */
export async function imageFacts(job: Job): Promise<JsonObject> {
  const head = await bytesAt(job, 0, HEAD_BYTES);
  const picture = isJpeg(head) ? await readJpeg(job) : (readHeader(head) ?? (await readSvg(job)));
  return picture
    ? { format: picture.format, width: picture.width, height: picture.height, bytes: job.bytes }
    : { format: null, problem: 'no image header that is known here', bytes: job.bytes };
}

function isJpeg(head: Buffer): boolean {
  return head.length > 3 && head.readUIntBE(0, 3) === 0xffd8ff;
}

/** PNG, GIF, WebP and BMP say their size within the first bytes. */
function readHeader(head: Buffer): Picture | undefined {
  const tag = (from: number, to: number) => head.toString('latin1', from, to);
  if (tag(0, 8) === '\x89PNG\r\n\x1a\n' && tag(12, 16) === 'IHDR' && head.length >= 24) {
    return { format: 'png', width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
  }
  if (/^GIF8[79]a$/.test(tag(0, 6)) && head.length >= 10) {
    return { format: 'gif', width: head.readUInt16LE(6), height: head.readUInt16LE(8) };
  }
  if (tag(0, 4) === 'RIFF' && tag(8, 12) === 'WEBP' && head.length >= 30) return readWebp(head, tag(12, 16));
  if (tag(0, 2) === 'BM' && head.length >= 26) return readBmp(head);
  return undefined;
}

/** Lossy, lossless and extended files keep their size in three different ways (RFC 9649). */
function readWebp(head: Buffer, chunk: string): Picture | undefined {
  if (chunk === 'VP8 ') {
    return { format: 'webp', width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff };
  }
  if (chunk === 'VP8L' && head[20] === 0x2f) {
    const bits = head.readUInt32LE(21);
    return { format: 'webp', width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (chunk !== 'VP8X') return undefined;
  return { format: 'webp', width: head.readUIntLE(24, 3) + 1, height: head.readUIntLE(27, 3) + 1 };
}

/** The oldest header has 16 bits a side; a negative height means that the rows go from top to bottom. */
function readBmp(head: Buffer): Picture {
  if (head.readUInt32LE(14) === 12) {
    return { format: 'bmp', width: head.readUInt16LE(18), height: head.readUInt16LE(20) };
  }
  return { format: 'bmp', width: head.readInt32LE(18), height: Math.abs(head.readInt32LE(22)) };
}

/** Walks the segments to the first frame header (SOF), wherever in the file it is. */
async function readJpeg(job: Job): Promise<Picture | undefined> {
  let position = 2;
  for (let segments = 0; segments < MAX_JPEG_SEGMENTS; segments++) {
    job.signal.throwIfAborted();
    const segment = await bytesAt(job, position, 9);
    if (segment.length < 4 || segment[0] !== 0xff) return undefined;
    const marker = segment[1]!;
    if (marker === 0xff) {
      // A fill byte before the marker.
      position += 1;
    } else if (isFrame(marker)) {
      if (segment.length < 9) return undefined;
      return { format: 'jpeg', width: segment.readUInt16BE(7), height: segment.readUInt16BE(5) };
    } else {
      position += 2 + segment.readUInt16BE(2);
    }
  }
  return undefined;
}

/** SOF0 to SOF15, without the three markers in between that mean something else. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** By the attributes of the root element: `width` and `height` in pixels, else the `viewBox`. */
async function readSvg(job: Job): Promise<Picture | undefined> {
  const text = (await bytesAt(job, 0, SVG_HEAD_BYTES)).toString('utf8');
  const root = /<svg(?=[\s>])((?:[^>"']|"[^"]*"|'[^']*')*)>/.exec(text)?.[1];
  if (root === undefined) return undefined;
  const attribute = (name: string) => new RegExp(`\\s${name}\\s*=\\s*["']([^"']*)["']`).exec(root)?.[1];
  const pixels = (value: string | undefined) => {
    const number = /^\s*([\d.]+)(px)?\s*$/.exec(value ?? '')?.[1];
    return number === undefined ? null : Number(number);
  };
  const box = attribute('viewBox')
    ?.trim()
    .split(/[\s,]+/);
  const width = pixels(attribute('width')) ?? pixels(box?.[2]);
  const height = pixels(attribute('height')) ?? pixels(box?.[3]);
  return { format: 'svg', width, height };
}
