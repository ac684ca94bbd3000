import { expect, onTestFinished, test } from 'vitest';
import { signHead } from '../core/head.ts';
import { ephemeralSigner } from '../signing/key-file.ts';
import { SqliteStore } from '../store/sqlite/store.ts';
import { DAWN, Scribe } from '../testing/scribe.ts';
import { fill } from '../testing/store-conformance/ledger.ts';
import { exportLedger } from './export.ts';

const signer = ephemeralSigner();

/** An export of 2500 entries that is read a page at a time, and what retention does meanwhile. */
async function underWay() {
  const store = await SqliteStore.open({ path: ':memory:' });
  onTestFinished(() => store.close());
  const scribe = new Scribe(store);
  await fill(scribe, 2500, 100);
  const pages = exportLedger(store.ledger, (head) => signHead(signer, { system_id: 'hive', ...head }, DAWN));
  const removeUpTo = async (id: number) => {
    const before = { endedBefore: null, ledgerBefore: scribe.at + 1, idempotencyBefore: 0 };
    while ((await store.ledger.span()).first <= id) await store.prune(before, 1);
  };
  return { pages, removeUpTo, scribe };
}

async function idsOf(pages: AsyncGenerator<string>) {
  const lines = [];
  for await (const page of pages) lines.push(...page.trimEnd().split('\n'));
  return { head: JSON.parse(lines.pop()!).head, ids: lines.map((line) => JSON.parse(line).id) };
}

test('an export is of what there was when it began, whatever is added meanwhile', async () => {
  const { pages, scribe } = await underWay();
  const first = await pages.next();
  await fill(scribe, 10, 1);
  const { head, ids } = await idsOf(pages);
  expect(String(first.value).split('\n')).toHaveLength(1001);
  expect(ids).toEqual(Array.from({ length: 1500 }, (_, n) => n + 1001));
  expect(head).toMatchObject({ first_id: 1, entries: 2500 });
});

test('what retention removes behind the reader is in the export all the same', async () => {
  const { pages, removeUpTo } = await underWay();
  await pages.next();
  await removeUpTo(1000);
  expect((await idsOf(pages)).head).toMatchObject({ first_id: 1, entries: 2500 });
});

test('an export that retention overtakes breaks off instead of having a hole', async () => {
  const { pages, removeUpTo } = await underWay();
  await pages.next();
  await removeUpTo(1500);
  await expect(pages.next()).rejects.toThrow('ledger entry 1001 was removed while it was being exported');
});
