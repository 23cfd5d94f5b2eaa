/** Whether what was asked for some time ago is still to be done when its turn comes. */
import type { Queryable } from '../store/database.ts'
import { findEventRow } from '../store/events.ts'
import type { Request } from '../store/requests.ts'
import { endRetry, retryNow, takenUpSince } from '../store/retries.ts'
import { listSchedules } from '../store/schedules.ts'
import { isBusinessOf } from './occasion.ts'

/** Why a request is to expire, in words; null where it is wanted. Call it with the environment's row locked. */
export async function whyUnwanted(db: Queryable, request: Request): Promise<string | null> {
  const { event, retry } = request.subject
  if (request.action === 'rotate' && event !== undefined)
    return retry === undefined
      ? await whyNotByHand(db, request, event)
      : await whyNoRetry(db, { eventId: event, number: retry })
  if (request.dueAt === null) return null
  // What waited while nothing could run is no business of a schedule that was edited since.
  const [schedule] = await listSchedules(db, request.environmentId)
  const isWanted = schedule?.id === request.scheduleId && isBusinessOf(schedule, request.dueAt)
  return isWanted ? null : 'its schedule was edited or removed before it could begin'
}

async function whyNoRetry(db: Queryable, name: { eventId: string; number: number }): Promise<string | null> {
  const retry = await retryNow(db, name)
  if (!retry) return 'this later try has ended'
  if (retry.ended !== null) await endRetry(db, name, retry.ended)
  return retry.ended
}

/** Two people who ask for the failed paths of one event get one rotation of them. */
async function whyNotByHand(db: Queryable, request: Request, eventId: string): Promise<string | null> {
  const event = await findEventRow(db, eventId)
  const since = event && (await takenUpSince(db, event, request.paths ?? []))
  return since
    ? `the rotation ${since.eventId} has taken up ${since.path} in the meantime; ask for what failed there`
    : null
}
