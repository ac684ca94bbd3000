/** invariant 11, offline: whatever is done to an export, the first entry that is not what was written is named. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PublicKey } from '../../src/signing/public-key.ts';
import { deeds } from '../deeds.ts';
import { entriesOf, exportOf, somethingHappens, verify } from '../exports.ts';
import { startColony } from './harness.ts';

test('invariant 11: whatever is done to an export, the first bad entry is named; nothing done, nothing found', async () => {
  const colony = await startColony();
  await somethingHappens(colony);
  const text = await exportOf(colony);
  const n = entriesOf(text).length;
  expect(n).toBeGreaterThanOrEqual(9);
  expect(text).toMatch(/"elapsed_seconds":/);
  const { json: noted } = await colony.call('GET /system/audit/head');
  const publicKey = PublicKey.fromBase64(noted.public_key)!;

  const trusts = fc.constantFrom({}, { publicKey }, { noted }, { publicKey, noted });
  const bytes = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constant(65_536));
  await fc.assert(
    fc.asyncProperty(trusts, bytes, async (trust, size) => {
      expect(await verify(text, trust, size)).toMatchObject({ valid: true, held: n });
      expect(await verify(text.trimEnd(), trust, size)).toMatchObject({ valid: true, held: n });
    }),
    { numRuns: 20 },
  );
  await fc.assert(
    fc.asyncProperty(deeds(text), trusts, bytes, async ({ what, text: tampered, line, id }, trust, size) => {
      const verdict = await verify(tampered, trust, size);
      expect(verdict, what).toMatchObject({ valid: false });
      if (verdict.valid || ('noted' in trust && verdict.id === noted.entries)) return;
      expect({ what, ...verdict }).toMatchObject({ line, ...(id !== undefined && { id }) });
    }),
    { numRuns: 600 },
  );
});
