/** A collector of traces as OpenTelemetry's OTLP over HTTP knows it: keeps what it is sent, as bytes and as spans. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { parse } from 'protobufjs'

export interface CollectedSpan {
  service: string
  name: string
  traceId: string
  spanId: string
  /** Empty for the first one of a trace. */
  parentSpanId: string
  attributes: Record<string, string | number | boolean>
  /** The code of a span that failed. */
  failure: string | undefined
  startedAt: number
  endedAt: number
}

export interface Collector {
  url: string
  spans: CollectedSpan[]
  bodies: Buffer[]
  headers: IncomingHttpHeaders[]
  close(): Promise<void>
}

/** As much of opentelemetry/proto/trace/v1 as the test looks at. */
const ExportRequest = parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; Status status = 15;
  }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
`).root.lookupType('Request')

interface KeyValue {
  key: string
  value: Record<string, string | number | boolean>
}
interface RawSpan {
  traceId: Buffer
  spanId: Buffer
  parentSpanId: Buffer
  name: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: KeyValue[]
  status: { message: string; code: number } | null
}
interface RawRequest {
  resourceSpans: { resource: { attributes: KeyValue[] }; scopeSpans: { spans: RawSpan[] }[] }[]
}

export async function startCollector(): Promise<Collector> {
  const collected: Pick<Collector, 'spans' | 'bodies' | 'headers'> = { spans: [], bodies: [], headers: [] }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const sent = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
      if (request.url === '/v1/traces' && request.method === 'POST') {
        collected.headers.push(request.headers)
        collected.bodies.push(body)
        collected.spans.push(...spansOf(body))
      }
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...collected,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

function spansOf(body: Buffer): CollectedSpan[] {
  const request = ExportRequest.toObject(ExportRequest.decode(body), {
    longs: String,
    bytes: Buffer,
    arrays: true,
    defaults: true,
    oneofs: false,
  }) as unknown as RawRequest
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service: String(valuesOf(resource.attributes)['service.name']),
        name: span.name,
        traceId: span.traceId.toString('hex'),
        spanId: span.spanId.toString('hex'),
        parentSpanId: span.parentSpanId.toString('hex'),
        attributes: valuesOf(span.attributes),
        failure: span.status?.code === 2 ? span.status.message : undefined,
        startedAt: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
        endedAt: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
      })),
    ),
  )
}

function valuesOf(attributes: KeyValue[]): CollectedSpan['attributes'] {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0] ?? '']))
}
