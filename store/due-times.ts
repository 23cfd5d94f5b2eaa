/** Due times of schedules as requests: one each, served, waiting or missed. Requests themselves are in requests.ts. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { isRefusal } from '../model/refusal.ts'
import { dueTimesOf, type DueTimes, type Timing } from '../model/timing.ts'
import type { Queryable } from './database.ts'
import type { Request } from './requests.ts'
import type { Schedule } from './schedules.ts'

/** Rows of one statement: PostgreSQL takes 65,535 parameters. */
const ROWS = 1000

/** Due times passed over at once that are written down; a year of a schedule of every hour. */
const MISSED_RECORDED = 9_000

/**
 * Writes down as missed what a schedule was due for before an instant and nothing has begun to serve: something else
 * takes its place, and it never will be. What cannot be read was never due.
 */
export async function recordPassedOver(db: Queryable, schedule: Schedule, before: Date): Promise<void> {
  const times = readDueTimes(schedule, schedule.environmentId)
  let due = times?.previous(before)
  if (!due || due <= schedule.effectiveAt) return
  const served = await newestServedDue(db, schedule.id, before)
  const since = Math.max(schedule.effectiveAt.getTime(), served?.getTime() ?? 0)
  const missed: Date[] = []
  while (due && due.getTime() > since && missed.length < MISSED_RECORDED) {
    missed.push(due)
    due = times?.previous(due)
  }
  await recordMissed(db, schedule, missed)
}

/** Undefined where the row cannot be read. `seed`: the environment's id. */
export function readDueTimes(timing: Timing, seed: string): DueTimes | undefined {
  try {
    return dueTimesOf(timing, seed)
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
}

/** Records due times that passed while nothing could run; their requests are never served. */
export async function recordMissed(
  db: Queryable,
  schedule: { id: string; environmentId: string; version: number; owner: string },
  dueTimes: Date[],
): Promise<void> {
  for (let index = 0; index < dueTimes.length; index += ROWS) {
    await db
      .insertInto('rotation_requests')
      .values(
        dueTimes.slice(index, index + ROWS).map((dueAt) => ({
          id: randomUUID(),
          environment_id: schedule.environmentId,
          request_key: scheduleKey(schedule.id, dueAt),
          trigger: 'schedule' as const,
          login: schedule.owner,
          paths: null,
          schedule_id: schedule.id,
          schedule_version: schedule.version,
          due_at: dueAt,
          status: 'missed' as const,
          event_id: null,
        })),
      )
      .onConflict((conflict) => conflict.columns(['environment_id', 'request_key']).doNothing())
      .execute()
  }
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

/** The newest due time of a schedule, before an instant where one is given, that has a request, in whatever state. */
export async function newestServedDue(
  db: Queryable,
  scheduleId: string,
  before?: Date,
): Promise<Date | undefined> {
  const row = await db
    .selectFrom('rotation_requests')
    .select((eb) => eb.fn.max('due_at').as('due'))
    .where('schedule_id', '=', scheduleId)
    .$if(before !== undefined, (query) => query.where('due_at', '<', before!))
    .executeTakeFirst()
  return row?.due ?? undefined
}

/** A due time that passed and that nothing has begun to serve, nor recorded as missed. */
export interface OverdueSchedule {
  scheduleId: string
  environmentId: string
  /** The oldest such due time of the schedule. */
  dueAt: Date
  /** Milliseconds since then, by the database's clock. */
  late: number
}

/** Milliseconds: a tick is not overdue while Temporal and a worker are about to serve it. */
const OVERDUE_AFTER = 60_000

/** What is overdue, latest first: at most one entry a schedule. Asks nothing but the rows. */
export async function overdueSchedules(db: Queryable, grace = OVERDUE_AFTER): Promise<OverdueSchedule[]> {
  const rows = await db
    .selectFrom('schedules')
    .innerJoin('environments', 'environments.id', 'schedules.environment_id')
    .select(['schedules.id', 'environment_id', 'cron', 'once_at as once', 'timezone', 'effective_at'])
    .select(({ selectFrom }) => [
      selectFrom('rotation_requests')
        .whereRef('schedule_id', '=', 'schedules.id')
        .select(({ fn }) => fn.max('due_at').as('due'))
        .as('newest'),
      selectFrom('rotation_requests')
        // The environment too: it leads to the index of what waits, past all that was served.
        .whereRef('rotation_requests.environment_id', '=', 'schedules.environment_id')
        .whereRef('schedule_id', '=', 'schedules.id')
        .whereRef('due_at', '>', 'schedules.effective_at')
        .where('status', '=', 'waiting')
        .select(({ fn }) => fn.min('due_at').as('due'))
        .as('waiting'),
      sql<Date>`now()`.as('now'),
    ])
    .where('paused', '=', false)
    .where('environments.deleted_at', 'is', null)
    .execute()
  const remembered = new Map<string, NextDue>()
  const overdue = rows.flatMap((row) => {
    const since = Math.max(row.effective_at.getTime(), row.newest?.getTime() ?? 0)
    const next = nextAfter(row, since)
    remembered.set(row.id, next)
    const dueAt = row.waiting ?? next.dueAt
    const late = dueAt ? row.now.getTime() - dueAt.getTime() : 0
    return dueAt && late > grace
      ? [{ scheduleId: row.id, environmentId: row.environment_id, dueAt, late }]
      : []
  })
  nextDues = remembered
  return overdue.sort((a, b) => b.late - a.late)
}

interface NextDue {
  /** What it was computed from. */
  from: string
  dueAt: Date | undefined
}

/** By schedule, of the last call: reading a cron text takes far longer than comparing with the clock. */
let nextDues = new Map<string, NextDue>()

function nextAfter(row: Timing & { id: string; environment_id: string }, since: number): NextDue {
  const from = JSON.stringify([row.cron, row.once, row.timezone, since])
  const known = nextDues.get(row.id)
  return known?.from === from ? known : { from, dueAt: unservedDue(row, new Date(since)) }
}

/** For health checks: how many are overdue and since when, without a name; empty when that cannot be told. */
export async function describeOverdue(
  db: Queryable,
): Promise<{ overdueSchedules?: number; overdueSince?: string }> {
  try {
    const overdue = await overdueSchedules(db)
    const [latest] = overdue
    return {
      overdueSchedules: overdue.length,
      ...(latest && { overdueSince: latest.dueAt.toISOString() }),
    }
  } catch {
    return {}
  }
}

/** What cannot be read is never due; who tries to run it says so. */
function unservedDue(row: Timing & { environment_id: string }, since: Date): Date | undefined {
  return readDueTimes(row, row.environment_id)?.next(since)
}
