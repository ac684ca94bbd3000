import { spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, verify } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { temporaryPath } from '../testing/temporary-path.ts';
import { ephemeralSigner, signerFromFile } from './key-file.ts';
import { PublicKey } from './public-key.ts';

afterEach(() => vi.restoreAllMocks());

function keyFile(pem: string, mode = 0o600): string {
  const path = temporaryPath('signing.key');
  writeFileSync(path, pem);
  chmodSync(path, mode);
  return path;
}

function pemOf({ privateKey }: ReturnType<typeof generateKeyPairSync>): string {
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

const ed25519 = () => pemOf(generateKeyPairSync('ed25519'));

describe('where there is no key', () => {
  test('one is made, for its owner’s eyes, in the form that other programs read', () => {
    const path = `${dirname(temporaryPath('x'))}/deep/down/signing.key`;
    const signer = signerFromFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    expect(readdirSync(dirname(path))).toEqual(['signing.key']);
    const pem = readFileSync(path, 'utf8');
    expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    const signature = Buffer.from(signer.sign('text'), 'base64');
    expect(verify(null, Buffer.from('text'), createPrivateKey(pem), signature)).toBe(true);
  });

  test('it stays: the same key is found again', () => {
    const path = temporaryPath('signing.key');
    expect(signerFromFile(path).publicKey).toBe(signerFromFile(path).publicKey);
  });

  test('and several kernels look for it at once, all end with the same', async () => {
    const path = temporaryPath('signing.key');
    const module = fileURLToPath(new URL('key-file.ts', import.meta.url));
    // Each says that it is ready, and looks once it is told to, so that they do at the same moment.
    const code = `const { signerFromFile } = await import(${JSON.stringify(module)});
      process.stdout.write('ready\\n');
      await new Promise((resolve) => process.stdin.once('data', resolve));
      process.stdout.write(signerFromFile(${JSON.stringify(path)}).keyId);
      process.exit();`;
    const kernels = Array.from({ length: 6 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      return { child, said: () => said, end: new Promise((resolve) => child.on('close', resolve)) };
    });
    await expect.poll(() => kernels.every(({ said }) => said() === 'ready\n'), { timeout: 15_000 }).toBe(true);
    for (const { child } of kernels) child.stdin.write('go\n');
    await Promise.all(kernels.map(({ end }) => end));
    const found = new Set(kernels.map(({ said }) => said().split('\n')[1]));
    expect(found).toEqual(new Set([signerFromFile(path).keyId]));
    expect(readdirSync(dirname(path))).toEqual(['signing.key']);
  });

  test('and none can be made, that is said', () => {
    const file = keyFile('x');
    expect(() => signerFromFile(`${file}/signing.key`)).toThrow(/^cannot be (read|made): ENOTDIR/);
  });
});

describe('a key file is refused', () => {
  test.each([0o644, 0o640, 0o604, 0o660, 0o606, 0o611])('when others may use it (mode %o)', (mode) => {
    const refusal = new RegExp(`^can be used by others \\(mode ${mode.toString(8)}\\): chmod 600 it$`);
    expect(() => signerFromFile(keyFile(ed25519(), mode))).toThrow(refusal);
  });

  test.each([0o600, 0o400])('but not when its owner alone may (mode %o)', (mode) => {
    expect(signerFromFile(keyFile(ed25519(), mode)).keyId).toMatch(/^[0-9a-f]{16}$/);
  });

  test.runIf(process.getuid?.() === 0)(
    'nor when it is root’s and the group of a kernel without rights may read it',
    () => {
      // As a secret is mounted. Only root can make a file of root's.
      vi.spyOn(process, 'getuid').mockReturnValue(1000);
      expect(signerFromFile(keyFile(ed25519(), 0o440)).keyId).toMatch(/^[0-9a-f]{16}$/);
      expect(() => signerFromFile(keyFile(ed25519(), 0o660))).toThrow(/chmod 600/);
      expect(() => signerFromFile(keyFile(ed25519(), 0o444))).toThrow(/chmod 600/);
    },
  );

  test.each([
    ['nothing', ''],
    ['gibberish', 'gibberish\n'],
    ['a key that was cut', ed25519().slice(0, 60)],
    ['a public key', generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }).toString()],
    [
      'a key with a passphrase',
      generateKeyPairSync('ed25519')
        .privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' })
        .toString(),
    ],
  ])('when it holds %s', (_, text) => {
    expect(() => signerFromFile(keyFile(text))).toThrow(/^holds no private key: it must be an Ed25519 key in PEM/);
  });

  test('when it holds an RSA key', () => {
    const path = keyFile(pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 })));
    expect(() => signerFromFile(path)).toThrow(/^holds a key of another kind \(rsa\): it must be an Ed25519 key$/);
  });

  test('when it is a folder', () => {
    const path = temporaryPath('signing.key');
    mkdirSync(path, { mode: 0o700 });
    expect(() => signerFromFile(path)).toThrow(/^cannot be read: EISDIR/);
  });

  test('and left as it is', () => {
    const path = keyFile('gibberish');
    expect(() => signerFromFile(path)).toThrow();
    expect(readFileSync(path, 'utf8')).toBe('gibberish');
    expect(readdirSync(dirname(path))).toEqual(['signing.key']);
  });
});

test('a key in memory is another one each time', () => {
  expect(ephemeralSigner().publicKey).not.toBe(ephemeralSigner().publicKey);
  expect(existsSync('.colony/signing.key')).toBe(false);
});

describe('a public key', () => {
  const signer = ephemeralSigner();
  const key = PublicKey.fromBase64(signer.publicKey)!;

  test('checks what its private half has signed', () => {
    expect(key).toMatchObject({ id: signer.keyId, base64: signer.publicKey });
    expect(key.verify('blüm', signer.sign('blüm'))).toBe(true);
    expect(key.verify('blum', signer.sign('blüm'))).toBe(false);
    expect(key.verify('blüm', ephemeralSigner().sign('blüm'))).toBe(false);
  });

  test('takes a signature in one way of writing only', () => {
    const signature = signer.sign('x');
    // The last character before the padding has four bits that mean nothing.
    const other = `${signature.slice(0, 85)}${signature[85] === 'A' ? 'B' : String.fromCharCode(signature.charCodeAt(85) + 1)}==`;
    for (const written of [other, signature.replace('==', ''), ` ${signature}`, '', 'AA==']) {
      expect(key.verify('x', written)).toBe(false);
    }
  });

  test.each(['', 'AAAA', `${'A'.repeat(44)}`, '!'])('is not %j', (text) => {
    expect(PublicKey.fromBase64(text)).toBeNull();
    expect(PublicKey.fromPem(text)).toBeNull();
  });

  test('is read from PEM, when it is an Ed25519 one', () => {
    const pem = (pair: { publicKey: ReturnType<typeof createPrivateKey> }) =>
      pair.publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const pair = generateKeyPairSync('ed25519');
    expect(PublicKey.fromPem(pem(pair))?.base64).toBe(new PublicKey(pair.publicKey).base64);
    expect(PublicKey.fromPem(pem(generateKeyPairSync('rsa', { modulusLength: 2048 })))).toBeNull();
    expect(PublicKey.fromPem(pem(generateKeyPairSync('ec', { namedCurve: 'P-256' })))).toBeNull();
    expect(PublicKey.fromPem(ed25519())).toBeNull();
  });
});
