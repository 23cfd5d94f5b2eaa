/**
 * Spans as the rest of Rekey sees them. Off unless OpenTelemetry's own variables ask for them, and nothing of
 * OpenTelemetry is loaded then. Spans hold ids, codes and names of ours: never a text of people or of an error.
 */
import type { Logger } from 'pino'
import type { TracingSettings } from '../config/index.ts'
import { isFailureCode } from '../model/failures.ts'

export type Attributes = Record<string, string | number | boolean | undefined>

export interface SpanOptions {
  kind?: 'server' | 'client' | 'internal'
  /** A `traceparent`; the span around the caller when absent. */
  parent?: string | undefined
  attributes?: Attributes
  /** For a span that is written down after it was over. */
  startedAt?: Date
  /** For a span that others have named as theirs already. Without a parent it begins this trace. */
  ids?: { traceId: string; spanId: string }
}

export interface Span {
  set(attributes: Attributes): void
  /** It ended badly; `code` is a word of ours or of a protocol. */
  fail(code: string): void
  end(): void
  /** Spans that begin inside belong to this one. */
  within<T>(body: () => T): T
}

export interface Tracing {
  readonly isOn: boolean
  start(name: string, options?: SpanOptions): Span
  /** The `traceparent` of the span around the caller. */
  current(): string | undefined
  /** The `traceparent` of a span whose ids are known, in a trace that begins with it. */
  rootOf(ids: { traceId: string; spanId: string }): string | undefined
  /** For log lines. */
  traceId(): string | undefined
  /** Sends what has not been sent, within a few seconds. */
  close(): Promise<void>
}

const NO_SPAN: Span = { set: () => {}, fail: () => {}, end: () => {}, within: (body) => body() }

export const NO_TRACING: Tracing = {
  isOn: false,
  start: () => NO_SPAN,
  current: () => undefined,
  rootOf: () => undefined,
  traceId: () => undefined,
  close: () => Promise.resolve(),
}

/** One a process. `program`: what the spans' service is called unless OTEL_SERVICE_NAME says otherwise. */
export async function openTracing(
  program: string,
  settings: TracingSettings | { problem: string } | undefined,
  log: Pick<Logger, 'warn'>,
): Promise<Tracing> {
  if (settings === undefined) return NO_TRACING
  if ('problem' in settings) {
    log.warn(`${settings.problem}; there are no traces`)
    return NO_TRACING
  }
  const { createTracing } = await import('./opentelemetry.ts')
  return createTracing(program, settings, log)
}

/** Runs the body in a span of its own, and tells the span the code of what it threw. */
export async function traced<T>(
  tracing: Tracing,
  name: string,
  options: SpanOptions,
  body: (span: Span) => Promise<T>,
): Promise<T> {
  const span = tracing.start(name, options)
  try {
    return await span.within(() => body(span))
  } catch (error) {
    span.fail(codeOf(error))
    throw error
  } finally {
    span.end()
  }
}

/** A failure code where there is one, else the error's class: its text stays where it is. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const { code, type } = error as { code?: unknown; type?: unknown }
  return (
    [code, type].find((word): word is string => typeof word === 'string' && isFailureCode(word)) ??
    error.constructor.name
  )
}
