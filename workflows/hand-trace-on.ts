/**
 * Hands the trace of whoever asked on to the activities, with the run's own span between the two. Changes no command but
 * by its headers, so it may be added to and taken from running workflows. Without a trace it adds nothing.
 */
import { defaultPayloadConverter, type Headers } from '@temporalio/common'
import { proxySinks, workflowInfo, type Sinks, type WorkflowInterceptorsFactory } from '@temporalio/workflow'
import { formatTraceparent, parseTraceparent, TRACE_HEADER, workflowSpanId } from '../model/trace-context.ts'

export interface TracingSinks extends Sinks {
  rekeyTracing: {
    /** A run, or the part of one that belonged to a trace, is over now. `startedAt`: milliseconds since 1970. */
    ran(span: { parent: string | null; startedAt: number }): void
  }
}

/** What it plans belongs to who asked last, and so does what follows from that plan. */
const TURNING_POINT = 'planRotation'

export const interceptors: WorkflowInterceptorsFactory = () => {
  const { rekeyTracing } = proxySinks<TracingSinks>()
  let heard: string | null = null
  let current: { parent: string | null; startedAt: number } | undefined

  const hear = (headers: Headers) => {
    heard = traceparentIn(headers) ?? heard
  }
  const endPart = () => {
    if (current && !workflowInfo().unsafe.isReplaying) rekeyTracing.ran(current)
  }
  const turn = () => {
    if (current?.parent === heard) return
    endPart()
    current = { parent: heard, startedAt: Date.now() }
  }
  const withTrace = (headers: Headers): Headers => {
    const trace = parseTraceparent(current?.parent)
    if (!trace) return headers
    const traceparent = formatTraceparent({ ...trace, spanId: workflowSpanId(workflowInfo().runId) })
    return { ...headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload({ traceparent })! }
  }

  return {
    inbound: [
      {
        execute: async (input, next) => {
          hear(input.headers)
          turn()
          try {
            return await next(input)
          } finally {
            endPart()
          }
        },
        handleUpdate: async (input, next) => {
          hear(input.headers)
          return await next(input)
        },
        handleSignal: async (input, next) => {
          hear(input.headers)
          await next(input)
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next({ ...input, headers: withTrace(input.headers) }),
        scheduleLocalActivity: (input, next) => {
          if (input.activityType === TURNING_POINT) turn()
          return next({ ...input, headers: withTrace(input.headers) })
        },
      },
    ],
  }
}

function traceparentIn(headers: Headers): string | undefined {
  const payload = headers[TRACE_HEADER]
  if (!payload) return undefined
  try {
    const carrier: unknown = defaultPayloadConverter.fromPayload(payload)
    const { traceparent } = (carrier ?? {}) as { traceparent?: unknown }
    return parseTraceparent(traceparent) && (traceparent as string)
  } catch {
    // Somebody else's, in a form of his own.
    return undefined
  }
}
