/** Due times of schedules as requests: one each, served, waiting or missed. Requests themselves are in requests.ts. */
import { randomUUID } from 'node:crypto'
import type { Queryable } from './database.ts'
import type { Request } from './requests.ts'

/** Records a due time that passed while nothing could run; its request is never served. */
export async function recordMissed(
  db: Queryable,
  schedule: { id: string; environmentId: string; version: number; owner: string },
  dueAt: Date,
): Promise<void> {
  await db
    .insertInto('rotation_requests')
    .values({
      id: randomUUID(),
      environment_id: schedule.environmentId,
      request_key: scheduleKey(schedule.id, dueAt),
      trigger: 'schedule',
      login: schedule.owner,
      paths: null,
      schedule_id: schedule.id,
      schedule_version: schedule.version,
      due_at: dueAt,
      status: 'missed',
      event_id: null,
    })
    .onConflict((conflict) => conflict.columns(['environment_id', 'request_key']).doNothing())
    .execute()
}

/** The key of one due time of one schedule: what makes a tick happen once. */
export function scheduleKey(scheduleId: string, dueAt: Date): string {
  return `schedule/${scheduleId}/${dueAt.toISOString()}`
}

/** The runs of a schedule, newest first: served, waiting and missed due times. */
export async function scheduleRequests(
  db: Queryable,
  scheduleId: string,
  limit: number,
): Promise<
  { id: string; dueAt: Date; version: number; status: Request['status']; outcome: string | null }[]
> {
  const rows = await db
    .selectFrom('rotation_requests as request')
    .leftJoin('rotation_events as event', 'event.id', 'request.event_id')
    .select(['request.id', 'request.due_at', 'request.schedule_version', 'request.status', 'event.outcome'])
    .where('request.schedule_id', '=', scheduleId)
    .where('request.due_at', 'is not', null)
    .orderBy('request.due_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    id: row.id,
    dueAt: row.due_at ?? new Date(0),
    version: row.schedule_version ?? 1,
    status: row.status,
    outcome: row.outcome,
  }))
}

/** The newest due time of a schedule that has a request, in whatever state. */
export async function newestServedDue(db: Queryable, scheduleId: string): Promise<Date | undefined> {
  const row = await db
    .selectFrom('rotation_requests')
    .select((eb) => eb.fn.max('due_at').as('due'))
    .where('schedule_id', '=', scheduleId)
    .executeTakeFirst()
  return row?.due ?? undefined
}
