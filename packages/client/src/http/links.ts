/**
 * The `cursor` of `Link: <…>; rel="next"` (RFC 8288); undefined when there is no more. Only the cursor is taken and
 * not the address: behind a proxy the kernel does not know the address its clients use.
 */
export function nextCursor(link: string | null): string | undefined {
  if (!link) return undefined;
  for (const [, target, parameters] of link.matchAll(/<([^>]*)>([^<]*)/g)) {
    if (!/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\b)/i.test(parameters ?? '')) continue;
    return new URL(target ?? '', 'http://kernel').searchParams.get('cursor') ?? undefined;
  }
  return undefined;
}
