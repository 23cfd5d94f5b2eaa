/** Going back by hand: the two slots of a state change places, or a state is dropped. */
import type { FastifyInstance } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Refusal } from '../../model/refusal.ts'
import { demandRevision } from '../definition.ts'
import { beginAndAnswer, KeyHeader, requestKeyOf, WaitQuery } from '../event-answer.ts'
import { ENVIRONMENT, EnvironmentPath } from '../parameters.ts'
import { askedPaths } from '../rotate-paths.ts'
import type { Services } from '../services.ts'

const Body = Type.Object({
  paths: Type.Optional(
    Type.Union([Type.Array(Type.String({ minLength: 1 }), { maxItems: 1000 }), Type.Null()]),
  ),
  /** The revision that was looked at. */
  revision: Type.Optional(Type.Integer({ minimum: 1 })),
  force: Type.Optional(Type.Boolean()),
})

export function undoRoutes(app: FastifyInstance, services: Services): void {
  const { db, rotations } = services
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()

  for (const action of ['undo', 'forget'] as const)
    typed.post(
      `${ENVIRONMENT}/${action}`,
      {
        config: { access: { environment: 'write' }, body: 'optional-json' },
        schema: { params: EnvironmentPath, querystring: WaitQuery, headers: KeyHeader, body: Body },
      },
      async (request, reply) => {
        const { environment, login, body } = request
        const asked = body.paths ?? []
        const requestKey = requestKeyOf(request)
        // Dropping everything is never what a call without paths means.
        if (action === 'forget' && asked.length === 0)
          throw new Refusal('invalid', 'name the paths whose state is to be forgotten')
        const { text } = await demandRevision(db, request)
        const isRepeat = requestKey !== null && (await rotations.isKnown(environment.id, requestKey))
        return beginAndAnswer(app, services, {
          request,
          reply,
          asked: {
            environmentId: environment.id,
            login,
            trigger: 'manual',
            paths: askedPaths({ environment, text }, asked, isRepeat),
            force: body.force ?? false,
            requestKey,
            action,
            subject: body.revision === undefined ? {} : { revision: body.revision },
          },
        })
      },
    )
}
