/** The metrics of one process: what every program has. What it does itself, the other files register. */
import { readFileSync } from 'node:fs'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'

export { Registry } from 'prom-client'

/** Milliseconds between two looks at the event loop: finer ones cost an idle process processor time. */
const EVENT_LOOP_PRECISION = 100

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

export function createRegistry(program: 'server' | 'worker'): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION })
  new Gauge({
    name: 'rekey_build_info',
    help: 'Always 1; the labels tell which program of which version this is.',
    labelNames: ['program', 'version'],
    registers: [registry],
  }).set({ program, version }, 1)
  return registry
}
