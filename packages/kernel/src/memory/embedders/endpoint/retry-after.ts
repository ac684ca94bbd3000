const DAY_MS = 86_400_000;

/** The value of a `Retry-After` header, seconds or a date, in milliseconds from now; null when it says nothing. */
export function retryAfterMs(value: string | null, wallMs: number): number | null {
  if (value === null) return null;
  const text = value.trim();
  const ms = /^\d{1,9}(\.\d{1,3})?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - wallMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), DAY_MS);
}
