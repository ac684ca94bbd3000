import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { EmbeddingUnavailable } from '../../core/embedder.ts';
import { dot, exerciseEmbedder } from '../../testing/embedder-conformance.ts';
import { ImpatientClock } from '../../testing/impatient-clock.ts';
import { atRest } from '../../testing/sim-clock.ts';
import { isInstalled } from './local/model.ts';
import { LocalEmbedder, type LocalOptions } from './local-embedder.ts';

/** No timer comes by itself: all that the thread has are deadlines. */
function opened(more: Partial<LocalOptions> = {}) {
  const clock = new ImpatientClock(0);
  const told: (string | null)[] = [];
  const embedder = new LocalEmbedder({ clock, changed: (problem) => void told.push(problem), ...more });
  onTestFinished(() => embedder.close());
  return { clock, told, embedder };
}

/** A thread that does something else than the model would. */
function program(code: string): URL {
  return new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'; ${code}`)}`,
  );
}

const ANSWERS = `parentPort.on('message', ({ id, texts }) =>
  parentPort.postMessage({ id, verdicts: texts.map(() => new Float32Array([1])) }));`;

async function unavailable(promise: Promise<unknown>): Promise<EmbeddingUnavailable> {
  const fault = await promise.catch((thrown: unknown) => thrown);
  expect(fault).toBeInstanceOf(EmbeddingUnavailable);
  return fault as EmbeddingUnavailable;
}

if (!isInstalled()) {
  test('NOTE: the packages of the local model are not installed here, so it is not tested', () => undefined);
}

describe.runIf(isInstalled())('the local model', () => {
  exerciseEmbedder('the local model', { open: async () => opened().embedder, tolerance: 1e-5, runs: 5 });

  // Half a second for each time that it is loaded: what does not change it shares one.
  const shared = new LocalEmbedder({ clock: new ImpatientClock(0), changed: () => undefined });
  afterAll(() => shared.close());

  test.each([
    ['reimbursement', 'money back', ['the weather in Norway', 'compile the kernel', 'a recipe for soup']],
    ['how do I get my money back?', 'please refund my order', ['reboot the server', 'the match ended in a draw']],
    ['the server is down', 'an outage of the service', ['a bouquet of flowers', 'invoice of the customer']],
  ])('knows that %j means rather %j than other things', async (text, near, others) => {
    const [one, like, ...unlike] = await shared.embed([text, near, ...others]);
    for (const other of unlike) expect(dot(one!, like!)).toBeGreaterThan(dot(one!, other) + 0.05);
  });

  test.each([
    ['東京の天気', '天気は東京', '大阪で食べる'],
    ['погода в Москве', 'московская погода', 'счёт клиента'],
    ['🦊🦊', '🦊', '🚀'],
  ])('does not take for alike what it cannot read: %s is nearer to %s than to %s', async (text, near, far) => {
    const [one, like, unlike] = await shared.embed([text, near, far]);
    expect(dot(one!, like!)).toBeGreaterThan(dot(one!, unlike!) + 0.2);
  });

  test('sees what stands at the end of a long text', async () => {
    const filler = 'The committee met on Tuesday and discussed the budget. '.repeat(20);
    const [plain, longer, alone] = await shared.embed([
      filler,
      `${filler} ${'The volcano erupted and lava reached the village. '.repeat(10)}`,
      'The volcano erupted and lava reached the village.',
    ]);
    expect(dot(longer!, alone!)).toBeGreaterThan(dot(plain!, alone!) + 0.1);
  });

  test('is loaded when it is needed, and leaves memory when it has not been for long', async () => {
    const { clock, embedder } = opened();
    expect(embedder.isLoaded).toBe(false);
    const [before] = await embedder.embed(['a text']);
    expect(embedder.isLoaded).toBe(true);
    clock.expire();
    await expect.poll(() => embedder.isLoaded).toBe(false);
    expect((await embedder.embed(['a text']))[0]).toEqual(before);
  });
});

describe('a thread that', () => {
  test('ends in the middle leaves its job unavailable, and another one begins after a while', async () => {
    const { clock, embedder, told } = opened({ program: program("parentPort.on('message', () => process.exit(3));") });
    const first = await unavailable(embedder.embed(['a']));
    expect(first.message).toBe('the local model is out of order: its thread ended with code 3');
    expect(first.retryAfterMs).toBe(1000);
    expect((await unavailable(embedder.embed(['a']))).retryAfterMs).toBe(1000);
    expect(embedder.isLoaded).toBe(false);
    expect(told).toEqual([first.message]);
    clock.pass(1000);
    expect((await unavailable(embedder.embed(['a']))).retryAfterMs).toBe(2000);
  });

  test('cannot load the model says why', async () => {
    const { embedder } = opened({ program: program("throw new Error('no weights');") });
    expect((await unavailable(embedder.embed(['a']))).message).toContain('out of order: no weights');
  });

  test('cannot even be begun is tried again, as one that ends', async () => {
    const { clock, embedder, told } = opened({ program: new URL('https://a.example/thread.js') });
    const first = await unavailable(embedder.embed(['a']));
    expect(first.message).toContain('the local model is out of order: ');
    expect(told).toEqual([first.message]);
    for (const openMs of [1000, 2000]) {
      clock.pass(openMs);
      expect((await unavailable(embedder.embed(['a']))).retryAfterMs).toBe(2 * openMs);
    }
  });

  test('uses more memory than it may is ended, and the kernel is not', async () => {
    const { embedder } = opened({ program: program('const all = []; for (;;) all.push(new Array(1e6).fill(all));') });
    expect((await unavailable(embedder.embed(['a']))).message).toMatch(/out of order: .*memory/);
  });

  test('hangs is ended', async () => {
    const { clock, embedder } = opened({ program: program("parentPort.on('message', () => { for (;;); });") });
    const embedding = unavailable(embedder.embed(['a']));
    await expect.poll(() => clock.deadlines).toBe(1);
    clock.expire();
    expect((await embedding).message).toContain('it does not answer');
    expect(embedder.isLoaded).toBe(false);
  });

  test('has ended for another reason is begun anew by the next job', async () => {
    const { clock, embedder, told } = opened({
      program: program(`${ANSWERS} parentPort.once('message', () => setImmediate(() => process.exit(0)));`),
    });
    expect(await embedder.embed(['a'])).toHaveLength(1);
    await expect.poll(() => embedder.isLoaded).toBe(false);
    expect(await embedder.embed(['b'])).toHaveLength(1);
    expect(told).toEqual([]);
    expect(clock.deadlines).toBeLessThanOrEqual(1);
  });

  test('is at work is ended when the embedder is closed, which is no fault', async () => {
    const { clock, embedder, told } = opened({ program: program("parentPort.on('message', () => undefined);") });
    const embedding = unavailable(embedder.embed(['a']));
    await expect.poll(() => clock.deadlines).toBe(1);
    await embedder.close();
    expect((await embedding).message).toBe('the embedder is closed');
    await expect.poll(() => clock.deadlines).toBe(0);
    await atRest();
    expect(told).toEqual([]);
  });

  test('prints something does not write into the log, and sees nothing of the environment', async () => {
    onTestFinished(() => void vi.restoreAllMocks());
    const written = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write'));
    const { embedder } = opened({
      program: program(`console.log('not for the log'); console.error('not for the log');
        parentPort.on('message', ({ id }) =>
          parentPort.postMessage({ id, verdicts: [new Float32Array([Object.keys(process.env).length])] }));`),
    });
    expect(await embedder.embed(['a'])).toEqual([Float32Array.of(0)]);
    await embedder.close();
    await atRest();
    const lines = written.flatMap((stream) => stream.mock.calls.map(([line]) => String(line)));
    expect(lines.filter((line) => line.includes('not for the log'))).toEqual([]);
  });
});
