/**
 * Time, of two kinds, because wall clocks jump. `wall` is what people read: timestamps, `run_at`, retention.
 * `steady` only ever grows, and only while the kernel is able to hear its workers: leases and run times.
 */
export interface Now {
  /** Milliseconds since 1970-01-01T00:00:00Z, as the machine's clock says. May jump either way. */
  readonly wall: number;
  /** Milliseconds on a scale of its own. Never goes back. */
  readonly steady: number;
}

export interface Clock {
  now(): Now;
  /** Calls `run` once after `delayMs`; the returned function cancels it. */
  timer(delayMs: number, run: () => void): () => void;
}

/** Of some seconds how they are written: many times that are asked for are close together. */
const written: { readonly second: number; readonly text: string }[] = [];
const KEPT = 64;

/** RFC 3339 in UTC with milliseconds and `Z`. */
export function timestamp(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  let found = written[second & (KEPT - 1)];
  if (found?.second !== second) {
    found = { second, text: new Date(second * 1000).toISOString().slice(0, -'000Z'.length) };
    written[second & (KEPT - 1)] = found;
  }
  const ms = Math.floor(wallMs - second * 1000);
  return `${found.text}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z`;
}
