import type { Duplex } from 'node:stream';
import { textFrames } from './frames.ts';

/** A frame is not made larger than this if it can be avoided: the other side has its limits too. */
const FRAME_TARGET = 1024 * 1024;

/**
 * Messages on their way to a socket. What is produced in the same tick leaves as one frame holding an array, since
 * a write costs far more than a message; a single message stays an object.
 */
export class Outbox {
  readonly #connection: Duplex;
  #messages: string[] = [];
  #scheduled = false;

  constructor(connection: Duplex) {
    this.#connection = connection;
  }

  /** @param message JSON text */
  push(message: string): void {
    this.#messages.push(message);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Runs once all promises that a commit has settled have been heard.
    process.nextTick(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    const messages = this.#messages;
    if (messages.length === 0 || !this.#connection.writable) return;
    this.#messages = [];
    this.#connection.write(textFrames(packed(messages)));
  }
}

function packed(messages: readonly string[]): string[] {
  const frames: string[] = [];
  let group: string[] = [];
  let size = 0;
  for (const message of messages) {
    if (size + message.length > FRAME_TARGET && group.length > 0) {
      frames.push(frameOf(group));
      group = [];
      size = 0;
    }
    group.push(message);
    size += message.length;
  }
  frames.push(frameOf(group));
  return frames;
}

function frameOf(group: readonly string[]): string {
  return group.length === 1 ? group[0]! : `[${group.join(',')}]`;
}
