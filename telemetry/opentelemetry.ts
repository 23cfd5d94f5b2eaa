/** Spans by OpenTelemetry's SDK. Loaded only where traces are wanted, and the only file that knows it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type SpanContext,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  RandomIdGenerator,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type IdGenerator,
  type Sampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace'
import type { Logger } from 'pino'
import type { TracingSettings } from '../config/index.ts'
import { formatTraceparent, parseTraceparent } from '../model/trace-context.ts'
import type { Attributes, Span, SpanOptions, Tracing } from './tracing.ts'

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL }
/** Milliseconds that a program which ends waits for the collector. */
const LAST_EXPORT = 3_000
/** Milliseconds between two complaints about a collector that is away. */
const COMPLAIN_EVERY = 60_000

export function createTracing(
  program: string,
  settings: TracingSettings,
  log: Pick<Logger, 'warn'>,
): Tracing {
  const sampler = samplerOf(settings)
  const idGenerator = new GivenIds()
  const processor = new BatchSpanProcessor({
    exporter: complaining(
      settings.exporter === 'console' ? new ConsoleSpanExporter() : new OTLPTraceExporter(),
      log,
    ),
    ...(settings.exportEvery !== undefined && { scheduledDelayMillis: settings.exportEvery }),
  })
  const provider = new TracerProvider({
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES alone: other detectors would tell the command line and the user.
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': program }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler,
    idGenerator,
    spanProcessors: [processor],
  })
  const tracer = provider.getTracer('rekey')
  const surrounding = new AsyncLocalStorage<Context>()
  const current = () => trace.getSpanContext(surrounding.getStore() ?? ROOT_CONTEXT)

  const start = (name: string, options: SpanOptions = {}): Span => {
    const parent = parseTraceparent(options.parent)
    const context = parent
      ? trace.setSpanContext(ROOT_CONTEXT, remote(parent))
      : ((options.ids && ROOT_CONTEXT) ?? surrounding.getStore() ?? ROOT_CONTEXT)
    const span = idGenerator.using(options.ids, () =>
      tracer.startSpan(
        name,
        {
          kind: KINDS[options.kind ?? 'internal'],
          attributes: defined(options.attributes),
          ...(options.startedAt && { startTime: options.startedAt }),
        },
        context,
      ),
    )
    return {
      set: (attributes) => void span.setAttributes(defined(attributes)),
      fail: (code) => void span.setStatus({ code: SpanStatusCode.ERROR, message: code }),
      end: () => span.end(),
      within: (body) => surrounding.run(trace.setSpan(context, span), body),
    }
  }

  return {
    isOn: true,
    start,
    current: () => {
      const span = current()
      return span && formatTraceparent({ ...span, sampled: (span.traceFlags & TraceFlags.SAMPLED) !== 0 })
    },
    rootOf: ({ traceId, spanId }) => {
      const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId, '', SpanKind.INTERNAL, {}, [])
      return formatTraceparent({ traceId, spanId, sampled: decision === SamplingDecision.RECORD_AND_SAMPLED })
    },
    traceId: () => current()?.traceId,
    close: async () => {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, LAST_EXPORT)))
      await Promise.race([provider.shutdown().catch(() => {}), late])
      clearTimeout(timer)
    },
  }
}

/** Random ids, unless those of the span that is begun right now are known already. */
class GivenIds implements IdGenerator {
  readonly #random = new RandomIdGenerator()
  #given: SpanOptions['ids']

  using<T>(ids: SpanOptions['ids'], begin: () => T): T {
    this.#given = ids
    try {
      return begin()
    } finally {
      this.#given = undefined
    }
  }

  generateTraceId(): string {
    return this.#given?.traceId ?? this.#random.generateTraceId()
  }

  generateSpanId(): string {
    return this.#given?.spanId ?? this.#random.generateSpanId()
  }
}

function samplerOf({ sampledShare, followsParent }: TracingSettings): Sampler {
  const root = sampledShare === undefined ? new AlwaysOnSampler() : new TraceIdRatioBasedSampler(sampledShare)
  return followsParent ? new ParentBasedSampler({ root }) : root
}

function remote(parent: { traceId: string; spanId: string; sampled: boolean }): SpanContext {
  return {
    traceId: parent.traceId,
    spanId: parent.spanId,
    traceFlags: parent.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  }
}

function defined(attributes: Attributes = {}): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(attributes).filter(
      (pair): pair is [string, string | number | boolean] => pair[1] !== undefined,
    ),
  )
}

/** Says now and then that spans get lost, and nothing of the address or of the headers they were sent with. */
function complaining(exporter: SpanExporter, log: Pick<Logger, 'warn'>): SpanExporter {
  let complainedAt = -Infinity
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== 0 && performance.now() - complainedAt > COMPLAIN_EVERY) {
          complainedAt = performance.now()
          log.warn('the traces cannot be delivered to the collector; spans are dropped')
        }
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => await exporter.forceFlush?.(),
  }
}
