/** What a program counts of the identity tokens that it makes: how many, never for whom. */
import { Counter, type Registry } from 'prom-client'

export interface OidcMetrics {
  token(outcome: 'made' | 'failed'): void
}

export function registerOidcMetrics(registry: Registry): OidcMetrics {
  const tokens = new Counter({
    name: 'rekey_oidc_tokens_total',
    help: 'Identity tokens for logins by oidc: made, or failed where the store or its key was away.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  })
  // What first appears with 1 shows no increase: the first failure would raise no alert.
  for (const outcome of ['made', 'failed']) tokens.inc({ outcome }, 0)
  return { token: (outcome) => tokens.inc({ outcome }) }
}
