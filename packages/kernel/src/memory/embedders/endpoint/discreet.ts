/** What nobody may see of what is asked for, and where. */
export interface Secrets {
  readonly url: URL;
  readonly apiKey: string | null;
}

/** A value that is shorter than that (a number, a version) tells nothing, and would be taken out of other words. */
const SHORTEST = 6;

/**
 * What an endpoint says, without what it may have repeated of what it was sent: the key, and what stands behind the path of the
 * URL; as they are, and as JSON or a URL has them. It must be all that was said: of what is cut off before, a piece would stay.
 */
export function discreet(said: string, { url, apiKey }: Secrets): string {
  const values = [...url.searchParams.values()].filter((value) => value.length >= SHORTEST);
  const secrets = [apiKey ?? '', url.search.slice(1), ...values].flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
  ]);
  const longestFirst = [...new Set(secrets)].filter((one) => one !== '').sort((a, b) => b.length - a.length);
  return longestFirst.reduce((text, secret) => text.replaceAll(secret, '…'), said);
}
