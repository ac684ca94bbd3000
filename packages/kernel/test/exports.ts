/** Exports of ledgers, and what somebody who wants to deceive makes of them. */

import { readEntry } from '../src/audit/export-line.ts';
import { type Trust, verifyExport } from '../src/audit/verify.ts';
import { chainHash } from '../src/core/chain.ts';
import type { Harness } from './api/harness.ts';

/** All that JSON writes in a way of its own, and what readers of lines like to break at. */
export const ODD = 'Blüm "chen" \\ / \u0001 \u007f \u0085 \u2028\u2029 \ufeff 👑 <&> é e\u0301';

/** A few tasks: validated, submitted, assigned, completed after some milliseconds, and failed for an odd reason. */
export async function somethingHappens({ call }: Harness): Promise<void> {
  const { id } = (await call('POST /workers', { name: ODD })).json;
  for (const outcome of ['complete', 'fail'] as const) {
    await call('POST /tasks', { description: ODD, created_by: ODD, max_retries: 0 });
    const [task] = (await call(`POST /workers/${id}/claim`)).json.tasks;
    const body = { lease_token: task.lease.token, result: ODD, error: `${ODD} \u0000 \ud800` };
    await call(`POST /tasks/${task.id}/${outcome}`, body);
  }
}

export async function exportOf({ call }: Harness): Promise<string> {
  return (await call('GET /system/audit/export')).text;
}

/** Without the head, and without line feeds. */
export function entriesOf(text: string): string[] {
  return text.trimEnd().split('\n').slice(0, -1);
}

export function headOf(text: string): string {
  return text.trimEnd().split('\n').at(-1)!;
}

export function together(entries: readonly string[], head: string): string {
  return [...entries, head].map((line) => `${line}\n`).join('');
}

const NOBODY: Trust = { publicKey: null, noted: null };

/** Has it verified in pieces of that many bytes. */
export async function verify(text: string | Buffer, trust: Partial<Trust> = {}, bytes = 65_536) {
  return verifyExport(pieces(Buffer.from(text as string), bytes), { ...NOBODY, ...trust });
}

async function* pieces(text: Buffer, bytes: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < text.length; from += bytes) yield text.subarray(from, from + bytes);
}

/** The line as it would be if it had been written like this, behind an entry with that hash. */
export function rechained(line: string, prevHash: string): string {
  const at = line.lastIndexOf(',"prev_hash":');
  const open = `${line.slice(0, at)},"prev_hash":"${prevHash}","hash":"`;
  const { canonical } = readEntry(Buffer.from(`${open}${'0'.repeat(64)}"}`))!;
  return `${open}${chainHash(prevHash, canonical)}"}`;
}

export function prevHashOf(line: string): string {
  return readEntry(Buffer.from(line))!.prevHash;
}

export function hashOf(line: string): string {
  return readEntry(Buffer.from(line))!.hash;
}
