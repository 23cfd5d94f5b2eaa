/**
 * Later tries of what failed in a scheduled run: rows that wait until they are due, then become a request once, or end
 * with a reason. What ends one is judged here, by the rows alone; nothing here rotates.
 */
import { sql } from 'kysely'
import type { Queryable } from './database.ts'

/** A try by its name: the scheduled event, and its place after it, from 1. */
export interface RetryName {
  eventId: string
  number: number
}

export interface NewRetry extends RetryName {
  environmentId: string
  /** The event whose failed paths these are: the scheduled one, or the try before. */
  failedEventId: string
  paths: string[]
  /** The newest one at that event's end. */
  revision: number
  /** Milliseconds from now, by the store's clock. */
  dueIn: number
}

/** One that is not over, as it stands now. */
export interface RetryNow extends RetryName {
  environmentId: string
  /** `<organization>/<project>/<environment>` */
  environmentName: string
  /** Whose rights count: the schedule's owner, as in the run that failed. */
  login: string
  /** Those that nobody has asked for since. */
  paths: string[]
  isDue: boolean
  /** It is a request by now. */
  begun: boolean
  /** Why it will not be begun; null while it is wanted. */
  ended: string | null
}

/** What follows an event whose paths failed, for people. */
export interface NextRetry extends RetryName {
  paths: string[]
  dueAt: Date
  status: 'waiting' | 'begun' | 'ended'
  retryEventId: string | null
  message: string | null
}

/** The request key of a try: it becomes one request, ever. */
export function retryKey({ eventId, number }: RetryName): string {
  return `retry/${eventId}/${number}`
}

/** Does nothing where the event has its next try already. */
export async function insertRetry(db: Queryable, retry: NewRetry): Promise<void> {
  await db
    .insertInto('rotation_retries')
    .values({
      event_id: retry.eventId,
      number: retry.number,
      environment_id: retry.environmentId,
      failed_event_id: retry.failedEventId,
      paths: retry.paths,
      revision: retry.revision,
      due_at: sql<Date>`now() + make_interval(secs => ${retry.dueIn / 1000})`,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Every try that waits, due or not; those that are due longest first. */
export async function waitingRetries(db: Queryable): Promise<RetryNow[]> {
  return await select(db, sql`r.status = 'waiting'`)
}

/** One try, also one that has become a request and has not begun yet; undefined once it has ended. Call it with the environment's row locked. */
export async function retryNow(db: Queryable, { eventId, number }: RetryName): Promise<RetryNow | undefined> {
  const [found] = await select(
    db,
    sql`r.event_id = ${eventId} and r.number = ${number} and r.status <> 'ended'`,
  )
  return found
}

/** `retryEventId`: the event that its request begins. */
export async function markRetryBegun(
  db: Queryable,
  { eventId, number }: RetryName,
  retryEventId: string,
): Promise<void> {
  await db
    .updateTable('rotation_retries')
    .set({ status: 'begun', retry_event_id: retryEventId })
    .where('event_id', '=', eventId)
    .where('number', '=', number)
    .where('status', '=', 'waiting')
    .execute()
}

export async function endRetry(
  db: Queryable,
  { eventId, number }: RetryName,
  message: string,
): Promise<void> {
  await db
    .updateTable('rotation_retries')
    .set({ status: 'ended', message })
    .where('event_id', '=', eventId)
    .where('number', '=', number)
    .where('status', '<>', 'ended')
    .execute()
}

/** By the event that failed. Those that have none are absent. */
export async function nextRetries(db: Queryable, failedEventIds: string[]): Promise<Map<string, NextRetry>> {
  if (failedEventIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('rotation_retries')
    .selectAll()
    .where('failed_event_id', 'in', failedEventIds)
    .execute()
  return new Map(
    rows.map((row) => [
      row.failed_event_id,
      {
        eventId: row.event_id,
        number: row.number,
        paths: row.paths,
        dueAt: row.due_at,
        status: row.status,
        retryEventId: row.retry_event_id,
        message: row.message,
      },
    ]),
  )
}

/** An event that has rotated, adopted or undone one of these paths, or tried to, after another event had been planned. */
export async function takenUpSince(
  db: Queryable,
  event: { id: string; environmentId: string; createdAt: Date },
  paths: string[],
): Promise<{ eventId: string; path: string } | undefined> {
  if (paths.length === 0) return undefined
  return await db
    .selectFrom('rotations as rotation')
    .innerJoin('rotation_events as event', 'event.id', 'rotation.event_id')
    .select(['event.id as eventId', 'rotation.path'])
    .where('event.environment_id', '=', event.environmentId)
    .where('event.id', '<>', event.id)
    .where('event.created_at', '>', event.createdAt)
    .where('event.action', 'in', ['rotate', 'adopt', 'undo'])
    .where('rotation.path', 'in', paths)
    .where(sql<boolean>`rotation.outcome is distinct from 'skipped'`)
    .orderBy('event.created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** The sweeper only looks at what is in doubt: its requests end nothing. */
async function select(db: Queryable, which: ReturnType<typeof sql>): Promise<RetryNow[]> {
  const { rows } = await sql<RetryNow>`
    select one."eventId", one.number, one."environmentId", one."environmentName", one.login, one.paths, one."isDue", one.begun,
      case
        when one.deleted then 'the environment was deleted'
        when one.no_schedule then 'its schedule was removed'
        when one.paused then 'its schedule was paused'
        when one.schedule_edited then 'its schedule was edited'
        when one.edited then 'the definition was edited'
        when one.paths = '{}' then 'a newer request took its place'
      end as ended
    from (
      select r.event_id as "eventId", r.number, r.environment_id as "environmentId", scheduled.login,
        e.organization || '/' || e.project || '/' || e.name as "environmentName",
        r.due_at, r.due_at <= now() as "isDue", r.status = 'begun' as begun,
        array(
          select path.path from unnest(r.paths) as path (path)
          where not exists (
            select 1 from rotation_requests q
            where q.environment_id = r.environment_id
              and q.created_at > failed.created_at
              and q.status in ('waiting', 'served')
              and q.trigger <> 'sweep'
              and q.request_key is distinct from 'retry/' || r.event_id || '/' || r.number
              and q.event_id is distinct from r.failed_event_id
              and q.event_id is distinct from r.retry_event_id
              and case
                when q.subject ? 'rotation' then exists (
                  select 1 from rotations t where t.id::text = q.subject ->> 'rotation' and t.path = path.path)
                else q.paths is null or path.path = any (q.paths)
              end)
        ) as paths,
        e.deleted_at is not null as deleted,
        s.id is null as no_schedule,
        s.paused,
        s.effective_at >= scheduled.due_at as schedule_edited,
        exists (
          select 1 from revisions v
          where v.environment_id = r.environment_id and v.number > r.revision and v.event_id is null
        ) as edited
      from rotation_retries r
      join rotation_events scheduled on scheduled.id = r.event_id
      join rotation_events failed on failed.id = r.failed_event_id
      join environments e on e.id = r.environment_id
      left join schedules s on s.id = scheduled.schedule_id
      where ${which}
    ) as one
    order by one.due_at, one."eventId"`.execute(db)
  return rows
}
