import { expect, test } from 'vitest';
import { authenticator, bearerToken, subprotocolToken } from './auth.ts';

test('without a secret token everybody is anonymous', () => {
  expect(authenticator(null)({ authorization: 'Bearer x' }, false)).toEqual({ name: 'anonymous' });
});

test('with one, only its bearer is let in', () => {
  const authenticate = authenticator('s3cret');
  expect(authenticate({ authorization: 'Bearer s3cret' }, false)).toEqual({ name: 'root' });
  expect(authenticate({ authorization: 'bearer  s3cret' }, false)).toEqual({ name: 'root' });
  for (const authorization of ['Bearer s3cre', 'Bearer s3cret2', 'Basic s3cret', 's3cret', 'Bearer', 'Bearer ']) {
    expect(authenticate({ authorization }, false)).toBeNull();
  }
  expect(authenticate({}, false)).toBeNull();
});

test('a subprotocol may carry the token, but only of an upgrade', () => {
  const authenticate = authenticator('s3cret');
  const offered = `colony.v1, colony.token.${Buffer.from('s3cret').toString('base64url')}`;
  expect(authenticate({ 'sec-websocket-protocol': offered }, true)).toEqual({ name: 'root' });
  expect(authenticate({ 'sec-websocket-protocol': offered }, false)).toBeNull();
  expect(authenticate({ 'sec-websocket-protocol': 'colony.v1, colony.token.bm8' }, true)).toBeNull();
});

test('what is no token is none', () => {
  expect(bearerToken(undefined)).toBeNull();
  expect(bearerToken('Bearer a b')).toBeNull();
  expect(subprotocolToken({ 'sec-websocket-protocol': 'colony.v1' })).toBeNull();
});
