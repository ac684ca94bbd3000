import { timestamp } from './clock.ts';
import type { Signer } from './signer.ts';

/**
 * A head of the ledger: how many entries there have been and the hash of the newest, signed. The hash stands for all
 * entries up to it, so whoever keeps a head can tell later whether one of them was altered or the end was cut off.
 *
 *   signature = Ed25519( "colonyos.head.1" LF system_id LF first_id LF entries LF hash LF timestamp LF key_id )
 *
 * Numbers are decimal, hashes and key id lower-case hexadecimal, and nothing follows the key id. The "1" is the version
 * of this form. This is also how a head is written as JSON; docs/ledger.md tells the whole.
 */
export interface SignedHead extends Head {
  /** 64 bytes in base64. */
  readonly signature: string;
  readonly key_id: string;
  /** 32 bytes in base64. */
  readonly public_key: string;
}

/** What is signed, beside the key's name. */
export interface Head {
  /** The colony's name. */
  readonly system_id: string;
  /** The oldest entry that was kept; what stood before it, retention had removed. */
  readonly first_id: number;
  /** How many entries the ledger has had: the number of the newest. */
  readonly entries: number;
  /** The hash of the newest entry. */
  readonly hash: string;
  /** When it was signed. */
  readonly timestamp: string;
}

const VERSION = 'colonyos.head.1';

/** The text that is signed. */
export function headText(head: Head, keyId: string): string {
  const { system_id, first_id, entries, hash, timestamp } = head;
  return [VERSION, system_id, first_id, entries, hash, timestamp, keyId].join('\n');
}

/** @param at wall time */
export function signHead(signer: Signer, head: Omit<Head, 'timestamp'>, at: number): SignedHead {
  const { system_id, first_id, entries, hash } = head;
  const stated = { system_id, first_id, entries, hash, timestamp: timestamp(at) };
  const { keyId, publicKey } = signer;
  return { ...stated, key_id: keyId, public_key: publicKey, signature: signer.sign(headText(stated, keyId)) };
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** A head out of JSON, its form checked and nothing else; null: it is none. Other members are left out. */
export function readHead(value: unknown): SignedHead | null {
  if (value === null || typeof value !== 'object') return null;
  const { system_id, first_id, entries, hash, timestamp, key_id, public_key, signature } = value as Record<
    string,
    unknown
  >;
  const isHead =
    isText(system_id, /^[\w.-]{1,64}$/) &&
    isCount(first_id) &&
    isCount(entries) &&
    isText(hash, /^[0-9a-f]{64}$/) &&
    isText(timestamp, /^[\d:.TZ+-]{1,40}$/) &&
    isText(key_id, /^[0-9a-f]{16}$/) &&
    isText(public_key, BASE64) &&
    isText(signature, BASE64);
  return isHead ? { system_id, first_id, entries, hash, timestamp, key_id, public_key, signature } : null;
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
