import Fastify, { type RouteOptions } from 'fastify';
import { JSON_TYPE } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { openApiDocument } from '../openapi.ts';

/** Nothing of the reference comes from elsewhere, and nothing goes elsewhere: it works without a network. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
  "style-src 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
].join('; ');

interface Reference {
  readonly page: string;
  readonly script: string;
}

/**
 * `/openapi.json` and `/docs`. The reference's 5 MB are loaded when somebody first looks, not at start.
 * @param routes what has been registered, filled until the start is complete
 */
export function docsRoutes(api: Api, { config, version }: ApiContext, routes: readonly RouteOptions[]): void {
  let document: string | undefined;
  let reference: Promise<Reference> | undefined;
  // Without a summary they stay out of the document: they are about it.
  const hidden = { config: { policy: 'open' } } as const;

  api.get('/openapi.json', hidden, (_request, reply) => {
    document ??= JSON.stringify(openApiDocument(routes, version, config.secretToken !== null));
    reply.header('content-type', JSON_TYPE).send(document);
  });

  api.get('/docs', hidden, async (_request, reply) => {
    reference ??= loadReference();
    const { page } = await reference;
    reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', CONTENT_SECURITY_POLICY)
      .send(page);
  });

  api.get('/docs/js/scalar.js', hidden, async (_request, reply) => {
    reference ??= loadReference();
    const { script } = await reference;
    reply
      .header('content-type', 'text/javascript; charset=utf-8')
      .header('cache-control', 'public, max-age=3600')
      .send(script);
  });
}

/** Has the plugin render its page and script once, in an instance of its own. */
async function loadReference(): Promise<Reference> {
  const { default: scalar } = await import('@scalar/fastify-api-reference');
  const app = Fastify({ routerOptions: { ignoreTrailingSlash: true } });
  await app.register(scalar, {
    routePrefix: '/docs',
    configuration: {
      url: '/openapi.json',
      pageTitle: 'ColonyOS Kernel API',
      cdn: '/docs/js/scalar.js',
      withDefaultFonts: false,
      proxyUrl: '',
      telemetry: false,
      authentication: { preferredSecurityScheme: 'bearer' },
      hideClientButton: true,
      showDeveloperTools: 'never',
      agent: { disabled: true },
      mcp: { disabled: true },
    },
  });
  const [page, script] = await Promise.all([app.inject('/docs/'), app.inject('/docs/js/scalar.js')]);
  await app.close();
  return { page: page.payload, script: script.payload };
}
