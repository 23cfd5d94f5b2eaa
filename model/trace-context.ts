/**
 * The trace that work belongs to, as it is handed on: W3C's `traceparent`. Pure, so that workflows may use it. A workflow
 * has no span of its own while it runs; its span's id follows from its run's id, so that everybody names the same one.
 */

/** The Temporal header that carries it: the one that Temporal's own tracing uses, with the same content. */
export const TRACE_HEADER = '_tracer-data'

export interface TraceContext {
  /** 32 hexadecimal digits. */
  traceId: string
  /** 16 hexadecimal digits: the span that what comes next belongs to. */
  spanId: string
  sampled: boolean
}

/** Undefined for whatever is no `traceparent`. */
export function parseTraceparent(text: unknown): TraceContext | undefined {
  if (typeof text !== 'string') return undefined
  const [, version, traceId, spanId, flags] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/.exec(text) ?? []
  if (!traceId || !spanId || !flags || version === 'ff') return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, sampled: (parseInt(flags, 16) & 1) === 1 }
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}

/** The span of a workflow run. Its half of the run's id is random in every version of UUID. */
export function workflowSpanId(runId: string): string {
  return runId.replaceAll('-', '').slice(16)
}

/** The trace of a run that nobody's trace led to, such as one that a schedule started. */
export function workflowTraceId(runId: string): string {
  return runId.replaceAll('-', '')
}
