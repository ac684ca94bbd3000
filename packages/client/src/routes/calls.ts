import type { Call } from '../http/requester.ts';

export function get(path: string, signal: AbortSignal | undefined): Call {
  return { method: 'GET', path, repeat: 'safe', signal };
}

export function post(path: string, body: unknown, repeat: Call['repeat'], signal: AbortSignal | undefined): Call {
  return { method: 'POST', path, body: body === undefined ? undefined : JSON.stringify(body), repeat, signal };
}

export function remove(path: string, signal: AbortSignal | undefined): Call {
  return { method: 'DELETE', path, repeat: 'safe', signal };
}

export function segment(id: string): string {
  return encodeURIComponent(id);
}
