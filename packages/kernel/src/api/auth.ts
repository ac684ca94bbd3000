import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Who makes a request. */
export interface Principal {
  /** What `created_by` and the ledger's `actor` say. */
  readonly name: string;
}

export const ANONYMOUS: Principal = { name: 'anonymous' };
const ROOT: Principal = { name: 'root' };

/** The subprotocol that the kernel speaks, and how a browser's WebSocket hands over a token beside it. */
export const SUBPROTOCOL = 'colony.v1';
const TOKEN_SUBPROTOCOL = 'colony.token.';

/** Tells who a request comes from: null means it did not prove to be anybody. */
export type Authenticator = (headers: IncomingHttpHeaders, upgrade: boolean) => Principal | null;

/** Without a secret token everybody is `anonymous`. */
export function authenticator(secretToken: string | null): Authenticator {
  if (secretToken === null) return () => ANONYMOUS;
  const expected = digest(secretToken);
  return (headers, upgrade) => {
    const token = bearerToken(headers.authorization) ?? (upgrade ? subprotocolToken(headers) : null);
    // Digests have equal lengths, so that comparing takes the same time whatever was sent.
    return token !== null && timingSafeEqual(digest(token), expected) ? ROOT : null;
  };
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

export function bearerToken(authorization: string | undefined): string | null {
  return authorization === undefined ? null : (/^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1] ?? null);
}

/** A browser cannot set headers on a WebSocket; it can offer subprotocols. */
export function subprotocolToken(headers: IncomingHttpHeaders): string | null {
  for (const offered of offeredProtocols(headers)) {
    if (!offered.startsWith(TOKEN_SUBPROTOCOL)) continue;
    return Buffer.from(offered.slice(TOKEN_SUBPROTOCOL.length), 'base64url').toString('utf8');
  }
  return null;
}

export function offeredProtocols(headers: IncomingHttpHeaders): readonly string[] {
  return headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim()) ?? [];
}
