/** When traces are wanted, by OpenTelemetry's own variables. */
import { expect, test } from 'vitest'
import { readTracing } from '../../config/index.ts'

const OTLP = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }

test.each<[string, Record<string, string>, ReturnType<typeof readTracing>]>([
  ['nothing', {}, undefined],
  ['an address', OTLP, { exporter: 'otlp', followsParent: true }],
  [
    'an address for traces alone',
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' },
    { exporter: 'otlp', followsParent: true },
  ],
  [
    'an exporter, at its own default address',
    { OTEL_TRACES_EXPORTER: 'otlp' },
    { exporter: 'otlp', followsParent: true },
  ],
  ['the console', { OTEL_TRACES_EXPORTER: 'console' }, { exporter: 'console', followsParent: true }],
  ['none in spite of an address', { ...OTLP, OTEL_TRACES_EXPORTER: 'none' }, undefined],
  ['all of it switched off', { ...OTLP, OTEL_SDK_DISABLED: 'true' }, undefined],
  ['an empty variable', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, undefined],
  ['a name alone', { OTEL_SERVICE_NAME: 'rekey' }, undefined],
  [
    'a share of those that begin here',
    { ...OTLP, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
    { exporter: 'otlp', followsParent: true, sampledShare: 0.25 },
  ],
  [
    'none of them at all',
    { ...OTLP, OTEL_TRACES_SAMPLER: 'always_off' },
    { exporter: 'otlp', followsParent: false, sampledShare: 0 },
  ],
  [
    'another interval',
    { ...OTLP, OTEL_BSP_SCHEDULE_DELAY: '100' },
    { exporter: 'otlp', followsParent: true, exportEvery: 100 },
  ],
])('%s', (_, env, settings) => {
  expect(readTracing(env)).toEqual(settings)
})

test.each([
  ['OTEL_TRACES_EXPORTER', 'zipkin'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
  ['OTEL_BSP_SCHEDULE_DELAY', 'soon'],
])('%s=%s is named, and its value is not shown', (name, value) => {
  const read = readTracing({ ...OTLP, [name]: value })
  expect(read).toEqual({ problem: expect.stringContaining(name) as string })
  expect(JSON.stringify(read)).not.toContain(value)
})

test('a share that is none', () => {
  const sampler = { ...OTLP, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: 'half' }
  expect(readTracing(sampler)).toEqual({ problem: expect.stringContaining('SAMPLER_ARG') as string })
})
