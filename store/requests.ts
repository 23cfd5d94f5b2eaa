/**
 * Requests for a rotation: who asks, why, for which paths. A row is written before Temporal hears of it, and a
 * request key is served once, ever. Which event will serve a request is decided when the row is written.
 */
import { randomUUID } from 'node:crypto'
import { sql, type Selectable } from 'kysely'
import { sameSubject, type Action, type Subject } from '../model/actions.ts'
import { Refusal } from '../model/refusal.ts'
import type { Queryable } from './database.ts'
import type { RotationRequestsTable, Trigger } from './tables.ts'

export interface NewRequest {
  environmentId: string
  trigger: Trigger
  /** `rotate` where absent. */
  action?: Action
  /** What the action is about, beside the paths. */
  subject?: Subject
  /** Whose rights count, checked again when the rotation is planned. */
  login: string
  /** Paths as text; null asks for every rotate call of the definition. */
  paths: string[] | null
  force: boolean
  /** The client's Idempotency-Key, `schedule/<id>/<due time>`, `retry/<event>/<n>` or `signal/<run id>/<n>`. */
  requestKey: string | null
  schedule?: { id: string; version: number; dueAt: Date }
}

export interface Request {
  id: string
  environmentId: string
  trigger: NewRequest['trigger']
  action: Action
  subject: Subject
  login: string
  paths: string[] | null
  force: boolean
  scheduleId: string | null
  dueAt: Date | null
  status: 'waiting' | 'served' | 'missed' | 'refused' | 'expired'
  /** The event that serves it; it exists once the rotation has been planned. */
  eventId: string
  message: string | null
  createdAt: Date
}

function toRequest(row: Selectable<RotationRequestsTable>): Request {
  return {
    id: row.id,
    environmentId: row.environment_id,
    trigger: row.trigger,
    action: row.action,
    subject: row.subject,
    login: row.login,
    paths: row.paths,
    force: row.force,
    scheduleId: row.schedule_id,
    dueAt: row.due_at,
    status: row.status,
    eventId: row.event_id ?? row.id,
    message: row.message,
    createdAt: row.created_at,
  }
}

/**
 * Writes a request, or finds the one it repeats or joins. Call it with the environment's row locked.
 * A known key gives the request it was first used for; a request without a key that an open or waiting event
 * covers becomes part of that event.
 * @throws Refusal `mismatch` when the key was used for something else.
 */
export async function insertRequest(db: Queryable, request: NewRequest): Promise<Request> {
  const paths = request.paths === null ? null : [...new Set(request.paths)].sort()
  if (request.requestKey !== null) {
    const known = await findByKey(db, request.environmentId, request.requestKey)
    if (known) {
      const { action = 'rotate', subject = {}, force, login } = request
      const same =
        known.action === action &&
        sameSubject(known.subject, subject) &&
        sameList(known.paths, paths) &&
        known.force === force &&
        known.login === login
      if (!same) {
        throw new Refusal(
          'mismatch',
          'this Idempotency-Key was used for a different rotation request; use a new key',
        )
      }
      return known
    }
  }
  const joined = request.requestKey === null ? await coveringEvent(db, { ...request, paths }) : undefined
  const row = await db
    .insertInto('rotation_requests')
    .values({
      id: randomUUID(),
      environment_id: request.environmentId,
      request_key: request.requestKey,
      trigger: request.trigger,
      action: request.action ?? 'rotate',
      subject: JSON.stringify(request.subject ?? {}),
      login: request.login,
      paths,
      force: request.force,
      schedule_id: request.schedule?.id ?? null,
      schedule_version: request.schedule?.version ?? null,
      due_at: request.schedule?.dueAt ?? null,
      status: joined?.open ? 'served' : 'waiting',
      event_id: joined?.eventId ?? randomUUID(),
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  return toRequest(row)
}

/** The request that a key was first used for. */
export async function findByKey(
  db: Queryable,
  environmentId: string,
  requestKey: string,
): Promise<Request | undefined> {
  const row = await db
    .selectFrom('rotation_requests')
    .selectAll()
    .where('environment_id', '=', environmentId)
    .where('request_key', '=', requestKey)
    .executeTakeFirst()
  return row && toRequest(row)
}

/** Nobody else serves or expires it until the caller's transaction ends. */
export async function lockRequest(db: Queryable, id: string): Promise<Request | undefined> {
  const row = await db
    .selectFrom('rotation_requests')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  return row && toRequest(row)
}

/** The request with which an event begins or began; an expired one only where no other asks for the same event. */
export async function findByEvent(db: Queryable, eventId: string): Promise<Request | undefined> {
  const row = await db
    .selectFrom('rotation_requests')
    .selectAll()
    .where('event_id', '=', eventId)
    .orderBy(sql`status = 'expired'`)
    .orderBy('created_at')
    .limit(1)
    .executeTakeFirst()
  return row && toRequest(row)
}

/** The oldest request of an environment that nothing serves yet. */
export async function oldestWaiting(db: Queryable, environmentId: string): Promise<Request | undefined> {
  const row = await db
    .selectFrom('rotation_requests')
    .selectAll()
    .where('environment_id', '=', environmentId)
    .where('status', '=', 'waiting')
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return row && toRequest(row)
}

/** Marks every waiting request of an event as taken up. */
export async function markServed(db: Queryable, eventId: string): Promise<void> {
  await db
    .updateTable('rotation_requests')
    .set({ status: 'served', served_at: sql`now()` })
    .where('event_id', '=', eventId)
    .where('status', '=', 'waiting')
    .execute()
}

/**
 * Requests that wait for longer than `olderThan` milliseconds while no event of their environment is open, with their
 * age in milliseconds by the database's clock.
 */
export async function unservedRequests(
  db: Queryable,
  olderThan: number,
): Promise<(Pick<Request, 'id' | 'eventId' | 'environmentId' | 'trigger'> & { age: number })[]> {
  return await db
    .selectFrom('rotation_requests as request')
    .select([
      'request.id',
      sql<string>`coalesce(request.event_id, request.id)`.as('eventId'),
      'request.environment_id as environmentId',
      'request.trigger',
      sql<number>`(extract(epoch from now() - request.created_at) * 1000)::float8`.as('age'),
    ])
    .where('status', '=', 'waiting')
    .where('created_at', '<', sql<Date>`now() - make_interval(secs => ${olderThan / 1000})`)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('rotation_events')
            .select('rotation_events.id')
            .whereRef('rotation_events.environment_id', '=', 'request.environment_id')
            .where('rotation_events.completed_at', 'is', null),
        ),
      ),
    )
    .execute()
}

/** Gives up a request, or all of an environment, that nothing has begun. */
export async function expireRequests(
  db: Queryable,
  which: { id: string } | { environmentId: string },
  message: string,
): Promise<void> {
  const rows = await db
    .updateTable('rotation_requests')
    .set({ status: 'expired', message })
    .where('status', '=', 'waiting')
    .where((eb) => ('id' in which ? eb('id', '=', which.id) : eb('environment_id', '=', which.environmentId)))
    .returning('event_id')
    .execute()
  for (const { event_id } of rows) await sql`select pg_notify('rekey_events', ${event_id})`.execute(db)
}

async function coveringEvent(
  db: Queryable,
  { environmentId, paths, force, action = 'rotate', subject = {} }: NewRequest,
): Promise<{ eventId: string; open: boolean } | undefined> {
  const coversPaths = (other: { paths: string[] | null }) =>
    other.paths === null || (paths !== null && paths.every((path) => other.paths?.includes(path)))
  const covers = (other: { paths: string[] | null; force: boolean; action: Action; subject: Subject }) =>
    other.action === action &&
    // What rotates these paths does so, whatever it tries again.
    (action === 'rotate' || sameSubject(other.subject, subject)) &&
    (other.force || !force) &&
    (action === 'rotate' ? coversPaths(other) : sameList(other.paths, paths))
  const open = await db
    .selectFrom('rotation_events as event')
    .innerJoin('environments', 'environments.id', 'event.environment_id')
    .select(['event.id', 'event.paths', 'event.force', 'event.action', 'event.subject'])
    // Planned before the newest edit, it may lack a call that is asked for now.
    .select(({ eb, ref }) =>
      eb(ref('event.base_revision'), '=', ref('environments.newest_revision')).as('isUpToDate'),
    )
    .where('environment_id', '=', environmentId)
    .where('completed_at', 'is', null)
    .executeTakeFirst()
  if (open?.isUpToDate && covers(open)) return { eventId: open.id, open: true }
  const waiting = await db
    .selectFrom('rotation_requests')
    .select(['event_id', 'paths', 'force', 'action', 'subject'])
    .where('environment_id', '=', environmentId)
    .where('status', '=', 'waiting')
    .orderBy('created_at')
    .execute()
  const match = waiting.find(covers)
  return match?.event_id ? { eventId: match.event_id, open: false } : undefined
}

function sameList(a: string[] | null, b: string[] | null): boolean {
  return a === null || b === null ? a === b : a.length === b.length && a.every((item, i) => item === b[i])
}
