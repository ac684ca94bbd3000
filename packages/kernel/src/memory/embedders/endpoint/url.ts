const PATH = '/embeddings';

const API = '/v1';

/** Where requests go: given the URL of an API (`https://api.openai.com/v1`), a server's without a path, or a complete one. */
export function embeddingsUrl(given: string): URL {
  const url = new URL(given);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith(PATH) ? path : `${path || API}${PATH}`;
  url.hash = '';
  return url;
}

/** A URL as it may be shown: what comes behind the path is nobody's business. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
