/** A colony as a file: what is written is read, and what was changed is not taken. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Piece } from '../core/archive.ts';
import { ephemeralSigner } from '../signing/key-file.ts';
import { PublicKey } from '../signing/public-key.ts';
import { SqliteStore } from '../store/sqlite/store.ts';
import { plain, Scribe } from '../testing/scribe.ts';
import { furnish } from '../testing/store-conformance/furnished.ts';
import { readArchive, verifyArchive } from './read.ts';
import { writeArchive } from './write.ts';

const ABOUT = { system_id: 'hive', timestamp: '2026-01-01T00:00:00.000Z' };
const SIGNER = ephemeralSigner();

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** In chunks of so many bytes. */
function* chunks(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function textOf(pieces: AsyncIterable<Piece>, signer = SIGNER): Promise<Buffer> {
  return Buffer.from((await Array.fromAsync(writeArchive(pieces, ABOUT, signer))).join(''));
}

function verdictOn(bytes: Buffer, key: PublicKey | null = null): Promise<unknown> {
  return verifyArchive(each([...chunks(bytes, 1000)]), key).then(
    () => 'whole',
    ({ message }: Error) => message,
  );
}

let pieces: Piece[];
let bytes: Buffer;
beforeAll(async () => {
  const scribe = new Scribe(await SqliteStore.open({ path: ':memory:' }));
  await furnish(scribe);
  await scribe.add({ payload: { text: '\u0000\u2028"\\\n😀', n: 1e21 }, description: '\u007f' });
  pieces = await Array.fromAsync(scribe.store.dump());
  await scribe.store.close();
  bytes = await textOf(each(pieces));
});

const shown = (piece: Piece) => (piece.kind === 'task' ? { ...piece, task: plain(piece.task) } : piece);

test('what is read is what was written, however the bytes arrive', async () => {
  const { seal } = await verifyArchive(each([bytes]), null);
  for (const size of [1, 7, 4096, bytes.length]) {
    const read = await Array.fromAsync(readArchive(each([...chunks(bytes, size)]), seal));
    expect(read.map(shown)).toEqual(pieces.map(shown));
  }
});

test('its first line says what it is, its last that it is whole and who says so', async () => {
  const { title, seal } = await verifyArchive(each([bytes]), null);
  expect(title).toEqual({ kind: 'export', format: 1, ...ABOUT });
  expect(seal).toMatchObject({ lines: pieces.length + 1, key_id: SIGNER.keyId, public_key: SIGNER.publicKey });
  const text = `colonyos.export.1\nhive\n${ABOUT.timestamp}\n${seal.lines}\n${seal.sha256}\n${seal.key_id}`;
  expect(PublicKey.fromBase64(seal.public_key)!.verify(text, seal.signature)).toBe(true);
});

test('a file that is another one by the time it is read is not taken', async () => {
  const { seal } = await verifyArchive(each([bytes]), null);
  const lines = bytes.toString().trimEnd().split('\n');
  const forged = bytes.toString().replaceAll('dig', 'dug');
  for (const other of [lines.slice(0, -1), lines.slice(0, 9), lines.toSpliced(4, 1), forged.trimEnd().split('\n')]) {
    const read = Array.fromAsync(readArchive(each([Buffer.from(`${other.join('\n')}\n`)]), seal));
    await expect(read).rejects.toThrow('it was changed while it was read');
  }
});

test('a file of before there were plans is read as one of tasks that belong to none', async () => {
  const scribe = new Scribe(await SqliteStore.open({ path: ':memory:' }));
  const task = await scribe.add({ payload: 'plain' });
  await scribe.change(task, { losses: 1 });
  await scribe.save({ number: 1, rolling: false });
  await scribe.change((await scribe.store.task(task.id))!, { losses: 2 });
  const dumped = await Array.fromAsync(scribe.store.dump());
  const without = (text: string) => text.replace(/,?"(plan|routing)":null/g, '');
  const old = dumped.map((piece) => {
    if (piece.kind === 'head') return { ...piece, format: 3 };
    if (piece.kind === 'saved') return { ...piece, text: piece.text && without(piece.text) };
    if (piece.kind !== 'task') return piece;
    const { plan, routing, ...rest } = piece.task;
    return { ...piece, task: rest as typeof piece.task };
  });
  const text = await textOf(each(old));
  expect(text.toString()).not.toContain('routing');
  const { seal } = await verifyArchive(each([text]), null);
  const copy = await SqliteStore.open({ path: ':memory:' });
  await copy.restore(readArchive(each([text]), seal));
  expect(await copy.task(task.id)).toMatchObject({ plan: null, routing: null, losses: 2 });
  const [saved] = (await copy.saved({ since: 1, after: null, limit: 9 })).items;
  expect(saved).toMatchObject({ saved: { plan: null, routing: null, losses: 1 } });
  await Promise.all([scribe.store.close(), copy.close()]);
});

test('a text that goes on for long is handed on a piece at a time', async () => {
  const many = Array.from({ length: 100 }, () => pieces).flat();
  const parts = await Array.fromAsync(writeArchive(each(many), ABOUT, SIGNER));
  expect(Math.max(...parts.map(({ length }) => length))).toBeLessThan(200_000);
  expect(parts.length).toBeGreaterThan(5);
});

describe('is refused:', () => {
  test('one a byte of which was changed', async () => {
    const change = fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (place, by) => {
      const changed = Buffer.from(bytes);
      changed[place % bytes.length]! ^= by;
      expect(await verdictOn(changed)).not.toBe('whole');
    });
    await fc.assert(change, { numRuns: 300 });
  });

  test('one that was cut off', async () => {
    const cut = fc.asyncProperty(fc.nat(), async (length) => {
      expect(await verdictOn(bytes.subarray(0, length % (bytes.length - 1)))).not.toBe('whole');
    });
    await fc.assert(cut);
  });

  test('one whose lines were moved, taken out or put in', async () => {
    const lines = bytes.toString().trimEnd().split('\n');
    const move = fc.asyncProperty(fc.nat(), fc.nat(), async (from, to) => {
      const [a, b] = [from % lines.length, to % lines.length];
      const without = lines.toSpliced(a, 1);
      for (const changed of [without, without.toSpliced(b, 0, lines[a]!), lines.toSpliced(b, 0, lines[a]!)]) {
        if (changed.join('\n') === lines.join('\n')) continue;
        expect(await verdictOn(Buffer.from(`${changed.join('\n')}\n`))).not.toBe('whole');
      }
    });
    await fc.assert(move);
  });

  test('one that was signed with another key, when one is expected', async () => {
    const expected = PublicKey.fromBase64(SIGNER.publicKey)!;
    expect(await verdictOn(bytes, expected)).toBe('whole');
    const other = ephemeralSigner();
    const forged = await textOf(each(pieces), other);
    expect(await verdictOn(forged)).toBe('whole');
    expect(await verdictOn(forged, expected)).toBe(
      `it was signed with the key ${other.keyId}, and not with the expected one, ${SIGNER.keyId}`,
    );
  });

  test('what is something else', async () => {
    expect(await verdictOn(Buffer.from(''))).toBe('it is empty');
    for (const text of ['{}\n', 'null\n', '[1]\n', 'hello\n', '{"id":1,"timestamp":"x"}\n']) {
      expect(await verdictOn(Buffer.from(text))).toBe('it is not what GET /system/export answers');
    }
    const later = bytes.toString().replace('"format":1', '"format":9');
    expect(await verdictOn(Buffer.from(later))).toBe('it has format 9, this kernel knows 1');
  });

  test('with the place where it ends', async () => {
    const lines = bytes.toString().trimEnd().split('\n');
    const said = (some: readonly string[]) => verdictOn(Buffer.from(`${some.join('\n')}\n`));
    expect(await said(lines.slice(0, 3))).toBe('its end is missing: it was cut off behind line 3');
    expect(await said([...lines, lines[1]!])).toBe('something was added behind its last line');
    expect(await verdictOn(bytes.subarray(0, -50))).toBe(`its end is damaged: it was cut off in line ${lines.length}`);
  });

  test('a line that is none of its pieces, with its number', async () => {
    const { seal } = await verifyArchive(each([bytes]), null);
    const read = (line: string) =>
      Array.fromAsync(readArchive(each([Buffer.from(`{"kind":"export"}\n${line}\n`)]), seal));
    await expect(read('{"kind":"toString"}')).rejects.toThrow('line 2 cannot be understood: it is none of the kinds');
    await expect(read('null')).rejects.toThrow('line 2 cannot be understood');
    await expect(read('{"kind":')).rejects.toThrow('line 2 cannot be understood');
    await expect(read('{"kind":"task"}')).rejects.toThrow('line 2 cannot be understood');
  });
});
