/**
 * One rotation as operators find it, on the programs themselves: its log lines by the event's id, its spans as one trace
 * at a real collector, its counts in `/metrics`. Nothing of it is secret.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SDK_METRICS } from '../../docs/metrics-page.ts'
import { rotateCall, startLine, type Line } from '../support/line.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'
import { startCollector, type CollectedSpan, type Collector } from './collector.ts'
import { startPrograms, type Programs } from './programs.ts'

const CANARY = 'canary-typed-in-clear'
const REQUEST_ID = 'from-the-proxy-0001'
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

let line: Line
let target: TargetDatabase
let broken: TargetDatabase
let collector: Collector
let programs: Programs
let environment: { id: string; name: string }
let eventId: string
let response: Response
let workerMetrics: string
let serverMetrics: string
let secrets: string[]
let newest: number

beforeAll(async () => {
  line = await startLine()
  target = await targetDatabase()
  broken = await targetDatabase()
  collector = await startCollector()
  programs = await startPrograms(line, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${CANARY}-header`,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  })
  const wrong = { ...broken.managing, password: `${CANARY}-managing` }
  environment = await line.environment(`values:
  own:
    fn::secret: ${CANARY}
${rotateCall('good', target)}${rotateCall('broken', broken, { managing: wrong })}`)
  response = await programs.call(
    'POST',
    `/api/esc/environments/acme/app/${environment.name}/rotate`,
    {},
    {
      'x-request-id': REQUEST_ID,
      traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
    },
  )
  eventId = ((await response.json()) as { id: string }).id
  workerMetrics = await (await fetch(programs.metrics.worker)).text()
  serverMetrics = await (await fetch(programs.metrics.server)).text()
  const { current } = await line.state(environment as never, 'good')
  secrets = [CANARY, target.managing.password, wrong.password, current!.password, programs.token]
  newest = (await line.newest(environment as never)).number
  await programs.stop()
}, 180_000)
afterAll(async () => {
  await programs?.stop()
  await collector?.close()
  await target?.drop()
  await broken?.drop()
  await line?.close()
})

test('the request’s id is in its answer, and the proxy’s own is kept', async () => {
  expect(response.headers.get('x-request-id')).toBe(REQUEST_ID)
})

test('the event’s id finds its lines at server and worker, with the ids of run, environment and rotation', () => {
  const lines = programs.logged.filter((entry) => entry['eventId'] === eventId)
  const at = (program: string) => lines.filter((entry) => entry['program'] === program)
  for (const entry of lines) expect(entry).toMatchObject({ environmentId: environment.id })
  expect(at('server').map(({ msg }) => msg)).toEqual(['an event was asked for', 'request completed'])
  for (const entry of at('server')) expect(entry).toMatchObject({ requestId: REQUEST_ID, traceId: TRACE })
  expect(at('worker').map(({ msg }) => msg)).toEqual(
    expect.arrayContaining([
      'a rotation event began',
      'a step did not succeed',
      'a path ended',
      'a rotation event ended',
    ]),
  )
  for (const entry of at('worker'))
    expect(entry).toMatchObject({
      workflowId: `rotate/${environment.id}`,
      runId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      traceId: TRACE,
    })
  const ended = at('worker').filter(({ msg }) => msg === 'a path ended')
  expect(ended.map(({ outcome, code }) => `${String(outcome)} ${String(code)}`).toSorted()).toEqual([
    'failed LOGIN_FAILED',
    'succeeded null',
  ])
  expect(new Set(ended.map(({ rotationId }) => rotationId)).size).toBe(2)
})

test('no line names the same thing twice', () => {
  // Parsed it would not show: pino writes what a child of a log and its line both name two times.
  for (const line of programs.lines) {
    const keys = line.match(/"(?:eventId|environmentId|rotationId|requestId|runId|workflowId)":/g) ?? []
    expect(new Set(keys).size, line).toBe(keys.length)
  }
})

test('one trace leads from the request over the run to every step', () => {
  const ours = collector.spans.filter(({ traceId }) => traceId === TRACE)
  const find = (name: string): CollectedSpan => {
    const found = ours.find((span) => span.name === name)
    if (!found) throw new Error(`no span "${name}" among ${ours.map((span) => span.name).join(', ')}`)
    return found
  }
  const request = find('POST /api/esc/environments/:org/:project/:name/rotate')
  const start = find('UpdateWithStartWorkflow rotateEnvironment')
  const run = find('RunWorkflow rotateEnvironment')
  expect(request).toMatchObject({
    service: 'rekey-server',
    parentSpanId: '00f067aa0ba902b7',
    attributes: {
      'http.response.status_code': '200',
      'rekey.request.id': REQUEST_ID,
      'rekey.environment.id': environment.id,
      'rekey.event.id': eventId,
    },
  })
  expect(start).toMatchObject({ service: 'rekey-server', parentSpanId: request.spanId })
  expect(run).toMatchObject({ service: 'rekey-worker', parentSpanId: start.spanId })
  for (const name of ['RunActivity planRotation', 'RunActivity rotateSecret', 'RunActivity commitRevision'])
    expect(find(name), name).toMatchObject({ service: 'rekey-worker', parentSpanId: run.spanId })
  expect(find('plan').parentSpanId).toBe(find('RunActivity planRotation').spanId)
  expect(find('commit').parentSpanId).toBe(find('RunActivity commitRevision').spanId)
  const rotations = ours.filter(({ name }) => name === 'RunActivity rotateSecret').map(({ spanId }) => spanId)
  for (const name of ['settle', 'prepare', 'apply', 'verify']) {
    const step = find(name)
    expect(rotations, name).toContain(step.parentSpanId)
    expect(step.attributes, name).toMatchObject({ 'rekey.event.id': eventId, 'rekey.rotator': 'postgres' })
    expect(step.endedAt).toBeGreaterThanOrEqual(step.startedAt)
  }
  expect(ours.filter(({ failure }) => failure === 'LOGIN_FAILED').map(({ name }) => name)).toContain(
    'prepare',
  )
  // Every span but the first has its parent in the trace.
  const known = new Set(ours.map(({ spanId }) => spanId))
  expect(ours.filter(({ parentSpanId }) => !known.has(parentSpanId))).toEqual([request])
})

test('the counts are in the metrics of the worker, by rotator and code', () => {
  expect(workerMetrics).toContain(
    'rekey_rotations_total{rotator="postgres",outcome="succeeded",code="none"} 1',
  )
  expect(workerMetrics).toContain(
    'rekey_rotations_total{rotator="postgres",outcome="failed",code="LOGIN_FAILED"} 1',
  )
  expect(workerMetrics).toContain(
    'rekey_rotation_events_total{action="rotate",trigger="manual",outcome="failed",code="none"} 1',
  )
  for (const [step, rotator] of [
    ['plan', 'none'],
    ['settle', 'postgres'],
    ['prepare', 'postgres'],
    ['apply', 'postgres'],
    ['verify', 'postgres'],
    ['commit', 'none'],
  ])
    expect(workerMetrics).toMatch(
      new RegExp(
        `rekey_rotation_step_duration_seconds_count\\{step="${step}",rotator="${rotator}",result="ok"\\} [1-9]`,
      ),
    )
  // The SDK's own, on the same page; those that count failures begin with the first one.
  const sdk = Object.keys(SDK_METRICS).filter((name) => !/_failed_|_failure_/.test(name))
  for (const name of sdk) expect(workerMetrics, name).toMatch(new RegExp(`^# TYPE ${name} `, 'm'))
  expect(workerMetrics).toMatch(/^temporal_workflow_task_execution_latency_seconds_count\{/m)
  expect(workerMetrics).toMatch(/^rekey_worker_serving 1$/m)
  expect(serverMetrics).toContain(
    'rekey_http_request_duration_seconds_count{method="POST",route="/api/esc/environments/:org/:project/:name/rotate",status="200"} 1',
  )
  for (const text of [workerMetrics, serverMetrics]) {
    expect(text).toMatch(/^rekey_store_readable 1$/m)
    expect(text).toMatch(/^rekey_open_events 0$/m)
    expect(text).toMatch(new RegExp(`^rekey_revisions ${newest}$`, 'm'))
  }
})

test('no secret, and no name of an environment or path, is in spans or metrics', () => {
  const sent = Buffer.concat(collector.bodies).toString('latin1')
  const logs = JSON.stringify(programs.logged)
  expect(sent).toContain(eventId)
  expect(logs).toContain(eventId)
  expect(collector.headers[0]).toMatchObject({ authorization: `${CANARY}-header` })
  for (const secret of secrets)
    for (const [place, text] of Object.entries({ sent, logs, workerMetrics, serverMetrics }))
      expect(text.includes(secret), `a secret in ${place}`).toBe(false)
  for (const text of [sent, workerMetrics, serverMetrics]) {
    expect(text).not.toContain(environment.name)
    expect(text).not.toContain('broken')
    expect(text).not.toContain(target.database)
  }
})
