/** Spans without the programs: nothing is loaded when they are off, ids and parents are right, an absent collector costs nothing. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RotationFailure } from '../../model/failures.ts'
import { parseTraceparent, workflowSpanId, workflowTraceId } from '../../model/trace-context.ts'
import { NO_TRACING, openTracing, traced } from '../../telemetry/tracing.ts'
import { startCollector, type Collector } from './collector.ts'

const run = promisify(execFile)
const RUN_ID = '0198c1de-7a1b-7c3d-9e4f-0123456789ab'
const ON = { exporter: 'otlp', followsParent: true } as const

let collector: Collector
const warned: string[] = []
const log = { warn: (text: string) => void warned.push(text) } as never

beforeEach(async () => {
  collector = await startCollector()
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url)
  warned.length = 0
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await collector.close()
})

test('off: no span, and nothing of the SDK is loaded by a whole server and worker', async () => {
  expect(await openTracing('rekey-server', undefined, log)).toBe(NO_TRACING)
  const script = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ load: (url, context, next) => (seen.push(url), next(url, context)) })
    await import('./server/main.ts')
    await import('./worker/main.ts')
    const { openTracing } = await import('./telemetry/tracing.ts')
    const { readTracing } = await import('./config/index.ts')
    const tracing = await openTracing('rekey-server', readTracing(), console)
    const sdk = seen.filter((url) => /@opentelemetry\\/(?!api\\/)|opentelemetry\\.ts$/.test(url))
    console.log(JSON.stringify({ isOn: tracing.isOn, seen: seen.length, sdk }))
    process.exit(0)`
  const load = async (env: Record<string, string>) => {
    const { stdout } = await run(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
      {
        cwd: new URL('../..', import.meta.url),
        env,
      },
    )
    return JSON.parse(stdout) as { isOn: boolean; seen: number; sdk: string[] }
  }
  const off = await load({})
  expect(off).toMatchObject({ isOn: false, sdk: [] })
  expect(off.seen).toBeGreaterThan(100)
  // The look must be able to find it.
  const on = await load({ OTEL_TRACES_EXPORTER: 'otlp' })
  expect(on.isOn).toBe(true)
  expect(on.sdk.length).toBeGreaterThan(3)
}, 150_000)

test('what is wanted and cannot be had is told once, and costs nothing else', async () => {
  expect(await openTracing('rekey-server', { problem: 'OTEL_X must be y' }, log)).toBe(NO_TRACING)
  expect(warned).toEqual(['OTEL_X must be y; there are no traces'])
})

test('spans nest by the work inside them, also across what waits', async () => {
  const tracing = await openTracing('rekey-server', ON, log)
  await traced(tracing, 'outer', {}, async () => {
    await Promise.all(['a', 'b'].map((name) => traced(tracing, name, {}, () => Promise.resolve())))
  })
  await tracing.close()
  const [outer] = collector.spans.filter(({ name }) => name === 'outer')
  expect(collector.spans.map(({ name }) => name).toSorted()).toEqual(['a', 'b', 'outer'])
  expect(outer).toMatchObject({ service: 'rekey-server', parentSpanId: '' })
  for (const { traceId, parentSpanId, name } of collector.spans)
    if (name !== 'outer')
      expect({ traceId, parentSpanId }).toEqual({ traceId: outer!.traceId, parentSpanId: outer!.spanId })
})

test('a failure is told by its code or its class, never by its text', async () => {
  const tracing = await openTracing('rekey-worker', ON, log)
  for (const error of [new RotationFailure('LOGIN_FAILED', 'canary words'), new TypeError('canary text')])
    await expect(traced(tracing, 'step', {}, () => Promise.reject(error))).rejects.toBe(error)
  await tracing.close()
  expect(collector.spans.map(({ failure }) => failure)).toEqual(['LOGIN_FAILED', 'TypeError'])
  expect(Buffer.concat(collector.bodies).toString('latin1')).not.toContain('canary')
})

test('a run that nobody’s trace led to begins one, whose ids follow from its own', async () => {
  const tracing = await openTracing('rekey-worker', ON, log)
  const ids = { traceId: workflowTraceId(RUN_ID), spanId: workflowSpanId(RUN_ID) }
  const parent = tracing.rootOf(ids)!
  expect(parseTraceparent(parent)).toEqual({ ...ids, sampled: true })
  await traced(tracing, 'activity', { parent }, () => Promise.resolve())
  tracing.start('run', { ids, startedAt: new Date(Date.now() - 5_000) }).end()
  await tracing.close()
  const [activity, workflow] = ['activity', 'run'].map((name) =>
    collector.spans.find((span) => span.name === name)!,
  )
  expect(workflow).toMatchObject({ ...ids, parentSpanId: '' })
  expect(activity).toMatchObject({ traceId: ids.traceId, parentSpanId: ids.spanId })
  expect(workflow!.endedAt - workflow!.startedAt).toBeGreaterThanOrEqual(4_900)
})

test('who does not sample is followed, and a share of 0 samples nothing that begins here', async () => {
  const tracing = await openTracing('rekey-worker', { ...ON, sampledShare: 0 }, log)
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7'
  await traced(tracing, 'ours', {}, () => Promise.resolve())
  await traced(tracing, 'unsampled', { parent: `00-${trace}-00` }, () => Promise.resolve())
  await traced(tracing, 'sampled', { parent: `00-${trace}-01` }, () => Promise.resolve())
  expect(
    parseTraceparent(tracing.rootOf({ traceId: workflowTraceId(RUN_ID), spanId: workflowSpanId(RUN_ID) })),
  ).toMatchObject({ sampled: false })
  await tracing.close()
  expect(collector.spans.map(({ name }) => name)).toEqual(['sampled'])
})

test('a collector that is away delays no end and is complained about once, without its address', async () => {
  const { url } = collector
  await collector.close()
  const tracing = await openTracing('rekey-worker', { ...ON, exportEvery: 10 }, log)
  for (let round = 0; round < 3; round += 1) {
    await traced(tracing, 'step', {}, () => Promise.resolve())
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const startedAt = performance.now()
  await tracing.close()
  expect(performance.now() - startedAt).toBeLessThan(4_500)
  expect(warned.length).toBeLessThanOrEqual(1)
  expect(warned.join()).not.toContain(url)
}, 20_000)

test.each([
  '',
  'x',
  '00-0-0-01',
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `ff-${'1'.repeat(32)}-${'1'.repeat(16)}-01`,
  7,
  null,
])('%j is no traceparent', (text) => {
  expect(parseTraceparent(text)).toBeUndefined()
})
