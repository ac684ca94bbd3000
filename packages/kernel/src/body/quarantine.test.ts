/** Workers that fail far more than the colony does. */
import { expect, test } from 'vitest';
import { Hive } from '../testing/hive.ts';

const FIRST_MS = 300_000;

/** `bad` fails at everything it is given, `good` at nothing, until something else is the case. */
async function scene() {
  const hive = await Hive.begin();
  await hive.hire('bad', 2);
  await hive.hire('good');
  let made = 0;
  const attempt = async (workerId: string, fails: boolean) => {
    await hive.submit(`t${++made}`);
    const taken = await hive.take(workerId);
    await (fails ? hive.fail(taken, false) : hive.complete(taken));
  };
  const release = () => hive.do({ kind: 'release_worker', actor: 'ann', workerId: 'bad' });
  const tryAgain = () => hive.do({ kind: 'try_worker', actor: 'kernel', workerId: 'bad' });
  const due = async () => {
    const { documents } = await hive.pipeline.store.due(hive.pipeline.clock.now(), 9);
    return documents.map(({ collection, id }) => `${collection} ${id}`);
  };
  /** Until it is kept out. */
  const fail = async () => {
    for (let n = 0; n < 20; n++) await attempt('good', false);
    for (let n = 0; n < 20; n++) await attempt('bad', true);
  };
  return { hive, attempt, release, tryAgain, due, fail };
}

test('a worker that fails far more than the colony is given nothing, and its ledger says why', async () => {
  const { hive, attempt, fail } = await scene();
  await fail();
  expect(await hive.worker('bad')).toMatchObject({ quarantine: { onTrial: false, times: 1 } });
  const [entry] = (await hive.ledger()).slice(-1);
  expect(entry).toMatchObject({ type: 'worker_quarantined', source: 'neurasphere', workerId: 'bad' });
  expect(JSON.parse(entry!.data)).toMatchObject({ failure_rate: 1, reason: 'drift' });
  await hive.submit('left');
  expect(await hive.claim('bad')).toEqual([]);
  await attempt('good', false);
});

test('where everybody fails alike nobody is kept out', async () => {
  const { hive, attempt } = await scene();
  for (let n = 0; n < 25; n++) for (const worker of ['bad', 'good']) await attempt(worker, true);
  expect((await hive.worker('bad'))!.quarantine).toBeNull();
});

test('after a while it gets one task at a time on trial; completing it makes all good', async () => {
  const { hive, fail, tryAgain, due } = await scene();
  await fail();
  const { clock } = hive.pipeline;
  await tryAgain();
  expect((await hive.worker('bad'))!.quarantine).toMatchObject({ onTrial: false });
  await clock.advance(FIRST_MS);
  expect(await due()).toEqual(['quarantine bad']);
  await tryAgain();
  expect(await due()).toEqual([]);
  await hive.submit('one');
  await hive.submit('two');
  const taken = await hive.claim('bad', 2);
  expect(taken).toHaveLength(1);
  expect(await hive.claim('bad', 1)).toEqual([]);
  await hive.complete(taken[0]!);
  expect(await hive.worker('bad')).toMatchObject({ quarantine: null, recent: '' });
  expect(await hive.claim('bad', 2)).toHaveLength(1);
});

test('failing on trial keeps it out for twice as long', async () => {
  const { hive, fail, tryAgain, attempt, due } = await scene();
  await fail();
  const { clock } = hive.pipeline;
  await clock.advance(FIRST_MS);
  await tryAgain();
  await attempt('bad', true);
  const { wall } = clock.now();
  expect((await hive.worker('bad'))!.quarantine).toEqual({ until: wall + 2 * FIRST_MS, onTrial: false, times: 2 });
  await clock.advance(2 * FIRST_MS - 1);
  expect(await due()).toEqual([]);
  await clock.advance(1);
  expect(await due()).toEqual(['quarantine bad']);
});

test('somebody may let it out at once, and nothing of it is waited for any more', async () => {
  const { hive, fail, release, due } = await scene();
  await fail();
  await release();
  expect(await hive.worker('bad')).toMatchObject({ quarantine: null, recent: '' });
  await hive.pipeline.clock.advance(FIRST_MS);
  expect(await due()).toEqual([]);
  const { last } = await hive.pipeline.store.ledger.span();
  await release();
  expect((await hive.pipeline.store.ledger.span()).last).toBe(last);
});

test('what one that has left was waited for is forgotten when its time comes', async () => {
  const { hive, fail, due } = await scene();
  await fail();
  await hive.do({ kind: 'unregister', actor: 'ann', workerId: 'bad', reason: 'unregistered' });
  await hive.pipeline.clock.advance(FIRST_MS);
  expect(await due()).toEqual(['quarantine bad']);
  expect(await hive.do({ kind: 'try_worker', actor: 'kernel', workerId: 'bad' })).toEqual({ worker: null });
  expect(await due()).toEqual([]);
});
