/**
 * What the outside learns of a request beside its answer: its id in a header, its duration by route, its span. The
 * address stays out of all of them, since it holds names.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { HttpMetrics } from '../telemetry/http-metrics.ts'
import type { Span, Tracing } from '../telemetry/tracing.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of this request; undefined where nobody traces. */
    span?: Span
  }
}

export const REQUEST_ID = 'X-Request-ID'

/** The id that a proxy in front of us gave the request, when it looks like one; else a new one. */
export function requestId(raw: Pick<IncomingMessage, 'headers'>): string {
  const given = raw.headers['x-request-id']
  return typeof given === 'string' && /^[\w.:-]{8,64}$/.test(given) ? given : randomUUID()
}

/** Call it before any other hook is added. */
export function observeRequests(app: FastifyInstance, metrics: HttpMetrics, tracing: Tracing): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header(REQUEST_ID, request.id)
    if (tracing.isOn && request.routeOptions.logLevel !== 'warn') {
      const { traceparent } = request.headers
      request.span = tracing.start(`${request.method} ${request.routeOptions.url ?? 'none'}`, {
        kind: 'server',
        parent: typeof traceparent === 'string' ? traceparent : undefined,
        attributes: {
          'http.request.method': request.method,
          'http.route': request.routeOptions.url,
          'rekey.request.id': request.id,
        },
      })
    }
    done()
  })
  // Not earlier: what reads the body does not keep the context that it was begun in.
  app.addHook('preHandler', (request, reply, done) => {
    nameEnvironment(request, reply)
    if (request.span) request.span.within(done)
    else done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const { statusCode } = reply
    metrics.answered(request.method, request.routeOptions.url, statusCode, reply.elapsedTime / 1000)
    request.span?.set({ 'http.response.status_code': statusCode })
    if (statusCode >= 500) request.span?.fail(String(statusCode))
    request.span?.end()
    done()
  })
}

/** From here on the request's log lines and its span name the event that it asked for or waits for. */
export function nameEvent(request: FastifyRequest, reply: FastifyReply, eventId: string): void {
  request.span?.set({ 'rekey.event.id': eventId })
  reply.log = request.log = request.log.child({ eventId })
}

function nameEnvironment(request: FastifyRequest, reply: FastifyReply): void {
  // Absent where the route has none.
  const { id } = (request.environment ?? {}) as { id?: string }
  if (id === undefined) return
  request.span?.set({ 'rekey.environment.id': id })
  reply.log = request.log = request.log.child({ environmentId: id })
}
