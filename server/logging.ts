/** What the server's log holds of a request and of an error: never a header, a body, a query or a driver's text. */
import type { FastifyRequest } from 'fastify'
import type { LoggerOptions } from 'pino'
import { Refusal } from '../model/refusal.ts'
import { NO_TRACING, type Tracing } from '../telemetry/tracing.ts'

export function loggerOptions(level: string, tracing: Tracing = NO_TRACING): LoggerOptions {
  return {
    level,
    ...(tracing.isOn && { mixin: () => ({ traceId: tracing.traceId() }) }),
    base: { program: 'server' },
    redact: ['req.headers', 'res.headers', 'headers', '*.authorization', '*.token', '*.password'],
    serializers: {
      req: (request: FastifyRequest) => ({
        method: request.method,
        path: request.url.split('?', 1)[0],
        remoteAddress: request.ip,
      }),
      res: (reply: { statusCode: number }) => ({ statusCode: reply.statusCode }),
      err: describeError,
    },
  }
}

/** Kind, code and place of an error; its text only when it is one of ours, since others' may quote what they were given. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const { code } = error as { code?: unknown }
  return {
    type: error.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(error instanceof Refusal ? { message: error.message } : {}),
    stack: (error.stack ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .join('\n'),
  }
}
