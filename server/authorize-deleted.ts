/**
 * Who may do something about what a rotation left, found by a rotation's, an event's or a target's name. Its environment may
 * be deleted: then it is up to the administrators of the organization, and for others it does not exist.
 */
import type { FastifyRequest } from 'fastify'
import { formatEnvironmentName } from '../model/environment-name.ts'
import { allows, type Level } from '../model/permissions.ts'
import { Refusal } from '../model/refusal.ts'
import { findClaim } from '../store/claims.ts'
import type { Database } from '../store/database.ts'
import { findEnvironmentById, type Environment } from '../store/environments.ts'
import { findEvent } from '../store/events.ts'
import { levelOn, levelOnOrganization } from '../store/grants.ts'
import { findByEvent } from '../store/requests.ts'
import { findRotation } from '../store/rotation-records.ts'

export type DeletedAccess =
  /** The path's `:id` is a rotation. */
  | { rotation: Level }
  /** The path's `:event` is an event. */
  | { event: Level }
  /** The body's `target` is one that somebody holds. */
  | { target: Level }

/** The environment that is concerned. @throws Refusal not-found, forbidden */
export async function authorizeDeleted(
  db: Database,
  request: FastifyRequest,
  access: DeletedAccess,
): Promise<Environment> {
  const { org = '', id = '', event = '' } = request.params as { org?: string; id?: string; event?: string }
  const { target = '' } = (request.body ?? {}) as { target?: string }
  if ('rotation' in access)
    return await demand(db, request, {
      environmentId: (await findRotation(db, id))?.environmentId,
      organization: org,
      needed: access.rotation,
      missing: `there is no rotation ${id}`,
    })
  if ('event' in access)
    return await demand(db, request, {
      environmentId: await environmentOf(db, event),
      organization: org,
      needed: access.event,
      missing: `there is no event ${event}`,
    })
  return await demand(db, request, {
    environmentId: (await findClaim(db, target))?.environmentId,
    organization: org,
    needed: access.target,
    missing: `nobody holds a target ${target}: the names of targets are those that are listed`,
  })
}

async function environmentOf(db: Database, eventId: string): Promise<string | undefined> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(eventId)) return undefined
  return (await findEvent(db, eventId))?.environmentId ?? (await findByEvent(db, eventId))?.environmentId
}

async function demand(
  db: Database,
  { login }: FastifyRequest,
  asked: { environmentId: string | undefined; organization: string; needed: Level; missing: string },
): Promise<Environment> {
  const { environmentId, organization, needed, missing } = asked
  const environment = environmentId === undefined ? undefined : await findEnvironmentById(db, environmentId)
  if (environment?.organization !== organization) throw new Refusal('not-found', missing)
  const level = await levelOn(db, login, environment)
  if (environment.deletedAt) {
    if (allows(await levelOnOrganization(db, login, organization), 'admin')) return environment
    throw new Refusal('not-found', missing)
  }
  // Who may not even read it does not learn that it exists.
  if (!level) throw new Refusal('not-found', missing)
  if (!allows(level, needed))
    throw new Refusal(
      'forbidden',
      `this needs the permission "${needed}" on ${organization}/${formatEnvironmentName(environment)}, and you have "${level}"; ask an administrator`,
    )
  return environment
}
