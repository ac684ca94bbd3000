import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';

const RAW_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** The public half of a signing key: checks signatures. */
export class PublicKey {
  /** Its 32 bytes in base64. */
  readonly base64: string;
  /** The first 16 hexadecimal digits of their SHA-256. */
  readonly id: string;
  readonly #key: KeyObject;

  /** @param key an Ed25519 key; of a private one, the public half */
  constructor(key: KeyObject) {
    const raw = Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url');
    this.base64 = raw.toString('base64');
    this.id = hash('sha256', raw, 'hex').slice(0, 16);
    this.#key = key;
  }

  /** Its 32 bytes in base64, as a head has them; null: that is no key. */
  static fromBase64(text: string): PublicKey | null {
    const raw = bytes(text, RAW_BYTES);
    if (raw === null) return null;
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') };
    return new PublicKey(createPublicKey({ key: jwk, format: 'jwk' }));
  }

  /** A PEM block, as `openssl pkey -pubout` writes it; null: that holds no public Ed25519 key. */
  static fromPem(text: string): PublicKey | null {
    if (!text.includes('-----BEGIN PUBLIC KEY-----')) return null;
    try {
      const key = createPublicKey(text);
      return key.asymmetricKeyType === 'ed25519' ? new PublicKey(key) : null;
    } catch {
      return null;
    }
  }

  /** @param signature 64 bytes in base64 */
  verify(text: string, signature: string): boolean {
    const raw = bytes(signature, SIGNATURE_BYTES);
    return raw !== null && verify(null, Buffer.from(text), this.#key, raw);
  }
}

/** What base64 stands for, if it is that many bytes, and written in the one proper way: a reader skips what it cannot read. */
function bytes(base64: string, count: number): Buffer | null {
  const raw = Buffer.from(base64, 'base64');
  return raw.length === count && raw.toString('base64') === base64 ? raw : null;
}
