/** What is registered is what the page, the dashboard and the alert rules speak of; labels stay bounded; scrapes stay safe. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { registeredMetrics, SDK_METRICS } from '../../docs/metrics-page.ts'
import { FAILURES } from '../../model/failures.ts'
import { rotatorNames } from '../../rotators/index.ts'
import { createApp } from '../../server/app.ts'
import { registerServerMetrics, serveMetrics } from '../../server/metrics.ts'
import { tally } from '../../store/tally.ts'
import { createExposition } from '../../telemetry/exposition.ts'
import { registerOidcMetrics } from '../../telemetry/oidc-metrics.ts'
import { Registry } from '../../telemetry/registry.ts'
import { registerRotationMetrics } from '../../telemetry/rotation-metrics.ts'
import { registerRowGauges, type Tally } from '../../telemetry/row-gauges.ts'
import { startApi, type Api } from '../server/api.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const { server, worker } = registeredMetrics()
const registered = [...server, ...worker]

/** Every name under which a query may ask for it. */
function seriesOf({ name, type }: { name: string; type: string }): string[] {
  return type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
}

const series = new Set([
  ...registered.flatMap(seriesOf),
  ...Object.keys(SDK_METRICS).flatMap((name) =>
    seriesOf({ name, type: name.includes('latency') ? 'histogram' : 'gauge' }),
  ),
])
const namesIn = (expressions: string[]) => [
  ...new Set(
    expressions.flatMap((text) => text.match(/\b(?:rekey|temporal|process|nodejs)_[a-z0-9_]+/g) ?? []),
  ),
]

interface Panel {
  title: string
  targets?: { expr: string }[]
}

describe('what speaks of metrics', () => {
  const rules = parse(read('deploy/prometheus/alerts.yml')) as {
    groups: { rules: { alert: string; expr: string; labels: object; annotations: object }[] }[]
  }
  const alerts = rules.groups.flatMap((group) => group.rules)
  const dashboard = JSON.parse(read('deploy/grafana/rekey.json')) as { panels: Panel[] }
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

  test('alert rules name registered metrics only, and each says what to do', () => {
    const names = namesIn(alerts.map(({ expr }) => expr))
    expect(names.length).toBeGreaterThan(8)
    expect(names.filter((name) => !series.has(name))).toEqual([])
    for (const alert of alerts)
      expect(alert).toMatchObject({
        labels: { severity: expect.stringMatching(/^(page|ticket)$/) as string },
        annotations: { summary: expect.any(String) as string, description: expect.any(String) as string },
      })
  })

  test('the dashboard names registered metrics only', () => {
    const names = namesIn(queries)
    expect(names.length).toBeGreaterThan(20)
    expect(names.filter((name) => !series.has(name))).toEqual([])
  })

  test('every metric of ours is on the dashboard or in a rule', () => {
    const named = namesIn([...queries, ...alerts.map(({ expr }) => expr)])
    const unseen = registered.filter((metric) => !seriesOf(metric).some((name) => named.includes(name)))
    expect(unseen.map(({ name }) => name).filter((name) => name.startsWith('rekey_'))).toEqual([])
  })

  test('labels that rules and dashboard ask for are labels of the metric', () => {
    const labels = new Map(registered.map((metric) => [metric.name, metric.labelNames]))
    const asked = [...alerts.map(({ expr }) => expr), ...queries].flatMap((text) =>
      [...text.matchAll(/\b(rekey_[a-z0-9_]+?)(?:_bucket|_sum|_count)?\{([^}]*)\}/g)].flatMap(
        ([, name, matchers]) =>
          [...matchers!.matchAll(/(\w+)\s*(?:=|!)/g)].map(([, label]) => [name!, label!] as const),
      ),
    )
    expect(asked.length).toBeGreaterThan(5)
    for (const [name, label] of asked) expect(labels.get(name), name).toContain(label)
  })

  test('failure codes in them exist', () => {
    const codes = alerts.flatMap(({ expr }) => expr.match(/\b[A-Z]{3,}(?:_[A-Z]+)*\b/g) ?? [])
    expect(codes).toContain('TOO_SOON')
    expect(codes.filter((code) => !Object.hasOwn(FAILURES, code))).toEqual([])
  })

  test('the page has every registered metric, and none besides', () => {
    const page = read('docs/operations/metrics.md')
    const spans = new Set(
      [...page.matchAll(/`((?:rekey|process|nodejs|temporal)_[a-z0-9_]+)`/g)].map(([, name]) => name!),
    )
    for (const { name } of registered) expect(spans, name).toContain(name)
    const known = new Set([...registered.map(({ name }) => name), ...Object.keys(SDK_METRICS)])
    // prom-client registers some of the process's on Linux alone.
    expect([...spans].filter((name) => name.startsWith('rekey_') && !known.has(name))).toEqual([])
  })

  test('names are in base units, and every metric of ours has words', () => {
    for (const { name, type, help } of registered.filter(({ name }) => name.startsWith('rekey_'))) {
      expect(help.length, name).toBeGreaterThan(20)
      if (type === 'counter') expect(name).toMatch(/_total$/)
      else expect(name).not.toMatch(/_total$|_ms$|_milliseconds$/)
    }
  })
})

describe('labels', () => {
  test('what people type becomes no label', async () => {
    const registry = new Registry()
    const metrics = registerRotationMetrics(registry, ['postgres'])
    metrics.rotationEnded('typed-by-somebody', 'failed', 'INPUT_INVALID')
    metrics.rotationEnded('postgres', 'failed', 'not a code')
    metrics.eventEnded('rotate', 'typed-trigger', 'failed', null)
    metrics.stepEnded('apply', 'typed-by-somebody', 'error', 1)
    const text = await registry.metrics()
    expect(text).not.toMatch(/typed|not a code/)
    expect(text).toContain('rekey_rotations_total{rotator="other",outcome="failed",code="INPUT_INVALID"} 1')
    expect(text).toContain('rekey_rotations_total{rotator="postgres",outcome="failed",code="INTERNAL"} 1')
    expect(text).toContain(
      'rekey_rotation_events_total{action="rotate",trigger="other",outcome="failed",code="none"} 1',
    )
  })

  test('every failure can be seen to increase from 0, and the series stay few', async () => {
    const registry = new Registry()
    registerRotationMetrics(registry, rotatorNames())
    registerOidcMetrics(registry)
    const text = await registry.metrics()
    expect(text).toContain('rekey_oidc_tokens_total{outcome="failed"} 0')
    for (const rotator of rotatorNames())
      for (const code of Object.keys(FAILURES))
        expect(text).toContain(
          `rekey_rotations_total{rotator="${rotator}",outcome="failed",code="${code}"} 0`,
        )
    expect(text.split('\n').filter((line) => line.startsWith('rekey_')).length).toBeLessThan(
      rotatorNames().length * 30 + 200,
    )
  })
})

const NOTHING: Tally = {
  openEvents: 0,
  oldestOpenEvent: 0,
  waitingRequests: 0,
  oldestWaitingRequest: 0,
  unsettledRotations: 0,
  oldestUnsettledRotation: 0,
  overdueSchedules: 0,
  latestOverdueSchedule: 0,
  environments: 0,
  activeSchedules: 0,
  pausedSchedules: 0,
  revisions: 0,
  oidcKeys: 0,
  oidcSigningKeyAge: 0,
}

describe('gauges of the rows', () => {
  const expose = (readRows: () => Promise<Tally>, options = {}) => {
    const registry = new Registry()
    return createExposition(registry, registerRowGauges(registry, readRows, options))
  }

  test('many scrapes at once are one reading; later ones read again', async () => {
    let readings = 0
    const exposition = expose(() => Promise.resolve({ ...NOTHING, openEvents: ++readings }), { kept: 100 })
    const texts = await Promise.all(Array.from({ length: 20 }, () => exposition.read()))
    expect(readings).toBe(1)
    for (const text of texts) expect(text).toContain('rekey_open_events 1')
    await sleep(150)
    expect(await exposition.read()).toContain('rekey_open_events 2')
  })

  test('a store that hangs or fails costs its gauges, not the answer; old numbers do not stay', async () => {
    let how: 'well' | 'hangs' | 'fails' = 'well'
    const exposition = expose(
      () =>
        how === 'well'
          ? Promise.resolve({ ...NOTHING, revisions: 7, pausedSchedules: 3 })
          : how === 'fails'
            ? Promise.reject(new Error('away'))
            : new Promise<never>(() => {}),
      { kept: 0, limit: 200 },
    )
    expect(await exposition.read()).toMatch(/^rekey_revisions 7$/m)
    for (const trouble of ['hangs', 'fails'] as const) {
      how = trouble
      const startedAt = performance.now()
      const text = await exposition.read()
      expect(performance.now() - startedAt).toBeLessThan(2_000)
      expect(text).toMatch(/^rekey_store_readable 0$/m)
      expect(text).not.toMatch(/^rekey_revisions \d/m)
      expect(text).not.toMatch(/^rekey_schedules\{.*\} 3$/m)
    }
    how = 'well'
    const text = await exposition.read()
    expect(text).toMatch(/^rekey_store_readable 1$/m)
    expect(text).toMatch(/^rekey_schedules\{state="paused"\} 3$/m)
  })
})

describe('on a store and an API', () => {
  let api: Api
  beforeAll(async () => {
    api = await startApi()
  })
  afterAll(() => api.close())

  test('the tally counts rows, and ages by the clock of the store', async () => {
    const { db } = api
    const before = await tally(db)
    const body = { project: 'tally', name: 'one' }
    expect((await api.call('POST', '/api/esc/environments/main', { body })).status).toBeLessThan(300)
    const after = await tally(db)
    expect(after).toMatchObject({
      environments: before.environments + 1,
      openEvents: 0,
      unsettledRotations: 0,
    })
    expect(after.revisions).toBeGreaterThanOrEqual(before.revisions)
  })

  test('requests are measured by the template of their route, whatever they ask for', async () => {
    const metrics = registerServerMetrics(() => Promise.resolve(NOTHING))
    const app = createApp(api.services, { metrics: metrics.http })
    await app.inject({ method: 'GET', url: '/api/esc/environments/acme/typed-project/typed-name' })
    await app.inject({ method: 'GET', url: '/typed-address' })
    const answer = await app.inject({ method: 'GET', url: '/metrics' })
    await app.close()
    const text = await metrics.registry.metrics()
    expect(text).toContain(
      'rekey_http_request_duration_seconds_count{method="GET",route="/api/esc/environments/:org/:project/:name",status="401"} 1',
    )
    expect(text).toContain(
      'rekey_http_request_duration_seconds_count{method="GET",route="none",status="404"} 2',
    )
    expect(text).not.toContain('typed')
    // The API's own address gives none.
    expect(answer.statusCode).toBe(404)
  })

  test('they are served at an address of their own, where nothing else is', async () => {
    const app = createApp(api.services)
    const metrics = registerServerMetrics(() => tally(api.db))
    const listener = (await serveMetrics(
      { metricsListen: { host: '127.0.0.1', port: 0 } },
      metrics,
      app.log,
    ))!
    const response = await fetch(listener.url)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(await response.text()).toMatch(/^rekey_build_info\{program="server",version="\d+\.\d+\.\d+"\} 1$/m)
    expect((await fetch(new URL('/api/user', listener.url))).status).toBe(404)
    expect((await fetch(listener.url, { method: 'POST' })).status).toBe(405)
    await listener.close()
    await expect(fetch(listener.url)).rejects.toThrow()
    await app.close()
  })

  test('an address that is taken costs the metrics and an error in the log; off is off', async () => {
    const logged: string[] = []
    const app = createApp(api.services, {
      logLevel: 'info',
      logTo: { write: (line) => void logged.push(line) },
    })
    const metrics = registerServerMetrics(() => Promise.resolve(NOTHING))
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    expect(
      await serveMetrics({ metricsListen: { host: '127.0.0.1', port } }, metrics, app.log),
    ).toBeUndefined()
    expect(logged.join()).toMatch(/EADDRINUSE.*set REKEY_METRICS_LISTEN to another one/)
    expect(await serveMetrics({ metricsListen: 'off' }, metrics, app.log)).toBeUndefined()
    other.close()
    await app.close()
  })
})
