/** What a worker tells of itself: its registry with the rotations, the rows' gauges and the SDK's own metrics; its spans. */
import { Gauge, type Registry } from 'prom-client'
import type { RotationTelemetry } from '../activities/observe.ts'
import { rotatorNames } from '../rotators/index.ts'
import { createExposition, type Exposition } from '../telemetry/exposition.ts'
import { registerOidcMetrics, type OidcMetrics } from '../telemetry/oidc-metrics.ts'
import { createRegistry } from '../telemetry/registry.ts'
import { registerRotationMetrics, type RotationMetrics } from '../telemetry/rotation-metrics.ts'
import { registerRowGauges, type RowGauges, type Tally } from '../telemetry/row-gauges.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { readSdkMetrics } from './runtime.ts'

export interface WorkerMetrics {
  registry: Registry
  rotations: RotationMetrics
  oidc: OidcMetrics
  rows: RowGauges
}

/** `isServing`: whether this worker takes work from its task queue. */
export function registerWorkerMetrics(
  readRows: () => Promise<Tally>,
  isServing: () => boolean,
): WorkerMetrics {
  const registry = createRegistry('worker')
  new Gauge({
    name: 'rekey_worker_serving',
    help: 'Whether this worker takes work from its task queue: 1 or 0.',
    registers: [registry],
    collect() {
      this.set(isServing() ? 1 : 0)
    },
  })
  return {
    registry,
    rotations: registerRotationMetrics(registry, rotatorNames()),
    oidc: registerOidcMetrics(registry),
    rows: registerRowGauges(registry, readRows),
  }
}

export function createWorkerTelemetry(
  readRows: () => Promise<Tally>,
  isServing: () => boolean,
  tracing: Tracing,
): { exposition: Exposition; rotations: RotationTelemetry; oidc: OidcMetrics } {
  const { registry, rotations, oidc, rows } = registerWorkerMetrics(readRows, isServing)
  return {
    exposition: createExposition(registry, rows, readSdkMetrics),
    rotations: { metrics: rotations, tracing },
    oidc,
  }
}
