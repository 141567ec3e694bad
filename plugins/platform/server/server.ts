import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  type RawServerDefault,
} from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Catalogue } from '../../../kernel/catalogue.ts';
import { packageFolder } from '../../../kernel/native.ts';
import { errorSchema } from '../api.ts';
import type { Database } from '../database/database.ts';
import type { Queue } from '../queue.ts';
import type { Runs } from '../runs.ts';
import type { Store } from '../store/store.ts';
import { Tokens } from '../tokens.ts';
import { DirectOffice } from '../worker/direct-office.ts';
import type { Office } from '../worker/office.ts';
import { Boards } from './boards.ts';
import { Checker } from './check.ts';
import { documentOptions } from './document.ts';
import { answerErrors } from './errors.ts';
import { guard, tokenOf } from './guard.ts';
import { Inspector } from './inspector.ts';
import { usualLimits, type Limits } from './limits.ts';
import { Live } from './live.ts';
import { noteMethods } from './methods.ts';
import { servePage } from './page.ts';
import { Refused } from './refused.ts';
import * as routes from './routes/index.ts';
import { RunReader } from './run-reader.ts';
import { Uploads } from './uploads.ts';
import { validatorCompiler } from './validation.ts';

export interface ServerOptions {
  readonly database: Database;
  readonly queue: Queue;
  readonly runs: Runs;
  readonly store: Store;
  readonly catalogue: Catalogue;
  /** Files and packages that `--plugin` named: processes that the server starts load them too. */
  readonly plugins?: readonly string[];
  readonly version: string;
  /** For files while they come in. */
  readonly folder: string;
  /** Whether the server can be reached from its own machine only (default true). */
  readonly loopback?: boolean;
  /** Whether a token is asked for (default: where others can reach it). */
  readonly tokens?: boolean;
  /** Names by which the server may be called, beside its own. */
  readonly hosts?: readonly string[];
  /** Folder of the page (default: where it was built). */
  readonly page?: string;
  readonly limits?: Partial<Limits>;
  readonly logger?: FastifyServerOptions['logger'];
}

/** What routes work with. */
export interface Parts {
  readonly database: Database;
  readonly office: Office;
  readonly runs: Runs;
  readonly store: Store;
  readonly catalogue: Catalogue;
  readonly version: string;
  /** For files while they come in. */
  readonly folder: string;
  readonly limits: Limits;
  readonly tokens: Tokens;
  readonly tokensRequired: boolean;
  readonly reader: RunReader;
  readonly checker: Checker;
  readonly live: Live;
  readonly boards: Boards;
  readonly uploads: Uploads;
}

/** An application of which routes know their schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Serves the platform over HTTP: everything under `/api`, as api.ts and `/api/openapi.json` say, and the page. */
export function createServer(options: ServerOptions): FastifyInstance {
  const { database, store, catalogue, plugins, version, folder, loopback = true, hosts = [], logger = false } = options;
  const limits = { ...usualLimits, ...options.limits };
  const tokensRequired = options.tokens ?? !loopback;
  const app = Fastify({
    logger,
    bodyLimit: 2 ** 20,
    requestTimeout: 600_000,
    forceCloseConnections: true,
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 200 },
  });
  app.setValidatorCompiler(validatorCompiler as never);
  app.setSerializerCompiler(serializerCompiler);
  answerErrors(app);

  const report = (error: Error) => app.log.error(error);
  const reader = new RunReader(database, limits.line);
  const inspectors = { data: new Inspector(plugins), files: new Inspector(plugins) };
  const uploads = new Uploads(database, store, inspectors.files, folder, limits);
  const parts: Parts = {
    ...options,
    office: new DirectOffice(options),
    limits,
    tokens: new Tokens(database),
    tokensRequired,
    reader,
    checker: new Checker(database, catalogue, inspectors.data, uploads, limits.planRuns),
    live: new Live(database, reader, 1000 * limits.beat, report),
    boards: new Boards(database),
    uploads,
  };
  app.addHook('onReady', () => parts.live.open());
  app.addHook('preClose', () => parts.live.close());
  app.addHook('onClose', () => {
    inspectors.data.close();
    inspectors.files.close();
  });

  /** Tokens of workers, as long as they are good: limits do not hold them up. */
  const workers = new Set<string>();
  // before the limits, which look at routes as they come
  app.addHook('onRoute', route => {
    const changes = route.method !== 'GET' && route.url !== '/api/check';
    if (changes) route.config = { rateLimit: { max: limits.changes }, ...route.config };
  });
  void app.register(rateLimit, {
    max: limits.requests,
    timeWindow: '1 minute',
    allowList: request =>
      request.routeOptions.config.scope === 'work' && (!tokensRequired || workers.has(tokenOf(request) ?? '')),
    addHeadersOnExceeding: noRateHeaders,
    addHeaders: { ...noRateHeaders, 'retry-after': true },
    errorResponseBuilder: (_request, { ttl }) =>
      new Refused(429, 'too many requests', { retryAfter: Math.ceil(ttl / 1000) }),
  });
  void app.register(async app => {
    guard(app, { beat: limits.beat, tokens: parts.tokens, workers, required: tokensRequired, loopback, hosts });
    secureHeaders(app);
    await app.register(
      async api => {
        await api.register(swagger, documentOptions(version, tokensRequired));
        api.addHook('onRoute', route => {
          route.schema = {
            ...route.schema,
            response: { '4xx': errorSchema, '5xx': errorSchema, ...(route.schema?.response as object | undefined) },
          };
        });
        api.addHook('onSend', async (_request, reply) => {
          if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
        });
        api.removeContentTypeParser('text/plain');
        const refuseOtherMethods = noteMethods(api);
        for (const add of Object.values(routes)) add(api.withTypeProvider<ZodTypeProvider>(), parts);
        api.get('/openapi.json', { schema: { hide: true } as object }, () => api.swagger());
        api.after(refuseOtherMethods);
      },
      { prefix: '/api' },
    );
    await servePage(app, options.page ?? join(packageFolder, 'dist', 'plugins', 'platform', 'web'));
  });
  return app;
}

const noRateHeaders = { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false };

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

function secureHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
  });
}
