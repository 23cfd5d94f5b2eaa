/** The truth about schedules: at most one per environment. What Temporal holds of them is a projection of these rows. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { Refusal } from '../model/refusal.ts'
import type { Queryable } from './database.ts'

export interface Schedule {
  id: string
  environmentId: string
  /** Null for a schedule that is due once. */
  cron: string | null
  /** The only instant at which it is due; null for one that follows a cron text. */
  once: Date | null
  timezone: string
  /** The one path to rotate; null for all. */
  path: string | null
  paused: boolean
  /** A run acts with this person's rights. */
  owner: string
  /** Counts edits. */
  version: number
  createdAt: Date
  modifiedAt: Date
  /** Due times before this instant are not this schedule's business. */
  effectiveAt: Date
}

const COLUMNS = [
  'schedules.id',
  'schedules.environment_id as environmentId',
  'schedules.cron',
  'schedules.once_at as once',
  'schedules.timezone',
  'schedules.path',
  'schedules.paused',
  'schedules.owner',
  'schedules.version',
  'schedules.created_at as createdAt',
  'schedules.modified_at as modifiedAt',
  'schedules.effective_at as effectiveAt',
] as const

/** The caller has checked cron text or instant, one of which is given, and zone. @throws Refusal conflict when the environment has a schedule. */
export async function createSchedule(
  db: Queryable,
  schedule: {
    environmentId: string
    cron?: string | null
    once?: Date | null
    timezone?: string
    path?: string | null
    paused?: boolean
    owner: string
  },
): Promise<Schedule> {
  const made = await db
    .insertInto('schedules')
    .values({
      id: randomUUID(),
      environment_id: schedule.environmentId,
      cron: schedule.cron ?? null,
      once_at: schedule.once ?? null,
      timezone: schedule.timezone ?? 'UTC',
      path: schedule.path ?? null,
      paused: schedule.paused ?? false,
      owner: schedule.owner,
    })
    .onConflict((conflict) => conflict.column('environment_id').doNothing())
    .returning(COLUMNS)
    .executeTakeFirst()
  if (!made) throw new Refusal('conflict', 'the environment has a schedule already; edit or remove it')
  return made
}

export async function getSchedule(db: Queryable, id: string): Promise<Schedule | undefined> {
  return db
    .selectFrom('schedules')
    .select(COLUMNS)
    .where(sql<boolean>`schedules.id::text = ${id}`)
    .executeTakeFirst()
}

/** As it is, and so it stays until the caller's transaction ends. @throws Refusal not-found */
export async function lockSchedule(db: Queryable, id: string): Promise<Schedule> {
  const locked = await db
    .selectFrom('schedules')
    .select(COLUMNS)
    .where(sql<boolean>`schedules.id::text = ${id}`)
    .forUpdate()
    .executeTakeFirst()
  if (!locked) throw new Refusal('not-found', 'there is no such schedule')
  return locked
}

/** The schedules of an environment: one or none. */
export async function listSchedules(db: Queryable, environmentId: string): Promise<Schedule[]> {
  return db.selectFrom('schedules').select(COLUMNS).where('environment_id', '=', environmentId).execute()
}

/** Every schedule that is to run: not paused, its environment not deleted. */
export async function activeSchedules(db: Queryable): Promise<Schedule[]> {
  return db
    .selectFrom('schedules')
    .innerJoin('environments', 'environments.id', 'schedules.environment_id')
    .select(COLUMNS)
    .where('paused', '=', false)
    .where('environments.deleted_at', 'is', null)
    .orderBy('schedules.id')
    .execute()
}

export interface NamedSchedule extends Schedule {
  /** `<organization>/<project>/<environment>` */
  environmentName: string
}

/** Every schedule, paused ones too, whose environment is not deleted. */
export async function namedSchedules(db: Queryable): Promise<NamedSchedule[]> {
  return db
    .selectFrom('schedules')
    .innerJoin('environments', 'environments.id', 'schedules.environment_id')
    .select(COLUMNS)
    .select(
      sql<string>`environments.organization || '/' || environments.project || '/' || environments.name`.as(
        'environmentName',
      ),
    )
    .where('environments.deleted_at', 'is', null)
    .orderBy('schedules.id')
    .execute()
}

/**
 * Changes what is given. The schedule starts anew: due times before this edit are no longer its business, and the
 * caller records those that were missed.
 * @throws Refusal not-found
 */
export async function updateSchedule(
  db: Queryable,
  id: string,
  change: {
    cron?: string | null
    once?: Date | null
    timezone?: string
    path?: string | null
    paused?: boolean
    owner?: string
  },
): Promise<Schedule> {
  const changed = await db
    .updateTable('schedules')
    .set({
      ...(change.cron !== undefined && { cron: change.cron }),
      ...(change.once !== undefined && { once_at: change.once }),
      ...(change.timezone !== undefined && { timezone: change.timezone }),
      ...(change.path !== undefined && { path: change.path }),
      ...(change.paused !== undefined && { paused: change.paused }),
      ...(change.owner !== undefined && { owner: change.owner }),
      version: sql`version + 1`,
      modified_at: sql<Date>`now()`,
      effective_at: sql<Date>`now()`,
    })
    .where(sql<boolean>`schedules.id::text = ${id}`)
    .returning(COLUMNS)
    .executeTakeFirst()
  if (!changed) throw new Refusal('not-found', 'there is no such schedule')
  return changed
}

/** @throws Refusal not-found */
export async function deleteSchedule(db: Queryable, id: string): Promise<void> {
  const gone = await db
    .deleteFrom('schedules')
    .where(sql<boolean>`schedules.id::text = ${id}`)
    .executeTakeFirst()
  if (gone.numDeletedRows === 0n) throw new Refusal('not-found', 'there is no such schedule')
}
