/** What a server tells of itself when it is scraped: its requests, and the gauges of the store's rows. */
import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config/index.ts'
import { createExposition } from '../telemetry/exposition.ts'
import { registerHttpMetrics, type HttpMetrics } from '../telemetry/http-metrics.ts'
import { listenForScrapes, type ScrapeListener } from '../telemetry/metrics-listener.ts'
import { registerOidcMetrics, type OidcMetrics } from '../telemetry/oidc-metrics.ts'
import { createRegistry, type Registry } from '../telemetry/registry.ts'
import { registerRowGauges, type RowGauges, type Tally } from '../telemetry/row-gauges.ts'

export interface ServerMetrics {
  registry: Registry
  http: HttpMetrics
  oidc: OidcMetrics
  rows: RowGauges
}

export function registerServerMetrics(readRows: () => Promise<Tally>): ServerMetrics {
  const registry = createRegistry('server')
  return {
    registry,
    http: registerHttpMetrics(registry),
    oidc: registerOidcMetrics(registry),
    rows: registerRowGauges(registry, readRows),
  }
}

/** An address that is taken costs the metrics and not the API; whoever scrapes it notices. */
export async function serveMetrics(
  { metricsListen }: Pick<Config, 'metricsListen'>,
  { registry, rows }: ServerMetrics,
  log: FastifyBaseLogger,
): Promise<ScrapeListener | undefined> {
  if (metricsListen === 'off') return undefined
  try {
    const listener = await listenForScrapes(metricsListen, createExposition(registry, rows))
    log.info({ url: listener.url }, 'metrics are served')
    return listener
  } catch (error) {
    const { code } = error as { code?: string }
    log.error(
      { listen: metricsListen, code },
      'metrics cannot be served at this address; set REKEY_METRICS_LISTEN to another one, or to off',
    )
    return undefined
  }
}
