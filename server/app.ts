/** The HTTP API as one fastify instance: hooks in their order, then the routes. Listens to nothing by itself. */
import fastify, { type FastifyInstance } from 'fastify'
import { pino, type Logger } from 'pino'
import { authenticate } from './authenticate.ts'
import { authorize, authorizeBody, bodyDecides, demandRule } from './authorize.ts'
import { BODY_LIMIT, readBody } from './body.ts'
import { handleClientError, handleError, handleNotFound } from './errors.ts'
import { loggerOptions } from './logging.ts'
import { observeRequests, requestId } from './observe.ts'
import { RequestLog, RequestLogger } from './request-log.ts'
import { routes } from './routes/index.ts'
import type { Services } from './services.ts'
import { NO_HTTP_METRICS, type HttpMetrics } from '../telemetry/http-metrics.ts'
import { NO_TRACING, type Tracing } from '../telemetry/tracing.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Fires when the server is about to close: whoever waits for something long must come to an end. */
    stopping: AbortSignal
  }
}

export interface AppOptions {
  /** Nothing is logged when absent. */
  logLevel?: string
  /** Where the log goes; standard output when absent. */
  logTo?: { write(line: string): void }
  metrics?: HttpMetrics
  tracing?: Tracing
  /** Milliseconds that connections have to come to an end when the server ends. */
  patience?: number
}

/** Milliseconds for a request to arrive, its body included: who sends slowly must not hold a connection for ever. */
const ARRIVAL_LIMIT = 60_000
const PATIENCE = 10_000

export function createApp(services: Services, options: AppOptions = {}): FastifyInstance {
  const { metrics = NO_HTTP_METRICS, tracing = NO_TRACING, patience = PATIENCE } = options
  const logging = loggerOptions(options.logLevel ?? 'silent', tracing)
  const { redact: _nothingToRedact, ...plain } = logging
  const app = fastify({
    logger: { ...logging, ...(options.logTo && { stream: options.logTo }) },
    // Routes that have a level of their own get a logger at once.
    childLoggerFactory: (logger, bindings, own) =>
      own.level === undefined ? new RequestLogger(logger as Logger, bindings) : logger.child(bindings, own),
    logController: new RequestLog(pino(plain, options.logTo)),
    genReqId: requestId,
    bodyLimit: BODY_LIMIT,
    requestTimeout: ARRIVAL_LIMIT,
    forceCloseConnections: 'idle',
    frameworkErrors: handleError,
    clientErrorHandler: handleClientError,
    routerOptions: {
      // The SDK reads a property at `open//<session>`.
      ignoreDuplicateSlashes: true,
      ignoreTrailingSlash: true,
      maxParamLength: 1024,
    },
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false },
    },
    schemaErrorFormatter: ([first], part) =>
      new Error(
        `the ${part === 'querystring' ? 'query' : part}${(first?.instancePath ?? '').replaceAll('/', '.')} ${first?.message ?? 'is not valid'}`,
      ),
  })
  app.setErrorHandler(handleError)
  app.setNotFoundHandler(handleNotFound)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.decorateRequest('login', '')
  observeRequests(app, metrics, tracing)
  const stopping = new AbortController()
  app.decorate('stopping', stopping.signal)
  app.addHook('preClose', async () => {
    stopping.abort()
    // Who sends or reads slowly must not hold up the end.
    setTimeout(() => app.server.closeAllConnections(), patience).unref()
  })
  // Kept alive after the idle ones were closed, a connection would hold up the end until its client goes.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (stopping.signal.aborted) reply.header('Connection', 'close')
    done()
  })
  app.addHook('onRoute', demandRule)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('Cache-Control', 'no-store').header('X-Content-Type-Options', 'nosniff')
    // Before the body is read: nobody knows who sends it.
    if (request.is404) {
      handleNotFound(request, reply)
      return reply
    }
    const access = request.routeOptions.config.access
    if (access === undefined || access === 'anyone') return
    await services.demandKey()
    await authenticate(services, request)
    await authorize(services.db, request)
  })
  app.addHook('preValidation', (request, _reply, done) => {
    readBody(request)
    done()
  })
  app.addHook('preHandler', async (request) => {
    if (bodyDecides(request)) await authorizeBody(services.db, request)
  })
  for (const route of routes) app.register(async (scope) => route(scope, services))
  return app
}
