import { PassThrough, type Writable } from 'node:stream';
import { expect, test } from 'vitest';
import * as ws from 'ws';
import { textFrames } from './frames.ts';
import { Outbox } from './outbox.ts';

/** The part of `ws` that reads frames; its types do not mention it. */
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** What a WebSocket implementation makes of the bytes. */
async function received(bytes: Buffer): Promise<string[]> {
  const receiver = new Receiver({ isServer: false });
  const messages: string[] = [];
  receiver.on('message', (data: Buffer) => messages.push(data.toString()));
  await new Promise<void>((resolve, reject) => {
    receiver.on('error', reject);
    receiver.end(bytes, () => setImmediate(resolve));
  });
  return messages;
}

test.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])('a text of %i bytes arrives', async (length) => {
  const text = 'x'.repeat(length);
  expect(await received(textFrames([text]))).toEqual([text]);
});

test('many texts travel in one piece, whatever their script', async () => {
  const texts = ['a', 'ä€\u{1f41d}', '', '\u{1f41d}'.repeat(40)];
  expect(await received(textFrames(texts))).toEqual(texts);
});

async function sent(push: (outbox: Outbox) => void): Promise<unknown[]> {
  const connection = new PassThrough();
  push(new Outbox(connection));
  await new Promise((resolve) => setImmediate(resolve));
  connection.end();
  return (await received(Buffer.concat(await connection.toArray()))).map((text) => JSON.parse(text));
}

test('what is said in one tick is one frame', async () => {
  expect(await sent((outbox) => outbox.push('{"a":1}'))).toEqual([{ a: 1 }]);
  expect(
    await sent((outbox) => {
      for (const n of [1, 2]) void Promise.resolve().then(() => outbox.push(`{"a":${n}}`));
      outbox.push('{"a":0}');
    }),
  ).toEqual([[{ a: 0 }, { a: 1 }, { a: 2 }]]);
});

test('a frame does not grow without bound', async () => {
  const big = JSON.stringify('x'.repeat(700_000));
  const frames = await sent((outbox) => {
    for (let i = 0; i < 3; i++) outbox.push(big);
  });
  expect(frames).toHaveLength(3);
});
