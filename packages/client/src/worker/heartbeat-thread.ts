/**
 * Runs in a thread of its own and says every now and then that the worker is alive: a handler that blocks the event
 * loop of the main thread must not cost the worker its leases. It imports nothing of ours, so it starts fast.
 */
import http from 'node:http';
import https from 'node:https';
import { parentPort } from 'node:worker_threads';

/** From the main thread: where to post, how, and how often. */
export interface HeartbeatOrder {
  url: string;
  headers: Record<string, string>;
  everyMs: number;
}

/** To the main thread. */
export interface HeartbeatReport {
  /** The kernel does not know the worker any more. */
  gone: string;
}

let order: HeartbeatOrder | undefined;
let timer: NodeJS.Timeout | undefined;

function beat(): void {
  if (!order) return;
  const { url, headers, everyMs } = order;
  timer = setTimeout(beat, everyMs);
  const { request } = url.startsWith('https:') ? https : http;
  const post = request(url, { method: 'POST', headers, timeout: everyMs }, (response) => {
    response.resume();
    if (response.statusCode === 404) parentPort?.postMessage({ gone: url } satisfies HeartbeatReport);
  });
  // No answer: the next beat comes soon enough, a lease lives for three of them.
  post.on('error', () => {});
  post.on('timeout', () => post.destroy());
  post.end();
}

parentPort?.on('message', (next: HeartbeatOrder) => {
  order = next;
  clearTimeout(timer);
  timer = setTimeout(beat, next.everyMs);
});
