import { matching, optional, seconds, type ValueParser, variable } from './config-values.ts';

/** What `COLONY_EMBEDDINGS_MODEL` may be without an endpoint. */
const BUILT_IN = ['local', 'ngrams'] as const;

/** Where an endpoint is. A password in the URL would be shown wherever the URL is. */
function endpointUrl(): ValueParser<string> {
  const { allowed, parse } = matching(
    /^https?:\/\/[^\s@]{1,4000}$/i,
    'a URL such as https://api.openai.com/v1, without user or password',
  );
  return { allowed, parse: (text) => (URL.canParse(text) ? parse(text) : undefined) };
}

function modelName(): ValueParser<string> {
  return matching(/^[\x21-\x7e]{1,200}$/, 'the name of a model; without COLONY_EMBEDDINGS_URL: local or ngrams');
}

/** Who turns texts into vectors. */
export const EMBEDDINGS = {
  embeddingsUrl: optional(
    'COLONY_EMBEDDINGS_URL',
    endpointUrl(),
    'An OpenAI-compatible API that turns texts into vectors; unset, this is done here. See [embeddings](embeddings.md)',
  ),
  embeddingsModel: optional(
    'COLONY_EMBEDDINGS_MODEL',
    modelName(),
    'The model of that endpoint. Without one, `local` or `ngrams`; unset it is `local` where that is installed, otherwise `ngrams`',
  ),
  embeddingsApiKey: optional(
    'COLONY_EMBEDDINGS_API_KEY',
    matching(/^[\x21-\x7e]{1,4096}$/, '1 to 4096 printable ASCII characters without spaces'),
    'Sent to that endpoint as `Authorization: Bearer <key>`, and nowhere else',
    true,
  ),
  embeddingsTimeoutSeconds: variable(
    'COLONY_EMBEDDINGS_TIMEOUT_SECONDS',
    '30',
    // For the first byte of an answer `fetch` itself waits no longer.
    seconds(0.1, 300),
    'How long one request to that endpoint may take. Fractions are allowed',
  ),
} as const;

/** What does not fit together, in one line; null: it does. */
export function embeddingsFault(url: string | null, model: string | null): string | null {
  if (url !== null && model === null) {
    return 'COLONY_EMBEDDINGS_MODEL "" is not allowed with COLONY_EMBEDDINGS_URL: it must be the name of a model that the endpoint has';
  }
  if (url === null && model !== null && !BUILT_IN.some((name) => name === model)) {
    return `COLONY_EMBEDDINGS_MODEL ${JSON.stringify(model)} is not allowed without COLONY_EMBEDDINGS_URL: it must be one of ${BUILT_IN.join(', ')}; or set the URL of the endpoint that has it`;
  }
  return null;
}
