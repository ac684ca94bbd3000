import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Kind } from '../kinds.ts';
import { workOn } from './open.ts';

let parent: string;
let root: string;
beforeEach(() => {
  parent = realpathSync(mkdtempSync(join(tmpdir(), 'hive-work-')));
  root = join(parent, 'inside');
  mkdirSync(root);
});
afterEach(() => rmSync(parent, { recursive: true }));

function work(kind: Kind, name: string, content: string | Buffer, signal = new AbortController().signal) {
  writeFileSync(join(root, name), content);
  const fractions: number[] = [];
  const progress = (fraction: number) => void fractions.push(fraction);
  return workOn(kind, root, name, { signal, progress }).then((result) => ({ result, fractions }));
}

const bytes = (...values: (number | string)[]) =>
  Buffer.concat(values.map((value) => (typeof value === 'string' ? Buffer.from(value, 'latin1') : Buffer.of(value))));
const zeros = (count: number) => '\0'.repeat(count);

/** The smallest header of each format, for a picture of 300 by 200. */
const PICTURES: Record<string, Buffer> = {
  png: bytes('\x89PNG\r\n\x1a\n', zeros(3), 13, 'IHDR', 0, 0, 1, 44, 0, 0, 0, 200, 8, 6, zeros(3)),
  gif: bytes('GIF89a', 44, 1, 200, 0, zeros(3)),
  jpeg: bytes(
    '\xff\xd8\xff\xe1\x13\x88',
    zeros(0x1388 - 2),
    '\xff\xff\xc4',
    0,
    4,
    zeros(2),
    '\xff\xc2',
    0,
    17,
    8,
    0,
    200,
    1,
    44,
    3,
  ),
  bmp: bytes('BM', zeros(12), 40, zeros(3), 44, 1, 0, 0, 0x38, 0xff, 0xff, 0xff),
};
const WEBP: Record<string, Buffer> = {
  lossy: bytes('RIFF', zeros(4), 'WEBPVP8 ', zeros(4), zeros(3), '\x9d\x01\x2a', 44, 1, 200, 0),
  lossless: bytes('RIFF', zeros(4), 'WEBPVP8L', zeros(4), 0x2f, 0x2b, 0xc1, 0x31, 0, zeros(5)),
  extended: bytes('RIFF', zeros(4), 'WEBPVP8X', zeros(4), zeros(4), 43, 1, 0, 199, 0, 0),
};

describe('an ImageProcessor', () => {
  test.each(Object.entries(PICTURES))('reads the header of a %s', async (format, content) => {
    const { result } = await work('image', 'picture', content);
    expect(result).toEqual({ format, width: 300, height: 200, bytes: content.length });
  });

  test.each(Object.entries(WEBP))('reads the header of a %s WebP', async (_, content) => {
    const { result } = await work('image', 'picture', content);
    expect(result).toMatchObject({ format: 'webp', width: 300, height: 200 });
  });

  test.each([
    ['<?xml version="1.0"?>\n<!-- a > b -->\n<svg xmlns="x" width="300px" height="200">', 300, 200],
    ['<svg viewBox="0 0 300 200"/>', 300, 200],
    ["<svg title='a > b' width='100%' viewBox='0,0,30.5,20'>", 30.5, 20],
    ['<svg>', null, null],
  ])('reads %j', async (content, width, height) => {
    expect((await work('image', 'a.svg', content)).result).toMatchObject({ format: 'svg', width, height });
  });

  test.each(['', 'no image', '\x89PNG\r\n\x1a\n', '\xff\xd8\xff\xe0'])('says that %j is none', async (content) => {
    const { result } = await work('image', 'a.png', Buffer.from(content, 'latin1'));
    expect(result).toMatchObject({ format: null, bytes: content.length });
  });
});

describe('a TextAnalyzer', () => {
  test('counts a file', async () => {
    const { result, fractions } = await work('text', 'a.txt', '\ufeffone two\ntwo');
    expect(result).toMatchObject({ lines: 2, words: 3, top_words: { two: 2, one: 1 }, bytes: 14 });
    expect(fractions).toEqual([]);
  });

  test('tells how far it is in a large one, and counts characters across its reads', async () => {
    const { result, fractions } = await work('text', 'a.txt', 'höney '.repeat(200_000));
    expect(result).toMatchObject({ words: 200_000, distinct_words: 1 });
    expect(fractions.length).toBeGreaterThan(5);
    expect(fractions.at(-1)).toBe(1);
  });
});

describe('a DataValidator', () => {
  test('describes what is valid', async () => {
    const { result } = await work('data', 'a.json', '{"a": [1, {"b": null}], "a": 2}');
    expect(result).toMatchObject({ valid: true, depth: 3, keys: 3, duplicate_keys: 1, first_duplicate: 'a' });
  });

  test('says where it is not', async () => {
    const { result } = await work('data', 'a.json', '{\n  "a": 1,\n}');
    expect(result).toMatchObject({ valid: false, error: { line: 3, column: 1 } });
  });
});

describe('every bee', () => {
  test('stops when its task is taken away', async () => {
    const taken = new AbortController();
    taken.abort(new Error('cancelled'));
    for (const kind of ['text', 'data'] as const) {
      await expect(work(kind, 'a', '1', taken.signal)).rejects.toThrow('cancelled');
    }
  });

  test.each(['../outside.txt', '/etc/hostname', 'link.txt', 'gone.txt', '.'])('refuses %s for good', async (path) => {
    symlinkSync('/etc/hostname', join(root, 'link.txt'));
    writeFileSync(join(parent, 'outside.txt'), 'x');
    const { signal } = new AbortController();
    const refused = workOn('text', root, path, { signal, progress: () => {} });
    await expect(refused).rejects.toMatchObject({ retryable: false });
  });
});
