import { readHead, type SignedHead } from '../core/head.ts';
import { PublicKey } from '../signing/public-key.ts';

/** A public key out of text: base64, PEM, or a head in JSON, which names its key. Null: it is none of these. */
export function publicKeyFrom(text: string): PublicKey | null {
  const key = PublicKey.fromBase64(text.trim()) ?? PublicKey.fromPem(text);
  if (key !== null) return key;
  const head = headFrom(text);
  return head && PublicKey.fromBase64(head.public_key);
}

/** A head out of JSON, as `GET /system/audit/head` answers it or as the last line of an export has it. Null: it is none. */
export function headFrom(text: string): SignedHead | null {
  try {
    const value = JSON.parse(text) as { head?: unknown } | null;
    return readHead(value) ?? readHead(value?.head);
  } catch {
    return null;
  }
}
