/**
 * Every error as the API's own JSON: `{"code": <http status>, "message"}`, with diagnostics where a definition is at
 * fault. Clients look at `code`, not at the status line. What is not ours becomes a sentence without any detail.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Socket } from 'node:net'
import { Refusal, type RefusalKind } from '../model/refusal.ts'
import { awayDependency, describeAway } from './away.ts'
import { REQUEST_ID } from './observe.ts'

const STATUS: Record<RefusalKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  mismatch: 422,
  // A definition that is too long is answered like any other definition that cannot be taken.
  'too-large': 400,
  unavailable: 503,
}

/** PostgreSQL's code for a text that it cannot hold. */
const NOT_A_TEXT = '22021'

export interface ErrorBody {
  code: number
  message: string
  diagnostics?: unknown[]
}

/** The answer to an error, whoever threw it. */
export function errorBody(error: unknown, requestId: string): ErrorBody {
  if (error instanceof Refusal) {
    const body: ErrorBody = { code: STATUS[error.kind], message: error.message }
    if (error.diagnostics?.length) body.diagnostics = error.diagnostics
    return body
  }
  const away = awayDependency(error)
  if (away) return { code: 503, message: describeAway(away) }
  if ((error as { code?: unknown }).code === NOT_A_TEXT)
    return { code: 400, message: 'a name or text in the request holds a NUL character' }
  const { statusCode, code, validation, message } = error as Partial<FastifyError>
  if (validation) return { code: 400, message: message ?? 'the request is not valid' }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return { code: 413, message: 'the request body is too large' }
  // Fastify's own complaints about a request: their texts are about its form only.
  if (code?.startsWith('FST_ERR_') && statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return { code: statusCode, message: message ?? 'the request is not valid' }
  return { code: 500, message: `an unexpected error in Rekey; its log has more under request ${requestId}` }
}

export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const body = errorBody(error, request.id)
  if (body.code >= 500)
    request.log[body.code === 503 ? 'warn' : 'error'](
      { err: error, away: awayDependency(error) },
      'request failed',
    )
  void reply
    .code(body.code)
    .header(REQUEST_ID, request.id)
    .header('X-Pulumi-Request-ID', request.id)
    .send(body)
}

export function handleNotFound(request: FastifyRequest, reply: FastifyReply): void {
  const path = request.url.split('?', 1)[0]
  void reply.code(404).send({ code: 404, message: `there is no ${request.method} ${path} here` })
}

/** What is no HTTP at all, or has headers beyond all measure. */
export function handleClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const code =
    error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const body = JSON.stringify({ code, message: 'the request is not understood as HTTP' })
  const head = `HTTP/1.1 ${code} Refused\r\nConnection: close\r\nContent-Type: application/json`
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}
