/**
 * Temporal's schedules against the rows: all written out at a start, and later compared, so that nothing stays behind
 * of a row that is gone, and an older edit does not stay. The rows are never changed here.
 */
import type { Client } from '@temporalio/client'
import type { Logger } from 'pino'
import { originOf } from '../activities/guarded.ts'
import {
  deleteSchedule,
  isOldProjection,
  listProjections,
  projectionMark,
  syncSchedule,
  type FoundProjection,
} from '../client/schedules.ts'
import { isRefusal } from '../model/refusal.ts'
import type { Database } from '../store/database.ts'
import { databaseTime } from '../store/ping.ts'
import { namedSchedules, type NamedSchedule } from '../store/schedules.ts'

export interface ProjectionOptions {
  client: Client
  db: Database
  taskQueue: string
  log: Logger
  /** Absent: projections have none. */
  searchAttributes?: () => readonly string[]
}

/** Milliseconds: what is younger is being written just now, or not yet in Temporal's list. */
const SETTLED_AFTER = 120_000

/** Temporal may have lost its schedules, be new, or hold what an older Rekey made of the rows: writes them all. */
export async function projectSchedules(options: ProjectionOptions): Promise<void> {
  try {
    const now = await databaseTime(options.db)
    for (const schedule of await namedSchedules(options.db)) {
      if (hasWork(schedule, now)) await project(options, schedule)
    }
  } catch (error) {
    options.log.warn(
      originOf(error),
      'the schedules could not be written to Temporal; late runs are found from the rows',
    )
  }
}

/**
 * Mends what differs: a projection without a row is removed when it starts workflows on our task queue, a row without
 * its projection, or with that of another edit, is written. `settledAfter`: milliseconds.
 * @throws when the store or Temporal is away
 */
export async function mendProjections(
  options: ProjectionOptions,
  settledAfter: number = SETTLED_AFTER,
): Promise<void> {
  const { client, db, taskQueue, log } = options
  const found = new Map((await listProjections(client)).map((projection) => [projection.id, projection]))
  const now = await databaseTime(db)
  const schedules = await namedSchedules(db)
  for (const schedule of schedules) {
    const isSettled = now.getTime() - schedule.modifiedAt.getTime() >= settledAfter
    if (!isSettled || !hasWork(schedule, now) || isAsWritten(schedule, found.get(schedule.id))) continue
    log.warn(
      { scheduleId: schedule.id, environmentId: schedule.environmentId },
      'a schedule in Temporal is not what its row says; it is written again',
    )
    await attempt(options, () => project(options, schedule))
  }
  const known = new Set(schedules.map(({ id }) => id))
  for (const id of found.keys()) {
    if (known.has(id)) continue
    await attempt(options, async () => {
      if (!(await isOldProjection(client, taskQueue, id, settledAfter))) return
      log.warn({ scheduleId: id }, 'a schedule in Temporal has no row any more; it is removed')
      await deleteSchedule(client, id)
    })
  }
}

/** Paused or resumed by hand in Temporal counts as different: it would not hold back what the row says anyway. */
function isAsWritten(schedule: NamedSchedule, found: FoundProjection | undefined): boolean {
  return found?.mark === projectionMark(schedule) && found.paused === schedule.paused
}

/** Temporal forgets a schedule some days after its last action; nobody misses it. */
function hasWork({ once }: NamedSchedule, now: Date): boolean {
  return once === null || once > now
}

async function project(options: ProjectionOptions, schedule: NamedSchedule): Promise<void> {
  try {
    await syncSchedule(options.client, options.taskQueue, schedule, options.searchAttributes?.())
  } catch (error) {
    if (!isRefusal(error)) throw error
    options.log.error(
      { scheduleId: schedule.id, environmentId: schedule.environmentId },
      'a schedule in the store cannot be read',
    )
  }
}

/** One that cannot be mended now must not keep the others from it. */
async function attempt({ log }: ProjectionOptions, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    log.warn(originOf(error), 'a schedule in Temporal could not be mended; it is tried again')
  }
}
