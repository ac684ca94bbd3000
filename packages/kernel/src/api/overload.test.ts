import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { BodyBudget } from './overload.ts';

const request = (headers: Record<string, string>) => ({ headers }) as unknown as IncomingMessage;
const response = () => new EventEmitter() as unknown as ServerResponse;

test('large bodies share a budget, and give back what they took', () => {
  const budget = new BodyBudget();
  const mebibyte = request({ 'content-length': String(1024 * 1024) });
  const taken = Array.from({ length: 256 }, response);
  for (const each of taken) expect(budget.admit(mebibyte, each)).toBe(true);
  expect(budget.admit(mebibyte, response())).toBe(false);
  expect(budget.admit(request({ 'transfer-encoding': 'chunked' }), response())).toBe(false);
  expect(budget.admit(request({ 'content-length': '200' }), response())).toBe(true);
  expect(budget.admit(request({}), response())).toBe(true);
  taken[0]!.emit('close');
  expect(budget.admit(mebibyte, response())).toBe(true);
});

test('a length that lies does not take more than a body may have', () => {
  const budget = new BodyBudget();
  expect(budget.admit(request({ 'content-length': '1e300' }), response())).toBe(true);
  expect(budget.admit(request({ 'content-length': String(1024 * 1024) }), response())).toBe(true);
});

test('of what a larger body may take, one that does not say how large it is counts as that', () => {
  const budget = new BodyBudget();
  const plan = request({ 'transfer-encoding': 'chunked' });
  for (let n = 0; n < 16; n++) expect(budget.admit(plan, response(), 16 * 1024 * 1024)).toBe(true);
  expect(budget.admit(plan, response(), 16 * 1024 * 1024)).toBe(false);
});
