import { onTestFinished } from 'vitest';

/**
 * Has something happen at a certain moment of what is under way, as another kernel or a failing server might have it:
 * races that would otherwise come to pass once in a while, told one step after the other.
 */

type Arguments<F> = F extends (...args: infer A) => Promise<unknown> ? A : never;
type Fits<T, K extends keyof T> = (...args: Arguments<T[K]>) => boolean;

/** Runs `act` once, before the next call of this method that `fits`. What `act` itself does passes unhindered. */
export function before<T extends object, K extends keyof T>(
  target: T,
  method: K,
  act: () => Promise<unknown>,
  fits: Fits<T, K> = () => true,
): void {
  around(target, method, fits, async (call) => {
    await act();
    return call();
  });
}

/** The same after that call, whose answer is held back meanwhile. */
export function after<T extends object, K extends keyof T>(
  target: T,
  method: K,
  act: () => Promise<unknown>,
  fits: Fits<T, K> = () => true,
): void {
  around(target, method, fits, async (call) => {
    const answer = await call();
    await act();
    return answer;
  });
}

function around<T extends object, K extends keyof T>(
  target: T,
  method: K,
  fits: Fits<T, K>,
  use: (call: () => Promise<unknown>) => Promise<unknown>,
): void {
  const own = Object.getOwnPropertyDescriptor(target, method);
  const real = target[method] as (...args: unknown[]) => Promise<unknown>;
  let isOver = false;
  Object.defineProperty(target, method, {
    configurable: true,
    writable: true,
    value(this: unknown, ...args: unknown[]) {
      if (isOver || !fits(...(args as Arguments<T[K]>))) return real.apply(this, args);
      isOver = true;
      return use(() => real.apply(this, args));
    },
  });
  onTestFinished(() => {
    if (own) Object.defineProperty(target, method, own);
    else delete target[method];
  });
}
