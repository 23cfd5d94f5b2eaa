/** "What failed, again" as paths: those of one event, bound to it, so that nobody rotates anew what worked in the meantime. */
import { Refusal } from '../model/refusal.ts'
import type { Queryable } from '../store/database.ts'
import { findEvent, type EventWithRotations } from '../store/events.ts'
import { takenUpSince } from '../store/retries.ts'

/** Every path of an event that did not succeed; the same for all time once it has ended. @throws Refusal not-found, conflict */
export async function failedPathsOf(
  db: Queryable,
  environmentId: string,
  eventId: string,
): Promise<{ event: EventWithRotations; paths: string[] }> {
  const event = /^[0-9a-f-]{36}$/.test(eventId) ? await findEvent(db, eventId) : undefined
  if (event?.environmentId !== environmentId)
    throw new Refusal('not-found', `there is no rotation ${eventId} in this environment`)
  if (event.action !== 'rotate')
    throw new Refusal('conflict', `the event ${eventId} rotated nothing: it is of the kind "${event.action}"`)
  if (event.completedAt === null)
    throw new Refusal('conflict', `the rotation ${eventId} is under way; ask again when it has ended`)
  const paths = event.rotations
    .filter(({ outcome }) => outcome === 'failed' || outcome === 'unknown')
    .map(({ path }) => path)
  if (paths.length === 0)
    throw new Refusal('conflict', `no path of the rotation ${eventId} failed: there is nothing to try again`)
  return { event, paths }
}

/** The same, where nobody has taken one of them up since. @throws Refusal not-found, conflict */
export async function demandFailedPaths(
  db: Queryable,
  environmentId: string,
  eventId: string,
): Promise<string[]> {
  const { event, paths } = await failedPathsOf(db, environmentId, eventId)
  const since = await takenUpSince(db, event, paths)
  if (since)
    throw new Refusal(
      'conflict',
      `the rotation ${since.eventId} has taken up ${since.path} since; ask for what failed there, or name the paths`,
    )
  return paths
}
