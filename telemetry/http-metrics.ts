/** What a server measures of its requests: by the template of the route, never by its address. */
import { Histogram, type Registry } from 'prom-client'

export interface HttpMetrics {
  /** `route`: the template; undefined where the address led to none. */
  answered(method: string, route: string | undefined, status: number, seconds: number): void
}

export const NO_HTTP_METRICS: HttpMetrics = { answered: () => {} }

/** A rotation is answered when it has ended. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

export function registerHttpMetrics(registry: Registry): HttpMetrics {
  const durations = new Histogram({
    name: 'rekey_http_request_duration_seconds',
    help: 'Requests to the HTTP API by method, template of the route ("none" where there is no such route) and status.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: BUCKETS,
    registers: [registry],
  })
  return {
    answered: (method, route, status, seconds) =>
      durations.observe(
        { method: METHODS.includes(method) ? method : 'other', route: route ?? 'none', status },
        seconds,
      ),
  }
}
