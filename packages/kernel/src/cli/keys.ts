import { readFileSync } from 'node:fs';
import type { PublicKey } from '../signing/public-key.ts';

const KEY = "an Ed25519 public key: 32 bytes in base64, PEM (openssl pkey -pubout), or a head's JSON";

/** What `--public-key` says. The text of a key cannot be mistaken for the name of a file that is there. */
export async function keyFrom(given: string): Promise<PublicKey> {
  const { publicKeyFrom } = await import('../audit/trust.ts');
  return publicKeyFrom(given) ?? read('--public-key', given, publicKeyFrom, KEY);
}

/** What an option's file holds. Throws an Error with a sentence when that is not what is wanted. */
export function read<T>(option: string, file: string, parse: (text: string) => T | null, wanted: string): T {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (fault) {
    throw new Error(
      `${option} ${JSON.stringify(file)} cannot be read (${(fault as NodeJS.ErrnoException).code}); it must be ${wanted}`,
    );
  }
  const value = parse(text);
  if (value === null) throw new Error(`${option} ${JSON.stringify(file)} is not allowed: it must hold ${wanted}`);
  return value;
}
