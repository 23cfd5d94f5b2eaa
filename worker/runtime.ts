/**
 * The SDK's runtime, once a process: its log goes where ours goes, and its metrics stay on a loopback port of their own,
 * from where the worker's one `/metrics` fetches them.
 */
import { createServer, type AddressInfo } from 'node:net'
import { Runtime } from '@temporalio/worker'
import type { Logger } from 'pino'

/** Milliseconds that the SDK has to give its metrics. */
const SCRAPE_LIMIT = 2_000
/** Another process may take a port that was free a moment ago. */
const TRIES = 3

let metricsUrl: string | undefined
let installing: Promise<void> | undefined

/** Only the first call does something. */
export function installRuntime(log: Logger): Promise<void> {
  return (installing ??= install(log.child({ part: 'temporal' })))
}

/** In Prometheus' text format; empty before the runtime is there. @throws when it does not answer. */
export async function readSdkMetrics(): Promise<string> {
  if (metricsUrl === undefined) return ''
  const response = await fetch(metricsUrl, { signal: AbortSignal.timeout(SCRAPE_LIMIT) })
  return response.ok ? await response.text() : ''
}

async function install(sdk: Logger): Promise<void> {
  const at = (level: 'trace' | 'debug' | 'info' | 'warn' | 'error') => (message: string, meta?: object) =>
    sdk[level](meta ?? {}, message)
  const logger = {
    log: (level: string, message: string, meta?: object) => at(level.toLowerCase() as 'info')(message, meta),
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  }
  const logging = { forward: {}, filter: { core: 'WARN', other: 'WARN' } } as const
  for (let left = TRIES; ; left -= 1) {
    const bindAddress = `127.0.0.1:${await freePort()}`
    const prometheus = {
      bindAddress,
      countersTotalSuffix: true,
      unitSuffix: true,
      useSecondsForDurations: true,
    }
    try {
      Runtime.install({
        shutdownSignals: [],
        logger,
        telemetryOptions: { logging, ...(left > 0 && { metrics: { prometheus } }) },
      })
      if (left > 0) metricsUrl = `http://${bindAddress}/metrics`
      else sdk.warn('the Temporal SDK found no free port; its metrics are missing')
      return
    } catch (error) {
      if (left <= 0) throw error
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
