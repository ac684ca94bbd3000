/** One holder, fencing tokens, and what a word is worth without a live one: the promises about leases, by number. */
import { expect, test } from 'vitest';
import { complete, fail, Hive, progress, release } from '../testing/hive.ts';
import { plain } from '../testing/scribe.ts';

const NO_WAIT = { type: 'fixed' as const, delay_seconds: 0, jitter: false };

test('invariant 3: two who claim the same task in the same moment do not both get it', async () => {
  const hive = await Hive.begin();
  await hive.submit('only');
  await Promise.all([hive.hire('maya'), hive.hire('willi')]);
  const [one, two] = await Promise.all([hive.claim('maya'), hive.claim('willi')]);
  expect([one!.length, two!.length].sort()).toEqual([0, 1]);
  const holders = (await hive.pipeline.store.workers()).filter(({ holds }) => holds.includes('only'));
  expect(holders.map(({ id }) => id)).toEqual([(await hive.task('only')).worker]);
});

test('invariant 4: the token only grows, whatever takes the task away', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t', { max_retries: 1, retry_backoff: NO_WAIT, timeout_seconds: 1 });
  const tokens: number[] = [];
  const next = async () => {
    const assignment = await hive.take('maya');
    tokens.push(assignment.token);
    return assignment;
  };
  const promote = () => hive.do({ kind: 'promote', actor: 'kernel', taskId: 't' });

  const { token } = await next();
  await hive.do(release('t', token));
  await next();
  await hive.lose('maya');
  await next();
  await hive.do({ kind: 'heartbeat', actor: 'worker:maya', workerId: 'maya', tasks: [] });
  await hive.fail(await next());
  await promote();
  const last = await next();
  await hive.pipeline.clock.advance(1000);
  await hive.do({ kind: 'end_attempt', actor: 'kernel', taskId: 't', leaseToken: last.token, random: 0 });
  expect((await hive.task('t')).status).toBe('timeout');
  await hive.retry('t');
  await next();
  await hive.cancel('t');
  await hive.retry('t');
  await next();
  expect(tokens).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect((await hive.task('t')).attempt).toBe(7);
});

test.each([
  ['an old one', -1],
  ['one of the future', +1],
  ['a random one', +1000],
])('invariant 5: with a token that is %s, nothing changes', async (_, offset) => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t');
  const first = await hive.take('maya');
  await hive.do(release('t', first.token));
  const { token } = await hive.take('maya');
  const before = [plain(await hive.task('t')), await hive.worker('maya'), (await hive.ledger()).length];
  for (const command of [complete, fail, progress]) {
    expect(await hive.refused(command('t', token + offset))).toBe('stale_lease');
  }
  expect(await hive.refused(release('t', token + offset))).toBe('stale_lease');
  expect([plain(await hive.task('t')), await hive.worker('maya'), (await hive.ledger()).length]).toEqual(before);
});

test.each([
  ['completed', complete, 'completed'],
  ['failed', fail, 'failed'],
  ['released', release, 'queued'],
] as const)('invariant 5: %s twice with the same token is once', async (_, settle, status) => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t');
  const { token } = await hive.take('maya');
  await hive.do(settle('t', token));
  const before = [plain(await hive.task('t')), await hive.worker('maya'), (await hive.ledger()).length];
  const again = (await hive.do(settle('t', token))) as { task: { status: string } };
  expect(again.task.status).toBe(status);
  expect([plain(await hive.task('t')), await hive.worker('maya'), (await hive.ledger()).length]).toEqual(before);
});

test('invariant 5: another outcome with a token that is settled is stale', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t');
  const { token } = await hive.take('maya');
  await hive.do(complete('t', token, '1'));
  for (const command of [complete('t', token, '2'), fail('t', token), release('t', token), progress('t', token)]) {
    expect(await hive.refused(command)).toBe('stale_lease');
  }
  expect((await hive.task('t')).result).toBe('1');
});

test('invariant 7: what a lost worker held is back in the queue, and the fifth loss in a row is the last', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('poison');
  for (let loss = 1; loss <= 5; loss++) {
    await hive.take('maya');
    await hive.lose('maya');
    expect(await hive.task('poison')).toMatchObject({ losses: loss, status: loss < 5 ? 'queued' : 'failed' });
  }
  expect(await hive.task('poison')).toMatchObject({ error: 'lease_losses_exceeded', retryCount: 0, attempt: 5 });
  expect((await hive.history('poison')).filter((one) => one === 'task_requeued lease_expired')).toHaveLength(4);
  expect((await hive.history('poison')).at(-1)).toBe('task_failed');
  expect(await hive.worker('maya')).toMatchObject({ holds: [], offline: true });
});

test('invariant 7: a loss counts only in a row with others', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t', { max_retries: 9, retry_backoff: NO_WAIT });
  for (let loss = 1; loss <= 4; loss++) {
    await hive.take('maya');
    await hive.lose('maya');
  }
  await hive.fail(await hive.take('maya'));
  expect((await hive.task('t')).losses).toBe(0);
});
