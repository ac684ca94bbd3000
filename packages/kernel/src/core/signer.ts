/** The port behind which the colony's signing key is kept. Whoever has the public half can check what it signed. */
export interface Signer {
  /** Names the key: the first 16 hexadecimal digits of the SHA-256 of its public half. */
  readonly keyId: string;
  /** The public half: its 32 bytes (RFC 8032) in base64. */
  readonly publicKey: string;
  /** The Ed25519 signature over the text's UTF-8: 64 bytes in base64. */
  sign(text: string): string;
}
