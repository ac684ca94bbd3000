import { expect, test } from 'vitest';
import { hostName, hostRule, originRule } from './origin.ts';

const rule = originRule(['http://localhost:*', 'https://*.example.org', 'https://app.example.com:8443']);

test.each([
  'http://localhost:3000',
  'http://localhost',
  'HTTP://LOCALHOST:1',
  'https://a.example.org',
  'https://a.b.example.org',
  'https://app.example.com:8443',
  'http://kernel:8000',
  'https://kernel:8000',
])('%s may use the kernel', (origin) => {
  expect(rule(origin, 'kernel:8000')).toBe(true);
});

test.each([
  'null',
  'http://localhost.evil.com',
  'http://localhost:3000.evil.com',
  'http://localhost:x',
  'https://localhost:3000',
  'https://example.org',
  'https://example.org.evil.com',
  'https://evil.com/.example.org',
  'https://app.example.com',
  'http://kernel',
  '',
])('%s may not', (origin) => {
  expect(rule(origin, 'kernel:8000')).toBe(false);
});

test('a star allows everybody', () => {
  expect(originRule(['*'])('https://anywhere.example', undefined)).toBe(true);
});

test.each(['localhost', 'LOCALHOST:8000', '127.0.0.1:8000', '[::1]:8000', '10.1.2.3', 'kernel:8000', undefined])(
  'the kernel may be reached as %s',
  (host) => {
    expect(hostRule(['kernel'])(host)).toBe(true);
  },
);

test.each(['evil.com', 'evil.com:8000', 'kernel.evil.com', 'localhost.evil.com', '127.0.0.1.nip.io', ''])(
  'but not as %s',
  (host) => {
    const allowed = hostRule(['kernel']);
    expect(allowed('kernel')).toBe(true);
    expect(allowed(host)).toBe(false);
  },
);

test('the port and the brackets are no part of a name', () => {
  expect(hostName('Example.org:80')).toBe('example.org');
  expect(hostName('[2001:db8::1]:80')).toBe('2001:db8::1');
});
