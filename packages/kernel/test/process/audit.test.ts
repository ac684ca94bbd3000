/** `colonyos audit verify`, as people run it: a process of its own that knows nothing but files. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ephemeralSigner } from '../../src/signing/key-file.ts';
import { entriesOf, headOf, together } from '../exports.ts';
import { KernelProcess } from '../kernel-process.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/colonyos.js', import.meta.url));

let folder: string;
let text: string;

/** A kernel that is gone by the time anything is verified. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'colony-audit-'));
  const kernel = await KernelProcess.start({ COLONY_MEMORY_CONNECTION_STRING: join(folder, 'colony.db') });
  const get = async (path: string) => (await fetch(`${kernel.url}${path}`)).text();
  put('head.json', await get('/system/audit/head'));
  await fetch(`${kernel.url}/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"description":"x"}',
  });
  text = await get('/system/audit/export');
  put('ledger.ndjson', text);
  put('cut.ndjson', together(entriesOf(text).slice(0, 2), headOf(text)));
  put('key.txt', `${JSON.parse(headOf(text)).head.public_key}\n`);
  put('stranger.txt', ephemeralSigner().publicKey);
  await kernel.end('SIGTERM');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, content: string): void {
  writeFileSync(join(folder, name), content);
}

async function audit(args: readonly string[], input = ''): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [PROGRAM, 'audit', ...args], { cwd: folder, env: {} });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (said.out += piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (said.err += piece));
  child.stdin.on('error', () => undefined).end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...said };
}

test('an export with nothing wrong ends with 0, and says by what it was checked', async () => {
  const own = await audit(['verify', 'ledger.ndjson']);
  expect(own).toMatchObject({ code: 0, err: '' });
  expect(own.out).toMatch(/^consistent: 3 entries of colony "colony", 1 to 3\n(.*\n)+NOTE: the only key at hand/);
  const trusted = await audit(['verify', '-', '--public-key', 'key.txt', '--head', 'head.json'], text);
  expect(trusted).toMatchObject({ code: 0, err: '' });
  expect(trusted.out).toMatch(/^valid: 3 entries .*\nhead: 3 entries.*\nnoted head: 1 entries.*\n$/);
});

test('one that is not what it should be ends with 1, and says where', async () => {
  const cut = await audit(['verify', 'cut.ndjson']);
  expect(cut).toEqual({ code: 1, err: '', out: 'INVALID: line 3, entry 3: it is missing: the end was cut off\n' });
  const forged = await audit(['verify', 'ledger.ndjson', '--public-key', 'stranger.txt']);
  expect(forged).toMatchObject({
    code: 1,
    err: '',
    out: expect.stringMatching(/^INVALID: line 4: the signed head was/),
  });
});

test.each([
  [[], /^Usage: colonyos audit/],
  [['verify'], /missing required argument 'file'/],
  [['verify', 'ledger.ndjson', '--nonsense'], /unknown option/],
  [['verify', 'nowhere.ndjson'], /^colonyos audit verify: ENOENT.*nowhere\.ndjson.*\n$/],
  [['verify', '.'], /^colonyos audit verify: EISDIR.*\n$/],
  [
    ['verify', 'ledger.ndjson', '--public-key', 'nowhere'],
    /--public-key "nowhere" cannot be read \(ENOENT\); it must be .*base64/,
  ],
  [
    ['verify', 'ledger.ndjson', '--public-key', 'ledger.ndjson'],
    /--public-key "ledger.ndjson" is not allowed: it must hold/,
  ],
  [['verify', 'ledger.ndjson', '--head', 'key.txt'], /--head "key.txt" is not allowed: it must hold a head/],
])('what cannot be checked ends with 2: %j', async (args, reason) => {
  const { code, err } = await audit(args);
  expect(code).toBe(2);
  expect(err).toMatch(reason);
});
