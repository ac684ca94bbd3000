import { expect, test } from 'vitest';
import { startColony } from './harness.ts';

test('a vote on anything is opened, voted on and closed as soon as its outcome is certain', async () => {
  const { call } = await startColony();
  const opened = await call('POST /votes', { decision: 'Shall we?', participants: ['ann', 'bob', 'eve'] });
  expect(opened).toMatchObject({
    status: 201,
    json: { status: 'open', decision: 'Shall we?', threshold: 0.66, ballots: [], task_id: null, closed_at: null },
  });
  const { id, opened_at, closes_at } = opened.json;
  expect(Date.parse(closes_at) - Date.parse(opened_at)).toBe(86_400_000);
  const cast = (participant: string, approve: boolean) =>
    call(`POST /votes/${id}/ballots`, { participant, approve, reason: 'because' });
  expect((await cast('ann', true)).json).toMatchObject({ status: 'open' });
  expect(await cast('ann', false)).toMatchObject({ status: 409, json: { code: 'ballot_already_cast' } });
  expect(await cast('mallory', true)).toMatchObject({ status: 403, json: { code: 'not_a_participant' } });
  const closed = await cast('eve', true);
  expect(closed).toMatchObject({ status: 200, json: { status: 'approved', ballots: [{ participant: 'ann' }, {}] } });
  expect(await cast('bob', false)).toMatchObject({ status: 409, json: { code: 'invalid_transition' } });
  expect((await call(`GET /votes/${id}`)).json).toEqual(closed.json);
  const { entries } = (await call('GET /system/audit')).json;
  expect(entries.slice(-4).map(({ event_type }: { event_type: string }) => event_type)).toEqual([
    'vote_opened',
    'vote_cast',
    'vote_cast',
    'vote_closed',
  ]);
});

test('votes are listed newest first, by status, page by page', async () => {
  const { call } = await startColony();
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.unshift((await call('POST /votes', { decision: `question ${n}` })).json.id);
  await call(`POST /votes/${ids[2]}/ballots`, { participant: 'operator', approve: false });
  const listed = async (path: string) => {
    const { json, headers } = await call(`GET ${path}`);
    const next = /<(.*)>; rel="next"/.exec(String(headers.link))?.[1];
    return { ids: json.map(({ id }: { id: string }) => id), next };
  };
  expect((await listed('/votes')).ids).toEqual(ids);
  expect((await listed('/votes?status=denied')).ids).toEqual([ids[2]]);
  const first = await listed('/votes?status=open&limit=3');
  expect(first.ids).toEqual([ids[0], ids[1], ids[3]]);
  expect(await listed(first.next!)).toEqual({ ids: [ids[4]], next: undefined });
  expect((await call('GET /votes?cursor=xyz')).status).toBe(422);
  expect((await call('GET /votes/nobody')).json.code).toBe('vote_not_found');
  expect((await call('POST /votes/nobody/ballots', { participant: 'x', approve: true })).json.code).toBe(
    'vote_not_found',
  );
});

test('a vote that nobody decides expires by itself', async () => {
  const { call } = await startColony();
  const { id } = (await call('POST /votes', { decision: 'soon', expires_in_seconds: 0.05 })).json;
  await expect.poll(async () => (await call(`GET /votes/${id}`)).json.status).toBe('expired');
  const late = await call(`POST /votes/${id}/ballots`, { participant: 'operator', approve: true });
  expect(late).toMatchObject({ status: 409, json: { code: 'invalid_transition' } });
});

test.each([
  [{}, '/decision'],
  [{ decision: '' }, '/decision'],
  [{ decision: 'x', participants: [] }, '/participants'],
  [{ decision: 'x', participants: ['a', 'a'] }, '/participants'],
  [{ decision: 'x', threshold: 0 }, '/threshold'],
  [{ decision: 'x', threshold: 1.1 }, '/threshold'],
  [{ decision: 'x', expires_in_seconds: 0 }, '/expires_in_seconds'],
])('%j is no vote', async (body, path) => {
  const { call } = await startColony();
  const refused = await call('POST /votes', body);
  expect([refused.status, refused.json.errors[0].path]).toEqual([422, path]);
});
