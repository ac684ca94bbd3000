import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyReply, type FastifyRequest, type RouteOptions } from 'fastify';
import type { Logger } from 'pino';
import type { Kernel } from '../body/kernel.ts';
import type { Config } from '../config.ts';
import { Refusal } from '../core/errors.ts';
import type { Signer } from '../core/signer.ts';
import { MAX_BODY, parseJsonBody, refuseMediaType } from './body.ts';
import type { Api, ApiContext } from './context.ts';
import { clientErrorHandler, errorHandler } from './fault.ts';
import { Gate } from './gate.ts';
import { Intake } from './intake.ts';
import type { Metrics } from './metrics.ts';
import { requirePolicy } from './policy.ts';
import { sendRefusal } from './problem.ts';
import { auditRoutes } from './routes/audit.ts';
import { batchRoute } from './routes/batch.ts';
import { checkpointRoutes } from './routes/checkpoints.ts';
import { claimRoute } from './routes/claim.ts';
import { docsRoutes } from './routes/docs.ts';
import { exportRoutes } from './routes/export.ts';
import { guardianRoutes } from './routes/guardian.ts';
import { healthRoutes } from './routes/health.ts';
import { leaseRoutes } from './routes/leases.ts';
import { memoryRoutes } from './routes/memory.ts';
import { mindRoutes } from './routes/mind.ts';
import { planRoutes } from './routes/plans.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { submitRoute } from './routes/submit.ts';
import { submitPlanRoute } from './routes/submit-plan.ts';
import { systemRoutes } from './routes/system.ts';
import { taskRoutes } from './routes/tasks.ts';
import { voteRoutes } from './routes/votes.ts';
import { workerRoutes } from './routes/workers.ts';
import { taskInput } from './schemas/task.ts';
import { Shutdown } from './shutdown.ts';
import { Sockets } from './sockets.ts';
import { type EventStream, eventStreamRoute } from './sse.ts';
import { validatorCompiler } from './validate.ts';

export interface ApiOptions {
  readonly kernel: Kernel;
  readonly signer: Signer;
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly version: string;
}

export interface ApiServer {
  readonly app: Api;
  /** Answers the URL it listens on. */
  listen(): Promise<string>;
  /** Stops taking requests, answers what is in flight, stops the kernel, ends the event streams. */
  stop(): Promise<void>;
}

/** The kernel's HTTP and WebSocket face. */
export async function createApi(options: ApiOptions): Promise<ApiServer> {
  const { config, log } = options;
  const stopping = new AbortController();
  const context: ApiContext = { ...options, stopping: stopping.signal };
  const gate = new Gate(config, stopping.signal);
  const app = createApp(log, gate);
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    requirePolicy(route);
    route.onRequest = gate.hook(route.config!.policy!, route.config!.maxBody);
    routes.push(route);
  });
  const streams = new Set<EventStream>();
  registerRoutes(app, context, routes, streams);
  await app.ready();

  const sockets = new Sockets(context, gate);
  const server = app.server as Server;
  server.on('upgrade', (request: IncomingMessage, connection: Socket, head: Buffer) => {
    void sockets.upgrade(request, connection, head);
  });
  const shutdown = new Shutdown({ server, sockets, streams, stopping, kernel: options.kernel });
  return {
    app,
    listen: () => app.listen({ port: config.port, host: config.host }),
    stop: () => shutdown.run(),
  };
}

function createApp(log: Logger, gate: Gate): Api {
  const unknown = gate.hook(null);
  const notFound = (request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split('?', 1)[0]!.slice(0, 200);
    sendRefusal(
      reply,
      new Refusal('not_found', `There is no ${request.method} ${path}. GET /openapi.json lists the routes.`),
    );
  };
  const app = Fastify({
    // Requests are not logged one by one, and a request has no logger of its own: both cost too much here.
    logger: false,
    genReqId: () => '',
    bodyLimit: MAX_BODY,
    requestTimeout: 60_000,
    keepAliveTimeout: 72_000,
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 2000 },
    // `Upgrade: h2c` and the like are answered as plain requests (Node 24.9 and later ask).
    http: {
      shouldUpgradeCallback: (request: IncomingMessage) => /^websocket$/i.test(request.headers.upgrade ?? ''),
    } as object,
    clientErrorHandler: (fault, socket) => clientErrorHandler(fault, socket as Socket),
    // A path that cannot be decoded is no route; whoever asks must still be somebody.
    frameworkErrors: (_fault, request, reply) => {
      unknown(request as FastifyRequest, reply as FastifyReply, () =>
        notFound(request as FastifyRequest, reply as FastifyReply),
      );
    },
  }) as unknown as Api;
  app.decorateRequest('principal');
  app.setValidatorCompiler(validatorCompiler);
  app.setErrorHandler(errorHandler(log));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(/^application\/([\w.!#$&^-]+\+)?json$/, parseJsonBody);
  app.addContentTypeParser('application/json', parseJsonBody);
  app.addContentTypeParser('*', refuseMediaType);
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) unknown(request, reply, done);
    else done();
  });
  app.setNotFoundHandler(notFound);
  return app;
}

function registerRoutes(
  app: Api,
  context: ApiContext,
  routes: readonly RouteOptions[],
  streams: Set<EventStream>,
): void {
  const intake = new Intake(context.kernel.maker);
  const input = taskInput(context.config.maxTimeoutSeconds);
  submitRoute(app, context, intake, input);
  batchRoute(app, context, intake, input);
  taskRoutes(app, context);
  submitPlanRoute(app, context, intake, input);
  planRoutes(app, context);
  workerRoutes(app, context);
  voteRoutes(app, context);
  scheduleRoutes(app, context, input);
  checkpointRoutes(app, context);
  exportRoutes(app, context);
  guardianRoutes(app, context, intake, input);
  mindRoutes(app, context, intake, input);
  memoryRoutes(app, context);
  claimRoute(app, context);
  leaseRoutes(app, context);
  eventStreamRoute(app, context, streams);
  healthRoutes(app, context);
  systemRoutes(app, context);
  auditRoutes(app, context);
  docsRoutes(app, context, routes);
}
