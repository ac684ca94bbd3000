/**
 * What differs between Node and browsers, asked at run time. `process.getBuiltinModule` (Node 22.3) answers at once
 * and is invisible to bundlers, so one build serves both and a browser bundle has nothing to stub.
 */

interface Builtins {
  'node:http': typeof import('node:http');
  'node:https': typeof import('node:https');
  'node:worker_threads': typeof import('node:worker_threads');
}

/** One of Node's own modules; undefined where there are none. */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  return nodeProcess()?.getBuiltinModule?.(name) as Builtins[Name] | undefined;
}

/** Node's `process`; undefined in browsers, also where a bundler has put a stub in its place. */
export function nodeProcess(): NodeJS.Process | undefined {
  const candidate = (globalThis as { process?: NodeJS.Process }).process;
  return candidate?.versions?.node ? candidate : undefined;
}

/**
 * Runs `work` once everything that is ready now has been read: what is produced at the same moment then leaves
 * together. In Node that is the end of the event loop's turn, elsewhere the end of the current task.
 */
export const soon: (work: () => void) => void =
  typeof setImmediate === 'function' ? (work) => void setImmediate(work) : (work) => queueMicrotask(work);

const encoder = new TextEncoder();

/** Length in UTF-8. */
export function byteLength(text: string): number {
  return typeof Buffer === 'function' ? Buffer.byteLength(text) : encoder.encode(text).length;
}

/** What makes this process's keys its own: 80 random bits. `crypto.randomUUID` is missing where there is no https. */
const nonce = Array.from(crypto.getRandomValues(new Uint8Array(10)), (byte) => byte.toString(16).padStart(2, '0')).join(
  '',
);
let lastTime = 0;
let count = 0;

/**
 * A key that nobody else makes. Keys grow with time, like a version 7 UUID: a store that keeps them in order appends
 * each to the last instead of looking for a place anywhere among millions.
 */
export function uniqueKey(): string {
  const now = Math.max(Date.now(), lastTime);
  count = now === lastTime ? count + 1 : 0;
  lastTime = now;
  return `${now.toString(36).padStart(9, '0')}-${count.toString(36).padStart(4, '0')}-${nonce}`;
}

/** Waits. Rejects with the signal's reason when it is aborted first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Whether `promise` resolves within `ms`. */
export async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const timeUp = new AbortController();
  const inTime = promise.then(() => true);
  const late = sleep(ms, timeUp.signal).then(
    () => false,
    () => false,
  );
  try {
    return await Promise.race([inTime, late]);
  } finally {
    timeUp.abort();
  }
}
