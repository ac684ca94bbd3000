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

let lastMs = Number.NaN;
let lastText = '';

/** RFC 3339 in UTC with milliseconds and `Z`. */
export function timestamp(wallMs: number): string {
  if (wallMs !== lastMs) {
    lastText = new Date(wallMs).toISOString();
    lastMs = wallMs;
  }
  return lastText;
}
