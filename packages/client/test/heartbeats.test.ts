import { Worker as Thread } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import type { AssignedTask } from '../src/types.ts';
import { Heartbeats } from '../src/worker/heartbeats.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of cleanUp.splice(0)) await one();
});

/** A kernel in a thread of its own, so that it hears what is said while this one is blocked. */
async function listen(status: number): Promise<{ url: string; beats: Int32Array }> {
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const server = require('node:http').createServer((request, response) => {
      if (request.url === '/colony/workers/w%2F1/heartbeat' && request.headers.authorization === 'Bearer sesame') {
        Atomics.add(workerData.beats, 0, 1);
        Atomics.notify(workerData.beats, 0);
      }
      response.writeHead(${status}).end();
    });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
  const thread = new Thread(code, { eval: true, workerData: { beats } });
  cleanUp.push(() => thread.terminate());
  const port = await new Promise((resolve) => thread.once('message', resolve));
  return { url: `http://127.0.0.1:${port}/colony`, beats };
}

/** A lease as the kernel gives it, of this length. */
function lease(ms: number): AssignedTask {
  const at = Date.parse('2020-01-01T00:00:00.000Z');
  const expires = new Date(at + ms).toISOString();
  return { started_at: new Date(at).toISOString(), lease: { token: 1, expires_at: expires } } as AssignedTask;
}

test('they go on while the event loop is blocked, three in the time a lease lives', async () => {
  const { url, beats } = await listen(204);
  const heartbeats = new Heartbeats({ base: url, token: 'sesame', beat: () => {}, onGone: () => {} });
  cleanUp.push(() => heartbeats.stop());
  heartbeats.start('w/1');
  heartbeats.learn(lease(900));
  // From here to the end nothing else runs in this thread.
  const startedAt = performance.now();
  for (let heard = 0; heard < 3; heard = Atomics.load(beats, 0)) {
    if (performance.now() - startedAt > 10_000) throw new Error(`only ${heard} heartbeats`);
    Atomics.wait(beats, 0, heard, 1_000);
  }
  expect(performance.now() - startedAt).toBeGreaterThan(600);
});

test('they tell when the kernel does not know the worker any more', async () => {
  const { url } = await listen(404);
  await new Promise<void>((resolve) => {
    const heartbeats = new Heartbeats({ base: url, token: 'sesame', beat: () => {}, onGone: resolve });
    cleanUp.push(() => heartbeats.stop());
    heartbeats.start('w/1');
    heartbeats.learn(lease(750));
  });
});
