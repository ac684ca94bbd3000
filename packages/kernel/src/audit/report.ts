import type { SignedHead } from '../core/head.ts';
import type { Finding } from './chain-check.ts';
import type { Proven, Trust } from './verify.ts';

/** What was found out, in lines for people. */
export function report(verdict: Proven | Finding, trust: Trust): string {
  return `${(verdict.valid ? proven(verdict, trust) : found(verdict)).join('\n')}\n`;
}

function found({ line, id, problem }: Finding): string[] {
  const where = [line === null ? [] : `line ${line}`, id === null ? [] : `entry ${id}`].flat().join(', ');
  return [where === '' ? `INVALID: ${problem}` : `INVALID: ${where}: ${problem}`];
}

function proven({ held, head }: Proven, { publicKey, noted }: Trust): string[] {
  const { system_id, first_id, entries, hash } = head;
  const isOwn = publicKey === null && noted === null;
  const lines = [
    `${isOwn ? 'consistent' : 'valid'}: ${held} entries of colony ${JSON.stringify(system_id)}${held === 0 ? '' : `, ${first_id} to ${entries}`}`,
    `head: ${statement(head)}, hash ${hash}`,
  ];
  if (first_id > 1) {
    lines.push(`begins with entry ${first_id}: by then the kernel had removed what stood before it (retention)`);
  }
  if (noted !== null)
    lines.push(`noted head: ${statement(noted)}: it is on this chain, so nothing up to it was altered`);
  if (publicKey === null && noted !== null) lines.push('the key is that of the noted head');
  if (isOwn) {
    lines.push(
      'NOTE: the only key at hand was the one in the export itself. The export agrees with itself, and that is all this',
      'shows: whoever wrote it could have signed it with a key of their own. Give --public-key or --head to know more.',
    );
  }
  return lines;
}

function statement({ entries, timestamp, key_id }: SignedHead): string {
  return `${entries} entries, signed ${timestamp} with key ${key_id}`;
}
