/** Begins an event for a request of the API and answers it: when it has ended, or at once with `?wait=false`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Refusal } from '../model/refusal.ts'
import type { Queryable } from '../store/database.ts'
import { findEvent } from '../store/events.ts'
import { findByEvent } from '../store/requests.ts'
import { nextRetries } from '../store/retries.ts'
import { nameEvent } from './observe.ts'
import { eventJson, progressJson, requestJson } from './rotation-json.ts'
import type { Rotations, Services } from './services.ts'

/** What every call that begins an event takes. */
export const WaitQuery = Type.Object({ wait: Type.Optional(Type.Enum(['true', 'false'])) })
export const KeyHeader = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' }),
  ),
})

export function requestKeyOf({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key']
  return typeof key === 'string' ? key : null
}

type Asked = Parameters<Rotations['request']>[0]

/** @throws Refusal, also when this server stops before the event has ended */
export async function beginAndAnswer(
  app: FastifyInstance,
  { db, rotations }: Services,
  { request, reply, asked }: { request: FastifyRequest; reply: FastifyReply; asked: Asked },
) {
  // From the start: a client may be gone before its request is written.
  const gone = untilGone(reply)
  const { eventId } = await rotations.request(asked)
  nameEvent(request, reply, eventId)
  request.log.info({ action: asked.action ?? 'rotate' }, 'an event was asked for')
  if ((request.query as { wait?: string }).wait === 'false')
    return reply.code(202).send(await answerEvent(db, asked.environmentId, eventId))
  try {
    await rotations.wait(eventId, AbortSignal.any([gone, app.stopping]))
  } catch (error) {
    if (!gone.aborted && !app.stopping.aborted) throw error
    throw new Refusal('unavailable', `this server is stopping; the rotation ${eventId} goes on without it`)
  }
  return answerEvent(db, asked.environmentId, eventId)
}

/** An event of an environment, however far it is. @throws Refusal not-found */
export async function answerEvent(db: Queryable, environmentId: string, eventId: string) {
  const missing = () => new Refusal('not-found', `there is no rotation ${eventId}`)
  if (!/^[0-9a-f-]{36}$/.test(eventId)) throw missing()
  const event = await findEvent(db, eventId)
  if (event) {
    if (event.environmentId !== environmentId) throw missing()
    const next = (await nextRetries(db, [eventId])).get(eventId)
    return { id: event.id, secretRotationEvent: eventJson(event, next), progress: progressJson(event) }
  }
  const request = await findByEvent(db, eventId)
  if (!request || request.environmentId !== environmentId) throw missing()
  return { id: eventId, secretRotationEvent: requestJson(request), progress: [] }
}

/** Fires when nobody waits for the answer any more. */
export function untilGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return gone.signal
}
