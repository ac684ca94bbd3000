/** `examples/verify_ledger.py`: another language, written after docs/ledger.md, comes to the same. */
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { ephemeralSigner } from '../../src/signing/key-file.ts';
import { PublicKey } from '../../src/signing/public-key.ts';
import { temporaryPath } from '../../src/testing/temporary-path.ts';
import { deeds } from '../deeds.ts';
import { entriesOf, exportOf, headOf, somethingHappens, together } from '../exports.ts';
import { startColony } from './harness.ts';

const SCRIPT = fileURLToPath(new URL('../../../../examples/verify_ledger.py', import.meta.url));
const DOCUMENT = fileURLToPath(new URL('../../../../docs/ledger.md', import.meta.url));

function python(...args: string[]) {
  const { status, stdout, stderr } = spawnSync('python3', args, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

const isThere = python('--version').status === 0;

beforeEach(({ skip }) => skip(!isThere, 'python3 is not on the PATH'));

function file(name: string, content: string | Buffer): string {
  const path = temporaryPath(name);
  writeFileSync(path, content);
  return path;
}

function verify(content: string | Buffer, ...args: string[]) {
  return python(SCRIPT, file('ledger.ndjson', content), ...args);
}

test('its arithmetic passes the test vectors of RFC 8032', () => {
  expect(python(SCRIPT, '--self-test')).toMatchObject({ status: 0, stderr: '' });
});

test('the example of docs/ledger.md verifies', () => {
  const [, example] = /^```json\n([\s\S]*?)\n```$/m.exec(readFileSync(DOCUMENT, 'utf8'))!;
  const { public_key } = JSON.parse(headOf(example!)).head;
  expect(verify(`${example}\n`, '--public-key', public_key)).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^valid/),
  });
});

test('a real export verifies with each kind of key and with a noted head, and whatever is done to it is found', async () => {
  const colony = await startColony();
  const noted = file('head.json', (await colony.call('GET /system/audit/head')).text);
  await somethingHappens(colony);
  const text = await exportOf(colony);
  expect(verify(text)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^consistent: .*\nNOTE/) });
  for (const args of [
    ['--head', noted],
    ['--public-key', noted],
    ['--public-key', noted, '--head', noted],
  ]) {
    expect(verify(text, ...args)).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^valid/) });
  }
  expect(verify(text, '--public-key', ephemeralSigner().publicKey)).toMatchObject({ status: 1 });
  const cut = together(entriesOf(text).slice(0, 4), headOf(text));
  expect(verify(cut)).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/^INVALID: line 5: entries 1 to 4 are here/),
  });

  fc.assert(
    fc.property(deeds(text), ({ what, text: tampered, line }) => {
      const { status, stdout } = verify(tampered, '--public-key', noted);
      expect({ what, status }).toEqual({ what, status: 1 });
      // It does not look into which of two neighbours is to blame, and finds at the end that a beginning is missing.
      const named = Number(/line (\d+)/.exec(stdout)![1]);
      expect([line, line + 1, entriesOf(String(tampered)).length + 1], `${what}: ${stdout}`).toContain(named);
    }),
    { numRuns: 15 },
  );
});

test('a key is read from PEM as well, and only an Ed25519 one', async () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const [, example] = /^```json\n([\s\S]*?)\n```$/m.exec(readFileSync(DOCUMENT, 'utf8'))!;
  const spki = Buffer.from(JSON.parse(headOf(example!)).head.public_key, 'base64');
  const own = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), spki]).toString('base64');
  const ownPem = `-----BEGIN PUBLIC KEY-----\n${own}\n-----END PUBLIC KEY-----\n`;
  expect(PublicKey.fromPem(ownPem)).not.toBeNull();
  expect(verify(`${example}\n`, '--public-key', file('own.pem', ownPem))).toMatchObject({ status: 0 });
  expect(verify(`${example}\n`, '--public-key', file('other.pem', pem))).toMatchObject({ status: 1 });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'pem', type: 'spki' });
  expect(verify(`${example}\n`, '--public-key', file('rsa.pem', rsa.toString()))).toMatchObject({ status: 2 });
});

test('what cannot be checked ends with 2', () => {
  for (const args of [[], ['nowhere'], [DOCUMENT, '--head', DOCUMENT], [DOCUMENT, '--public-key', 'nowhere']]) {
    expect(python(SCRIPT, ...args)).toMatchObject({ status: 2, stdout: '' });
  }
});
