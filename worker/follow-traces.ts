/** Spans of activities and of workflow runs, in the trace of whoever asked for the run or in one of the run's own. */
import { defaultPayloadConverter, type Payload } from '@temporalio/common'
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker'
import { parseTraceparent, TRACE_HEADER, workflowSpanId, workflowTraceId } from '../model/trace-context.ts'
import { traced, type Tracing } from '../telemetry/tracing.ts'
import type { TracingSinks } from '../workflows/hand-trace-on.ts'

export function activitySpans(tracing: Tracing): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      execute: (input, next) => {
        const { workflowId, runId } = info.workflowExecution ?? { workflowId: '', runId: '' }
        return traced(
          tracing,
          `RunActivity ${info.activityType}`,
          {
            parent: traceparentIn(input.headers) ?? tracing.rootOf(idsOf(runId)),
            attributes: {
              temporalWorkflowId: workflowId,
              temporalRunId: runId,
              temporalActivityId: info.activityId,
              attempt: info.attempt,
            },
          },
          () => next(input),
        )
      },
    },
  })
}

/** Best effort, as all sinks: a run whose worker was lost may lack its span, and what belonged to it keeps its name. */
export function workflowSpans(tracing: Tracing): InjectedSinks<TracingSinks> {
  return {
    rekeyTracing: {
      ran: {
        callDuringReplay: false,
        fn: ({ workflowId, runId, workflowType }, { parent, startedAt }) => {
          const span = tracing.start(`RunWorkflow ${workflowType}`, {
            ...(parent !== null && { parent }),
            ids: idsOf(runId),
            startedAt: new Date(startedAt),
            attributes: { temporalWorkflowId: workflowId, temporalRunId: runId },
          })
          span.end()
        },
      },
    },
  }
}

function idsOf(runId: string): { traceId: string; spanId: string } {
  return { traceId: workflowTraceId(runId), spanId: workflowSpanId(runId) }
}

function traceparentIn(headers: Record<string, Payload>): string | undefined {
  try {
    const carrier: unknown =
      headers[TRACE_HEADER] && defaultPayloadConverter.fromPayload(headers[TRACE_HEADER])
    const { traceparent } = (carrier ?? {}) as { traceparent?: unknown }
    return parseTraceparent(traceparent) && (traceparent as string)
  } catch {
    // Somebody else's, in a form of his own.
    return undefined
  }
}
