/** Rotating now, watching it, and looking back. The answer to a rotation waits for its end, as ESC clients expect. */
import type { FastifyInstance } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { Refusal } from '../../model/refusal.ts'
import { listEvents } from '../../store/events.ts'
import { nextRetries } from '../../store/retries.ts'
import { demandRevision } from '../definition.ts'
import { answerEvent, beginAndAnswer, KeyHeader, requestKeyOf, WaitQuery } from '../event-answer.ts'
import { ENVIRONMENT, EnvironmentPath, readCount, WholeNumber } from '../parameters.ts'
import { demandFailedPaths, failedPathsOf } from '../failed-paths.ts'
import { askedPaths } from '../rotate-paths.ts'
import { eventJson } from '../rotation-json.ts'
import type { Services } from '../services.ts'

const Paths = Type.Optional(
  Type.Union([Type.Array(Type.String({ minLength: 1 }), { maxItems: 1000 }), Type.Null()]),
)
/** The `esc` command writes `Paths`, the API's description `paths`. */
const RotateBody = Type.Object({ Paths, paths: Paths, force: Type.Optional(Type.Boolean()) })
const RotateNowBody = Type.Object({
  ...RotateBody.properties,
  /** Not part of the ESC API: an event whose failed paths are meant. */
  failedOf: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
})
const EventPath = Type.Object({ ...EnvironmentPath.properties, id: Type.String() })

export function rotationRoutes(app: FastifyInstance, services: Services): void {
  const { db, rotations } = services
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()

  // With `?wait=false` the answer comes at once and says `in_progress`; the event's own address tells the rest.
  typed.post(
    `${ENVIRONMENT}/rotate`,
    {
      config: { access: { environment: 'write' }, body: 'json' },
      schema: { params: EnvironmentPath, querystring: WaitQuery, headers: KeyHeader, body: RotateNowBody },
    },
    async (request, reply) => {
      const { environment, login, body } = request
      const asked = [...(body.Paths ?? []), ...(body.paths ?? [])]
      const { failedOf } = body
      if (failedOf !== undefined && asked.length > 0)
        throw new Refusal('invalid', 'give paths, or failedOf for those that failed in an event; not both')
      const requestKey = requestKeyOf(request)
      const { text } = await demandRevision(db, request)
      // A repeat is answered from what it began, also when the definition has changed since.
      const isRepeat = requestKey !== null && (await rotations.isKnown(environment.id, requestKey))
      if (failedOf !== undefined)
        asked.push(
          ...(isRepeat
            ? (await failedPathsOf(db, environment.id, failedOf)).paths
            : await demandFailedPaths(db, environment.id, failedOf)),
        )
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
          ...(failedOf !== undefined && { subject: { event: failedOf } }),
        },
      })
    },
  )

  typed.get(
    `${ENVIRONMENT}/rotate/history`,
    {
      config: { access: { environment: 'read' } },
      schema: { params: EnvironmentPath, querystring: Type.Object({ count: Type.Optional(WholeNumber) }) },
    },
    async ({ environment, query }) => {
      const events = await listEvents(db, environment.id, readCount(query.count, 100))
      const next = await nextRetries(
        db,
        events.map(({ id }) => id),
      )
      return { events: events.map((event) => eventJson(event, next.get(event.id))) }
    },
  )

  // Not part of the ESC API: one event, also while it runs.
  typed.get(
    `${ENVIRONMENT}/rotate/events/:id`,
    { config: { access: { environment: 'read' } }, schema: { params: EventPath } },
    async ({ environment, params }) => answerEvent(db, environment.id, params.id),
  )
}
