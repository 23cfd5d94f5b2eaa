/** Gives the workflows that are started, and the messages that are sent to them, the trace of who does it. */
import type { Headers, WorkflowClientInterceptor } from '@temporalio/client'
import { defaultPayloadConverter } from '@temporalio/common'
import { TRACE_HEADER } from '../model/trace-context.ts'
import { traced, type Tracing } from '../telemetry/tracing.ts'

export function handTraceOn(tracing: Tracing): WorkflowClientInterceptor {
  const inSpan = <T>(name: string, send: () => Promise<T>) => traced(tracing, name, { kind: 'client' }, send)
  const withTrace = (headers: Headers): Headers => {
    const traceparent = tracing.current()
    if (traceparent === undefined) return headers
    return { ...headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload({ traceparent })! }
  }
  return {
    startWithDetails: (input, next) =>
      inSpan(`StartWorkflow ${input.workflowType}`, () =>
        next({ ...input, headers: withTrace(input.headers) }),
      ),
    startUpdateWithStart: (input, next) =>
      inSpan(`UpdateWithStartWorkflow ${input.workflowType}`, () =>
        next({
          ...input,
          workflowStartHeaders: withTrace(input.workflowStartHeaders),
          updateHeaders: withTrace(input.updateHeaders),
        }),
      ),
  }
}
