/** The revisions of an environment: the list, and each one's text with secrets sealed. */
import type { FastifyInstance } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { listRevisions } from '../../store/revisions.ts'
import { demandRevision, sendDefinition } from '../definition.ts'
import { ENVIRONMENT, EnvironmentPath, readCount, RevisionPath, WholeNumber } from '../parameters.ts'
import type { Services } from '../services.ts'

const Page = Type.Object({ before: Type.Optional(WholeNumber), count: Type.Optional(WholeNumber) })

export function revisionRoutes(app: FastifyInstance, { db }: Services): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()
  const access = { environment: 'read' } as const

  // A client asks again, below the last number, until the list is empty.
  typed.get(
    `${ENVIRONMENT}/versions`,
    { config: { access }, schema: { params: EnvironmentPath, querystring: Page } },
    async ({ environment, query }) => {
      const revisions = await listRevisions(db, environment.id, {
        before: Number(query.before ?? 0),
        count: readCount(query.count),
      })
      return revisions.map((revision) => ({
        number: revision.number,
        created: revision.createdAt.toISOString(),
        creatorLogin: revision.creator,
        creatorName: revision.creatorName,
        tags: revision.tags,
        ...(revision.eventId !== null && { rotationEventID: revision.eventId }),
      }))
    },
  )

  typed.get(
    `${ENVIRONMENT}/versions/:version`,
    { config: { access }, schema: { params: RevisionPath } },
    async (request, reply) =>
      sendDefinition(reply, await demandRevision(db, request, request.params.version)),
  )
}
