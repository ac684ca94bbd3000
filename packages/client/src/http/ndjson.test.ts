import { expect, test } from 'vitest';
import { jsonLines } from './ndjson.ts';

async function* pieces(...texts: string[]) {
  yield* texts;
}

test('lines are put together from pieces that end anywhere', async () => {
  const values = await Array.fromAsync(jsonLines(pieces('{"id"', ':1}\n{"id":2}', '\n\n', '{"id":3}')));
  expect(values).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
});
