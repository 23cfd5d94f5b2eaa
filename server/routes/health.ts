/**
 * `/healthz`: the process is up. `/readyz`: what it depends on is there too, how many schedules are overdue, and whether
 * the issuer's URL leads here; the last two alone make nobody unready. Anybody may ask, so names are never told.
 */
import type { FastifyInstance } from 'fastify'
import { describeOverdue } from '../../store/due-times.ts'
import { createIssuerCheck } from '../issuer-check.ts'
import type { Services } from '../services.ts'

const CHECK_TIMEOUT = 5_000

export function healthRoutes(app: FastifyInstance, { checks, db, oidc }: Services): void {
  const checkIssuer = createIssuerCheck(db, oidc)
  let looking: ReturnType<typeof look> | undefined
  app.get('/healthz', { config: { access: 'anyone' }, logLevel: 'warn' }, () => ({ status: 'ok' }))

  app.get('/readyz', { config: { access: 'anyone' }, logLevel: 'warn' }, async (_request, reply) => {
    // Many who ask at once cost what one costs.
    looking ??= look().finally(() => (looking = undefined))
    const found = await looking
    return reply.code('code' in found ? found.code : 200).send(found)
  })

  async function look() {
    const names = Object.keys(checks)
    const results = await Promise.all(names.map((name) => succeedsInTime(checks[name]!)))
    const missing = names.filter((_, index) => !results[index])
    const states = Object.fromEntries(names.map((name, index) => [name, results[index] ? 'ok' : 'away']))
    if (missing.length > 0) return { code: 503, message: `not ready: ${missing.join(', ')}`, checks: states }
    const [overdue, issuer] = await Promise.all([describeOverdue(db), checkIssuer()])
    return { status: 'ok', checks: states, ...overdue, ...(issuer !== undefined && { oidcIssuer: issuer }) }
  }
}

async function succeedsInTime(check: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_TIMEOUT)
  })
  try {
    return await Promise.race([
      check().then(
        () => true,
        () => false,
      ),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}
