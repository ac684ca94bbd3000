import { type Query, queryString } from './http/requester.ts';

/**
 * A WebSocket to the kernel, not yet open. A browser cannot set headers on an upgrade, so the token travels as a
 * subprotocol, and the kernel selects the other one. Without a token none is offered: a client that offered one and
 * was given none would have to hang up.
 */
export function connect(base: string, path: string, query: Query, token: string | undefined): WebSocket {
  const url = base.replace(/^http/, 'ws') + path + queryString(query);
  return token ? new WebSocket(url, ['colony.v1', `colony.token.${base64url(token)}`]) : new WebSocket(url);
}

/** Resolves with true once it is open, with false once it is certain that it will not be. */
export function opened(socket: WebSocket, signal: AbortSignal, timeoutMs = 10_000): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (open: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      resolve(open);
    };
    const giveUp = () => {
      abandon(socket);
      done(false);
    };
    const timer = setTimeout(giveUp, timeoutMs);
    signal.addEventListener('abort', giveUp, { once: true });
    socket.addEventListener('open', () => done(true), { once: true });
    socket.addEventListener('close', () => done(false), { once: true });
    // Without a listener some runtimes report the failure as uncaught; what follows is a close.
    socket.addEventListener('error', () => done(false), { once: true });
  });
}

/** Closes without waiting: the other side may be gone without having said so. */
export function abandon(socket: WebSocket): void {
  try {
    socket.close(1000);
  } catch {
    // It was not even connecting.
  }
}

/**
 * Notices a peer that has vanished without closing: where nothing was heard for `intervalMs`, it has `ask` send
 * something that will be answered; after as long again, `lost` is called. Returns the functions to tell of traffic
 * and to stop.
 */
export function watchdog(
  intervalMs: number,
  ask: () => void,
  lost: () => void,
): { heard: () => void; stop: () => void } {
  let silent = false;
  let asked = false;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    // If this timer itself comes late, the process was blocked or asleep: what was received is still unread.
    const late = now - last > intervalMs * 1.5;
    last = now;
    if (late || !silent) {
      silent = true;
      asked = false;
    } else if (!asked) {
      asked = true;
      ask();
    } else {
      lost();
    }
  }, intervalMs);
  return {
    heard: () => {
      silent = false;
    },
    stop: () => clearInterval(timer),
  };
}

function base64url(text: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
