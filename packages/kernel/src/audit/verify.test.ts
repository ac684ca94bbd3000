/** invariant 11: what an export shows, and what it takes a noted head or a key from elsewhere to show. */
import { describe, expect, test } from 'vitest';
import { canonicalEntry, chainHash, GENESIS } from '../core/chain.ts';
import type { LedgerEntry } from '../core/event.ts';
import { type SignedHead, signHead } from '../core/head.ts';
import { ephemeralSigner } from '../signing/key-file.ts';
import { PublicKey } from '../signing/public-key.ts';
import { DAWN } from '../testing/scribe.ts';
import { headLine } from './export-line.ts';
import { report } from './report.ts';
import { headFrom, publicKeyFrom } from './trust.ts';
import { type Trust, verifyExport } from './verify.ts';

const signer = ephemeralSigner();
const stranger = ephemeralSigner();
const publicKey = PublicKey.fromBase64(signer.publicKey)!;

interface Line {
  readonly text: string;
  readonly hash: string;
}

/** Entries as the kernel exports them, by whatever they are about. */
function chain(names: readonly string[], before = GENESIS, first = 1): Line[] {
  let prevHash = before;
  return names.map((name, index) => {
    const entry: LedgerEntry = {
      id: first + index,
      type: 'worker_registered',
      source: 'kernel',
      actor: name,
      at: DAWN + index,
      data: JSON.stringify({ name, seconds: 0.001 * index, worker_id: 'bee-1' }),
      taskId: null,
      workerId: 'bee-1',
    };
    const hash = chainHash(prevHash, canonicalEntry(entry));
    const time = `2026-01-01T00:00:00.${String(index).padStart(3, '0')}Z`;
    const text = `{"id":${entry.id},"timestamp":"${time}","event_type":"worker_registered","actor":${JSON.stringify(name)},"source":"kernel","details":${entry.data},"prev_hash":"${prevHash}","hash":"${hash}"}`;
    prevHash = hash;
    return { text, hash };
  });
}

const LEDGER = chain(['a', 'b', 'c', 'd', 'e', 'f']);

function headOver(lines: readonly Line[], entries = lines.length, by = signer, at = DAWN): SignedHead {
  const hash = entries === 0 ? GENESIS : (lines[entries - 1]?.hash ?? 'f'.repeat(64));
  return signHead(by, { system_id: 'hive', first_id: 1, entries, hash }, at);
}

async function verify(lines: readonly Line[], head: SignedHead, trust: Partial<Trust> = {}) {
  const text = [...lines.map(({ text }) => text), headLine(head)].map((line) => `${line}\n`).join('');
  return verifyText(text, trust);
}

function verifyText(text: string | Buffer, trust: Partial<Trust> = {}) {
  const chunks = async function* () {
    yield Buffer.from(text as string);
  };
  return verifyExport(chunks(), { publicKey: null, noted: null, ...trust });
}

describe('an export', () => {
  test('may hold whatever JSON can, to the byte', async () => {
    const odd = [
      '"\\/\b\f\n\r\t',
      '\u0000\u007f\u0085',
      '\u2028\u2029',
      '\ufeff',
      '👑 \ud800 \udc00',
      '},"prev_hash":"',
    ];
    const lines = chain(odd);
    expect(await verify(lines, headOver(lines), { publicKey })).toMatchObject({ valid: true, held: odd.length });
  });

  test('of an empty ledger is a head alone', async () => {
    expect(await verify([], headOver([]))).toMatchObject({ valid: true, held: 0 });
    expect(await verify([], { ...headOver([]), hash: 'f'.repeat(64) })).toMatchObject({ valid: false });
  });

  test('that was rewritten from the beginning is found by its signature, or by the key', async () => {
    const forged = chain(['a', 'X', 'c', 'd', 'e', 'f']);
    expect(await verify(forged, headOver(LEDGER))).toMatchObject({ valid: false, line: 6, id: 6 });
    const byStranger = headOver(forged, 6, stranger);
    expect(await verify(forged, byStranger, { publicKey })).toMatchObject({ valid: false, line: 7, id: null });
    // Without a key from elsewhere nothing is wrong with it: that is what the note in the report is about.
    const verdict = await verify(forged, byStranger);
    expect(verdict).toMatchObject({ valid: true });
    expect(report(verdict, { publicKey: null, noted: null })).toMatch(/^consistent: 6 entries.*\n.*\nNOTE: /);
  });

  test('that was rewritten and signed with the right key is found by a head that was noted before', async () => {
    const forged = chain(['a', 'b', 'c', 'X', 'e', 'f']);
    const head = headOver(forged);
    expect(await verify(forged, head, { publicKey })).toMatchObject({ valid: true });
    expect(await verify(forged, head, { noted: headOver(LEDGER, 5) })).toMatchObject({ valid: false, line: 5, id: 5 });
    expect(await verify(forged, head, { noted: headOver(LEDGER, 3) })).toMatchObject({ valid: true });
  });

  test('that was cut off and signed anew is found by a head that was noted before', async () => {
    const verdict = await verify(LEDGER.slice(0, 4), headOver(LEDGER, 4), { noted: headOver(LEDGER, 6) });
    expect(verdict).toMatchObject({ valid: false, line: 5, id: 5, problem: expect.stringMatching(/cut off/) });
    // It may just be an older one.
    const later = headOver(LEDGER, 6, signer, DAWN + 1);
    const older = await verify(LEDGER.slice(0, 4), headOver(LEDGER, 4), { noted: later });
    expect(older).toMatchObject({ valid: false, problem: expect.stringMatching(/an older one/) });
  });

  test('that begins behind the noted head does not show what became of that', async () => {
    const head = signHead(signer, { system_id: 'hive', first_id: 4, entries: 6, hash: LEDGER[5]!.hash }, DAWN);
    const rest = LEDGER.slice(3);
    for (const entries of [3, 4, 6]) {
      expect(await verify(rest, head, { noted: headOver(LEDGER, entries) })).toMatchObject({ valid: true });
    }
    const forged = { ...LEDGER[2]!, hash: 'e'.repeat(64) };
    const other = headOver([...LEDGER.slice(0, 2), forged], 3);
    expect(await verify(rest, head, { noted: other })).toMatchObject({ valid: false, line: 1, id: 3 });
    const verdict = await verify(rest, head, { noted: headOver(LEDGER, 2) });
    expect(verdict).toMatchObject({
      valid: false,
      line: null,
      problem: expect.stringMatching(/begins behind the noted/),
    });
  });

  test('whose bytes are no text is found, although they read like what was there', async () => {
    const lines = chain(['broken \ufffd here']);
    const whole = Buffer.from(`${lines[0]!.text}\n${headLine(headOver(lines))}\n`);
    expect(await verifyText(whole)).toMatchObject({ valid: true });
    const at = whole.indexOf(Buffer.from('\ufffd'));
    const damaged = Buffer.concat([whole.subarray(0, at), Buffer.from([0xff]), whole.subarray(at + 3)]);
    expect(damaged.toString()).toBe(whole.toString());
    expect(await verifyText(damaged)).toMatchObject({ valid: false, line: 1 });
  });

  test.each(['', '\n', 'gibberish', '{"head":{}}\n', '[]\n', '<html>'])('is not %j', async (text) => {
    expect(await verifyText(text)).toMatchObject({ valid: false, line: 1, id: null });
  });

  test('is read a piece at a time, and a line without end is not waited for', async () => {
    let read = 0;
    const endless = async function* () {
      for (;;) {
        read++;
        yield Buffer.alloc(1024 * 1024, 0x20);
      }
    };
    const verdict = await verifyExport(endless(), { publicKey: null, noted: null });
    expect(verdict).toMatchObject({ valid: false, line: 1 });
    expect(read).toBeLessThan(100);
  });
});

describe('a head', () => {
  const head = headOver(LEDGER);

  test.each<[string, Partial<SignedHead>]>([
    ['another count', { entries: 5, hash: LEDGER[4]!.hash }],
    ['another beginning', { first_id: 2 }],
    ['another hash', { hash: LEDGER[4]!.hash }],
    ['another time', { timestamp: '2027-01-01T00:00:00.000Z' }],
    ['another colony', { system_id: 'other' }],
    ['another key', { public_key: stranger.publicKey }],
    ['another key and its name', { public_key: stranger.publicKey, key_id: stranger.keyId }],
    ['another signature', { signature: headOver(LEDGER, 5).signature }],
    ['no key', { public_key: 'AAAA' }],
    ['a signature that is too short', { signature: 'AAAA' }],
  ])('with %s does not fit its signature', async (_, change) => {
    const forged = { ...head, ...change };
    const lines = LEDGER.slice(0, forged.entries);
    expect(await verify(lines, forged)).toMatchObject({ valid: false, line: forged.entries + 1, id: null });
    const noted = await verify(LEDGER, head, { noted: forged });
    expect(noted).toMatchObject({ valid: false, line: null, problem: expect.stringMatching(/^the noted head /) });
  });

  test('of another time does not stand for this one', async () => {
    expect(await verify(LEDGER, headOver(LEDGER, 5))).toMatchObject({ valid: false, line: 6, id: 6 });
    expect(await verify(LEDGER.slice(0, 5), head)).toMatchObject({ valid: false, line: 6, id: 6 });
  });

  test('is read as the route answers it, and as an export ends with it', () => {
    expect(headFrom(JSON.stringify(head, null, 2))).toEqual(head);
    expect(headFrom(headLine(head))).toEqual(head);
    for (const text of ['', '{}', 'null', '[]', '"x"', JSON.stringify({ ...head, entries: '6' })]) {
      expect(headFrom(text)).toBeNull();
    }
  });

  test('says with which key it was signed', () => {
    for (const text of [signer.publicKey, `${signer.publicKey}\n`, JSON.stringify(head), headLine(head)]) {
      expect(publicKeyFrom(text)?.id).toBe(signer.keyId);
    }
    expect(publicKeyFrom('signing.key')).toBeNull();
  });
});

describe('the report', () => {
  test('names line and entry, and says what is wrong', async () => {
    const trust = { publicKey, noted: null };
    const verdict = await verify([...LEDGER.slice(0, 2), ...LEDGER.slice(4)], headOver(LEDGER), trust);
    expect(report(verdict, trust)).toBe(
      'INVALID: line 3, entry 3: entries 3 to 4 are missing here, where entry 5 stands: removed, or moved elsewhere\n',
    );
  });

  test('says by what it was checked', async () => {
    const noted = headOver(LEDGER, 2);
    const verdict = await verify(LEDGER, headOver(LEDGER), { publicKey, noted });
    const said = report(verdict, { publicKey, noted });
    expect(said).toMatch(/^valid: 6 entries of colony "hive", 1 to 6\nhead: 6 entries, signed 2026-/);
    expect(said).toMatch(/\nnoted head: 2 entries, .*nothing up to it was altered\n/);
    expect(said).not.toMatch(/NOTE/);
    expect(report(verdict, { publicKey: null, noted })).toMatch(/the key is that of the noted head/);
  });
});
