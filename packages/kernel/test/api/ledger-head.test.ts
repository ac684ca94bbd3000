/** invariant 11: a signed head shows offline what became of the ledger. */
import { describe, expect, test } from 'vitest';
import { GENESIS } from '../../src/core/chain.ts';
import { headText } from '../../src/core/head.ts';
import { PublicKey } from '../../src/signing/public-key.ts';
import { temporaryPath } from '../../src/testing/temporary-path.ts';
import { entriesOf, exportOf, hashOf, headOf, prevHashOf, somethingHappens, together, verify } from '../exports.ts';
import { type Harness, startColony } from './harness.ts';

async function headNow({ call }: Harness) {
  const { status, json } = await call('GET /system/audit/head');
  expect(status).toBe(200);
  return json;
}

/** Removes all but at least `leave` entries, as retention does. */
async function retain({ kernel, call }: Harness, leave: number): Promise<void> {
  const { entries } = (await call('GET /system/audit/head')).json;
  const before = { endedBefore: null, ledgerBefore: Date.now() + 1000, idempotencyBefore: 0 };
  for (;;) {
    const { first } = await kernel.store.ledger.span();
    if (entries - first + 1 <= leave || (await kernel.store.prune(before, 1)) === 0) return;
  }
}

describe('GET /system/audit/head', () => {
  test('is what the ledger has come to, signed for this colony', async () => {
    const colony = await startColony({ COLONY_SYSTEM_ID: 'hive' });
    await colony.call('POST /tasks', { description: 'x' });
    const head = await headNow(colony);
    expect(head).toEqual({
      system_id: 'hive',
      first_id: 1,
      entries: 3,
      hash: (await colony.call('GET /system/audit/verify')).json.head,
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      key_id: expect.stringMatching(/^[0-9a-f]{16}$/),
      public_key: expect.stringMatching(/^[\w+/]{43}=$/),
      signature: expect.stringMatching(/^[\w+/]{86}==$/),
    });
    const text = `colonyos.head.1\nhive\n1\n3\n${head.hash}\n${head.timestamp}\n${head.key_id}`;
    expect(headText(head, head.key_id)).toBe(text);
    expect(PublicKey.fromBase64(head.public_key)!.verify(text, head.signature)).toBe(true);
  });

  test('goes on with the ledger, under the same key', async () => {
    const colony = await startColony();
    const before = await headNow(colony);
    await somethingHappens(colony);
    const after = await headNow(colony);
    expect(after.entries).toBeGreaterThan(before.entries);
    expect(after.public_key).toBe(before.public_key);
    expect(await verify(await exportOf(colony), { noted: before })).toMatchObject({ valid: true });
  });

  test('is signed with the key that is in the file', async () => {
    const env = { COLONY_SIGNING_KEY_FILE: temporaryPath('signing.key') };
    const [one, two, other] = [await startColony(env), await startColony(env), await startColony()];
    const keyOf = async (colony: Harness) => (await headNow(colony)).key_id;
    expect(await keyOf(two)).toBe(await keyOf(one));
    if (one.config.redisUrl === null) expect(await keyOf(other)).not.toBe(await keyOf(one));
  });
});

describe('GET /system/audit/export', () => {
  test('ends with the head of exactly what was exported', async () => {
    const colony = await startColony();
    await somethingHappens(colony);
    const text = await exportOf(colony);
    const { head } = JSON.parse(headOf(text));
    expect(head).toMatchObject({ first_id: 1, entries: entriesOf(text).length, hash: hashOf(entriesOf(text).at(-1)!) });
    expect(await verify(text)).toMatchObject({ valid: true, head });
  });

  test.each([4, 1])('is whole also when retention has left no more than about %i entries', async (leave) => {
    const colony = await startColony();
    await somethingHappens(colony);
    const noted = await headNow(colony);
    await retain(colony, leave);
    await colony.call('POST /tasks', { description: 'x' });
    const text = await exportOf(colony);
    const { head } = JSON.parse(headOf(text));
    expect(head.first_id).toBeGreaterThan(1);
    expect(prevHashOf(entriesOf(text)[0]!)).not.toBe(GENESIS);
    expect(await verify(text, { noted })).toMatchObject({ valid: true, held: head.entries - head.first_id + 1 });

    const further = together(entriesOf(text).slice(1), headOf(text));
    expect(await verify(further)).toMatchObject({ valid: false, line: 1, id: head.first_id });
  });

  test('keeps the newest entries, so a head alone is a ledger that was emptied', async () => {
    const colony = await startColony();
    await somethingHappens(colony);
    await retain(colony, 0);
    const text = await exportOf(colony);
    expect(await verify(text)).toMatchObject({ valid: true });
    const { first_id } = JSON.parse(headOf(text)).head;
    expect(await verify(together([], headOf(text)))).toMatchObject({ valid: false, line: 1, id: first_id });
  });

  test('of a ledger of more than one page is one chain', async () => {
    const colony = await startColony();
    for (let n = 0; n < 1200; n += 300)
      await colony.call('POST /tasks/batch', { tasks: Array(300).fill({ description: 'x' }) });
    expect(await verify(await exportOf(colony))).toMatchObject({ valid: true, held: 2401 });
  });
});
