/** Opening an environment and reading what was opened, under a session of the person who opened it. */
import type { FastifyInstance } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { openEnvironment, readSession } from '../../environments/open.ts'
import { Refusal } from '../../model/refusal.ts'
import { parseGoDuration } from '../../model/go-duration.ts'
import { ENVIRONMENT, EnvironmentPath, RevisionPath } from '../parameters.ts'
import type { Services } from '../services.ts'

const SessionPath = Type.Object({ ...EnvironmentPath.properties, session: Type.String() })
const Duration = Type.Object({ duration: Type.Optional(Type.String()) })
const Property = Type.Object({ property: Type.Optional(Type.String()) })
const DEFAULT_DURATION = '2h'

export function sessionRoutes(app: FastifyInstance, services: Services): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()
  const config = { access: { environment: 'open' } } as const
  const opening = { ...config, opensImports: true }

  for (const [url, params] of [
    [`${ENVIRONMENT}/open`, EnvironmentPath],
    [`${ENVIRONMENT}/versions/:version/open`, RevisionPath],
  ] as const) {
    typed.post(url, { config: opening, schema: { params, querystring: Duration } }, async (request) => {
      const { environment, login, found } = request
      const { version } = request.params as { version?: string }
      const { sessionId, diagnostics } = await openEnvironment(services, {
        environment,
        login,
        durationMs: readDuration(request.query.duration ?? DEFAULT_DURATION),
        justRead: found!.others,
        ...(version !== undefined && { version }),
      })
      return { id: sessionId, ...(diagnostics.length > 0 && { diagnostics }) }
    })
  }

  // Under the environment's own path whichever revision was opened.
  typed.get(
    `${ENVIRONMENT}/open/:session`,
    { config, schema: { params: SessionPath, querystring: Property } },
    async ({ environment, login, found, params, query }, reply) => {
      const wire = await readSession(services, {
        environment,
        login,
        sessionId: params.session,
        justRead: { session: found!.session },
        ...(query.property !== undefined && { property: query.property }),
      })
      return reply.type('application/json; charset=utf-8').send(wire === 'null' ? '{}' : wire)
    },
  )
}

function readDuration(text: string): number {
  const duration = parseGoDuration(text)
  if (duration === undefined) {
    throw new Refusal('invalid', `"${text}" is not a duration; write one such as 2h0m0s or 15m`)
  }
  return duration
}
