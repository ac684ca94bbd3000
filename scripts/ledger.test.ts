/** `docs/ledger.md` says what the kernel does, to the byte. */
import { createPrivateKey, hash, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readEntry, readHeadLine } from '../packages/kernel/src/audit/export-line.ts';
import { verifyExport } from '../packages/kernel/src/audit/verify.ts';
import { signHead } from '../packages/kernel/src/core/head.ts';
import { PublicKey } from '../packages/kernel/src/signing/public-key.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const document = readFileSync(`${root}/docs/ledger.md`, 'utf8');

function blocks(kind: string): string[] {
  return [...document.matchAll(/^```(\w*)\n([\s\S]*?)\n```$/gm)]
    .filter(([, of]) => of === kind)
    .map(([, , text]) => text!);
}

/** The secret half of TEST 1 in RFC 8032, 7.1, in the wrapping of PKCS#8. */
const SECRET = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const key = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${SECRET}`, 'hex'),
  format: 'der',
  type: 'pkcs8',
});
const publicKey = new PublicKey(key);

const [example] = blocks('json');
const lines = example!.split('\n');
const [entryText, headText] = blocks('text');
const head = readHeadLine(Buffer.from(lines.at(-1)!))!;

async function* asExported() {
  yield Buffer.from(`${example}\n`);
}

describe('docs/ledger.md', () => {
  test('has an example that verifies', async () => {
    expect(await verifyExport(asExported(), { publicKey, noted: head })).toMatchObject({ valid: true, held: 3, head });
  });

  test('shows what a hash is over', () => {
    const second = readEntry(Buffer.from(lines[1]!))!;
    expect(entryText).toBe(`colonyos.ledger.1\n${second.prevHash}\n${second.canonical}`);
    expect(hash('sha256', entryText!)).toBe(second.hash);
    expect(document).toContain(`It is \`${second.hash}\``);
  });

  test('shows what a signature is over', () => {
    const signature = sign(null, Buffer.from(headText!), key).toString('base64');
    const signer = { keyId: publicKey.id, publicKey: publicKey.base64, sign: () => signature };
    expect(signHead(signer, head, Date.parse(head.timestamp))).toEqual(head);
    expect(publicKey.verify(headText!, head.signature)).toBe(true);
    expect(document).toContain(`The signature is \`${signature}\``);
  });

  test('gives an expression that takes lines apart', () => {
    const expression = new RegExp(blocks('').find((text) => text.startsWith('^'))!, 's');
    for (const line of lines.slice(0, -1)) {
      const [, id, , , , , , prevHash, ownHash] = expression.exec(line)!;
      expect(readEntry(Buffer.from(line))).toMatchObject({ id: Number(id), prevHash, hash: ownHash });
    }
    expect(expression.test(lines.at(-1)!)).toBe(false);
  });

  test('lists the members of a head, in their order', () => {
    const listed = [...document.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(listed).toEqual(Object.keys(head));
  });
});
