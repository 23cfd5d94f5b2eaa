/** The page of all metrics, from the registries of server and worker as they register them. */
import type { Registry } from 'prom-client'
import { registerServerMetrics } from '../server/metrics.ts'
import { registerWorkerMetrics } from '../worker/telemetry.ts'
import { code, fence, page, table } from './markdown.ts'

/** One metric as a registry knows it; prom-client's typings leave the labels out. */
export interface RegisteredMetric {
  name: string
  help: string
  type: string
  labelNames: string[]
}

/** Of both programs, before anything was counted. */
export function registeredMetrics(): { server: RegisteredMetric[]; worker: RegisteredMetric[] } {
  const never = () => Promise.reject(new Error('nothing is read for a page'))
  const list = ({ registry }: { registry: Registry }) =>
    registry.getMetricsAsArray() as unknown as RegisteredMetric[]
  return {
    server: list(registerServerMetrics(never)),
    worker: list(registerWorkerMetrics(never, () => false)),
  }
}

/** Those of the SDK that the dashboard, the alert rules and this page speak of. Registered when first used. */
export const SDK_METRICS: Record<string, string> = {
  temporal_worker_task_slots_available: 'Free places for work, by kind; none free: add workers.',
  temporal_worker_task_slots_used: 'Places taken, by kind.',
  temporal_workflow_task_schedule_to_start_latency_seconds:
    'Time that a run waited for a worker. It grows when there are too few.',
  temporal_activity_schedule_to_start_latency_seconds: 'The same for a path that is to be rotated.',
  temporal_workflow_task_execution_failed_total: 'Defects of Rekey, such as a run that does not replay.',
  temporal_request_failure_total: 'Calls to Temporal that failed, by operation.',
}

export function metricsPage(): string {
  const { server, worker } = registeredMetrics()
  const names = new Map([...server, ...worker].map((metric) => [metric.name, metric]))
  const ours = [...names.values()].filter(({ name }) => name.startsWith('rekey_'))
  const usual = [...names.keys()].filter((name) => !name.startsWith('rekey_')).toSorted()
  const where = (name: string) =>
    [server, worker].map((list) => list.some((metric) => metric.name === name)).join()
  const PLACES: Record<string, string> = {
    'true,true': 'both',
    'true,false': 'server',
    'false,true': 'worker',
  }
  return page('Metrics', [
    'Server and worker answer `GET /metrics` in the text format of Prometheus. A dashboard for Grafana is in ' +
      '`deploy/grafana/rekey.json`, alert rules are in `deploy/prometheus/alerts.yml`, and an example of what scrapes both in ' +
      '`deploy/prometheus/prometheus.yml`.',
    '## Who may scrape\n',
    'Nobody has to log in for it, so the address decides. The server answers on one of its own, `REKEY_METRICS_LISTEN` ' +
      '(`127.0.0.1:8792`), never on that of the API, which is open to everybody who holds a token and often stands behind a proxy for the ' +
      'world; `off` switches it off. The worker answers beside `/healthz`, on `REKEY_WORKER_LISTEN` (`127.0.0.1:8791`). Both are open ' +
      'to this machine alone by default: give them an address of the network that Prometheus is in, and no other. What they tell ' +
      'is counts, ages and durations. No label holds a name of an environment, a path, a person or anything else that people type, and no value is secret. ' +
      'An address that is taken already costs the server its metrics, with an error in its log, and not the API.',
    '## What there is\n',
    table(
      ['metric', 'type', 'labels', 'at', 'meaning'],
      ours.map(({ name, type, labelNames, help }) => [
        code(name),
        type,
        labelNames.map(code).join(', '),
        PLACES[where(name)] ?? '',
        help,
      ]),
    ),
    'Gauges of the store’s rows are the same whoever is asked: use `max()` over all servers and workers, never `sum()`. They are read ' +
      'at most every five seconds and within three; when the store does not answer, `rekey_store_readable` is 0 and they have no value, ' +
      'and all else is answered as usual. What is counted and measured is of one process since it started: use `rate()` or `increase()`, ' +
      'and `sum()` over the workers. A worker that is killed just after a commit may miss that one count; what is in the store is right.',
    `Of the process itself, as prom-client gives them: ${usual.map(code).join(', ')}.`,
    '## Of Temporal’s SDK\n',
    'The worker’s page holds the metrics of the Temporal SDK as well, all beginning with `temporal_`, once they have been used. Worth a look:',
    table(
      ['metric', 'meaning'],
      Object.entries(SDK_METRICS).map(([name, about]) => [code(name), about]),
    ),
    'The SDK keeps them on a free port of the loopback interface, from where the worker fetches them.',
    '## Questions and answers\n',
    'How late scheduled runs are published, 95 of 100:',
    fence(
      'promql',
      'histogram_quantile(0.95, sum by (le) (rate(rekey_schedule_lateness_seconds_bucket{phase="published"}[1d])))',
    ),
    'What failed today, and why:',
    fence(
      'promql',
      'sum by (rotator, code) (increase(rekey_rotations_total{outcome=~"failed|unknown"}[1d])) > 0',
    ),
    'Where the time of a rotation goes:',
    fence(
      'promql',
      'sum by (step) (rate(rekey_rotation_step_duration_seconds_sum[1h])) / sum by (step) (rate(rekey_rotation_step_duration_seconds_count[1h]))',
    ),
  ])
}
