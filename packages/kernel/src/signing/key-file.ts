import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Signer } from '../core/signer.ts';
import { PublicKey } from './public-key.ts';

/** Somebody beside the owner may read, write or run it; for a file of root's its group may read it, as a secret is mounted. */
const OTHERS = 0o077;
const OTHERS_OF_ROOTS = 0o037;

/**
 * The key in this file, which is made if there is none. Of several kernels that find none at the same moment one makes it,
 * and all use that. Throws an Error whose message goes on after the file's name.
 */
export function signerFromFile(path: string): Signer {
  const key = readKey(path) ?? makeKey(path);
  return signerOf(key);
}

/** A key that is gone with the process, for a colony that is, too. */
export function ephemeralSigner(): Signer {
  return signerOf(generateKeyPairSync('ed25519').privateKey);
}

function signerOf(key: KeyObject): Signer {
  const { id, base64 } = new PublicKey(key);
  return { keyId: id, publicKey: base64, sign: (text) => sign(null, Buffer.from(text), key).toString('base64') };
}

/** Null: there is no such file. */
function readKey(path: string): KeyObject | null {
  const pem = readPrivately(path);
  if (pem === null) return null;
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new Error('holds no private key: it must be an Ed25519 key in PEM (PKCS#8), without a passphrase');
  }
  const type = key.asymmetricKeyType;
  if (type !== 'ed25519') throw new Error(`holds a key of another kind (${type}): it must be an Ed25519 key`);
  return key;
}

/** What is in a file that is its owner's alone; the file that is looked at is the one that is read. */
function readPrivately(path: string): string | null {
  try {
    const file = openSync(path, 'r');
    try {
      const { mode, uid } = fstatSync(file);
      const isRoots = uid === 0 && process.getuid?.() !== 0;
      if ((mode & (isRoots ? OTHERS_OF_ROOTS : OTHERS)) !== 0) {
        throw new Error(`can be used by others (mode ${(mode & 0o777).toString(8)}): chmod 600 it`);
      }
      return readFileSync(file, 'utf8');
    } finally {
      closeSync(file);
    }
  } catch (fault) {
    const { code, message } = fault as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw code === undefined ? fault : new Error(`cannot be read: ${message}`);
  }
}

/**
 * Written under another name first and then linked, which fails where somebody was faster: whoever finds the file finds
 * a whole key in it, also after a crash.
 */
function makeKey(path: string): KeyObject {
  const draft = `${path}.${randomUUID()}`;
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(draft, pem, { flag: 'wx', mode: 0o600, flush: true });
    linkSync(draft, path);
    syncFolder(dirname(path));
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new Error(`cannot be made: ${(fault as Error).message}`);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  const key = readKey(path);
  if (key === null) throw new Error('was made, and is gone: what removes it?');
  return key;
}

/** A name in a folder is on disk only when the folder is. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
