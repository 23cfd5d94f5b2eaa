/** What a rotation would do now, without doing it. No part of the ESC API. */
import type { FastifyInstance } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Refusal } from '../../model/refusal.ts'
import { demandRevision } from '../definition.ts'
import { untilGone } from '../event-answer.ts'
import { ENVIRONMENT, EnvironmentPath } from '../parameters.ts'
import { rehearsalJson } from '../rehearsal-json.ts'
import { askedPaths } from '../rotate-paths.ts'
import type { Services } from '../services.ts'

const Paths = Type.Optional(
  Type.Union([Type.Array(Type.String({ minLength: 1 }), { maxItems: 1000 }), Type.Null()]),
)
const PlanBody = Type.Object({ paths: Paths, force: Type.Optional(Type.Boolean()) })

export function rehearsalRoutes(app: FastifyInstance, { db, rehearsals }: Services): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    `${ENVIRONMENT}/rotate/plan`,
    {
      config: { access: { environment: 'write' }, body: 'optional-json' },
      schema: { params: EnvironmentPath, body: PlanBody },
    },
    async (request, reply) => {
      const { environment, login, body } = request
      const gone = untilGone(reply)
      const { text } = await demandRevision(db, request)
      const asked = {
        environmentId: environment.id,
        login,
        paths: askedPaths({ environment, text }, body.paths ?? []),
        force: body.force ?? false,
      }
      try {
        return rehearsalJson(await rehearsals.rehearse(asked, AbortSignal.any([gone, app.stopping])))
      } catch (error) {
        if (!gone.aborted && !app.stopping.aborted) throw error
        throw new Refusal('unavailable', 'this server is stopping; ask again')
      }
    },
  )
}
