/** Rotating now, watching it, and looking back. The answer to a rotation waits for its end, as ESC clients expect. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { formatEnvironmentName } from '../../model/environment-name.ts'
import { Refusal } from '../../model/refusal.ts'
import type { Queryable } from '../../store/database.ts'
import { findEvent, listEvents } from '../../store/events.ts'
import { findByEvent } from '../../store/requests.ts'
import { demandRevision } from '../definition.ts'
import { ENVIRONMENT, EnvironmentPath, readCount, WholeNumber } from '../parameters.ts'
import { nameEvent } from '../observe.ts'
import { canonicalPath, demandRotateCalls } from '../rotate-paths.ts'
import { eventJson, progressJson, requestJson } from '../rotation-json.ts'
import type { Services } from '../services.ts'

const Paths = Type.Optional(
  Type.Union([Type.Array(Type.String({ minLength: 1 }), { maxItems: 1000 }), Type.Null()]),
)
/** The `esc` command writes `Paths`, the API's description `paths`. */
const RotateBody = Type.Object({ Paths, paths: Paths, force: Type.Optional(Type.Boolean()) })
const RotateQuery = Type.Object({ wait: Type.Optional(Type.Enum(['true', 'false'])) })
const RotateHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' }),
  ),
})
const EventPath = Type.Object({ ...EnvironmentPath.properties, id: Type.String() })

export function rotationRoutes(app: FastifyInstance, { db, rotations }: Services): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()

  // With `?wait=false` the answer comes at once and says `in_progress`; the event's own address tells the rest.
  typed.post(
    `${ENVIRONMENT}/rotate`,
    {
      config: { access: { environment: 'write' }, body: 'json' },
      schema: { params: EnvironmentPath, querystring: RotateQuery, headers: RotateHeaders, body: RotateBody },
    },
    async (request, reply) => {
      const { environment, login, body } = request
      const asked = [...(body.Paths ?? []), ...(body.paths ?? [])]
      const requestKey = request.headers['idempotency-key'] ?? null
      const { text } = await demandRevision(db, request)
      // A repeat is answered from what it began, also when the definition has changed since.
      const isRepeat = requestKey !== null && (await rotations.isKnown(environment.id, requestKey))
      const paths = isRepeat
        ? asked.map(canonicalPath)
        : demandRotateCalls(formatEnvironmentName(environment), text, asked)
      const { eventId } = await rotations.request({
        environmentId: environment.id,
        login,
        trigger: 'manual',
        paths: paths.length === 0 ? null : [...new Set(paths)],
        force: body.force ?? false,
        requestKey,
      })
      nameEvent(request, reply, eventId)
      request.log.info('a rotation was asked for')
      if (request.query.wait === 'false') {
        return reply.code(202).send(await answer(db, environment.id, eventId))
      }
      const gone = untilGone(reply)
      try {
        await rotations.wait(eventId, AbortSignal.any([gone, app.stopping]))
      } catch (error) {
        if (!gone.aborted && !app.stopping.aborted) throw error
        throw new Refusal(
          'unavailable',
          `this server is stopping; the rotation ${eventId} goes on without it`,
        )
      }
      return answer(db, environment.id, eventId)
    },
  )

  typed.get(
    `${ENVIRONMENT}/rotate/history`,
    {
      config: { access: { environment: 'read' } },
      schema: { params: EnvironmentPath, querystring: Type.Object({ count: Type.Optional(WholeNumber) }) },
    },
    async ({ environment, query }) => ({
      events: (await listEvents(db, environment.id, readCount(query.count, 100))).map(eventJson),
    }),
  )

  // Not part of the ESC API: one event, also while it runs.
  typed.get(
    `${ENVIRONMENT}/rotate/events/:id`,
    { config: { access: { environment: 'read' } }, schema: { params: EventPath } },
    async ({ environment, params }) => answer(db, environment.id, params.id),
  )
}

async function answer(db: Queryable, environmentId: string, eventId: string) {
  const missing = () => new Refusal('not-found', `there is no rotation ${eventId}`)
  if (!/^[0-9a-f-]{36}$/.test(eventId)) throw missing()
  const event = await findEvent(db, eventId)
  if (event) {
    if (event.environmentId !== environmentId) throw missing()
    return { id: event.id, secretRotationEvent: eventJson(event), progress: progressJson(event) }
  }
  const request = await findByEvent(db, eventId)
  if (!request || request.environmentId !== environmentId) throw missing()
  return { id: eventId, secretRotationEvent: requestJson(request), progress: [] }
}

/** Fires when nobody waits for the answer any more. */
function untilGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}
