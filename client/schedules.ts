/**
 * Schedules as Temporal sees them: a projection of the rows, always written whole and never read for what it says.
 * Whatever Temporal fires, the plan of the rotation decides whether it was due.
 */
import { ScheduleNotFoundError, ScheduleOverlapPolicy, type Client } from '@temporalio/client'
import { calendars, onceCalendar } from '../model/cron-calendars.ts'
import { parseSchedule } from '../model/cron.ts'
import type { Schedule } from '../store/schedules.ts'
import { runTexts, scheduleNote } from '../workflows/operator-texts.ts'
import { ENVIRONMENT, TRIGGER } from '../workflows/search-attributes.ts'
import { isAway } from './connect.ts'

/** What the projection of a schedule is made of. */
export interface ScheduleProjection extends Pick<
  Schedule,
  'id' | 'environmentId' | 'cron' | 'once' | 'timezone' | 'paused' | 'version' | 'modifiedAt'
> {
  /** `<organization>/<project>/<environment>`, for people who look at Temporal. */
  environmentName: string
}

/** Temporal's answers are waited for this long, in milliseconds. */
const DEADLINE = 5_000
/** Ticks that Temporal itself is late for; older ones are found from the rows. */
const CATCHUP_WINDOW = 60_000

const ID_PREFIX = 'schedule/'
/** Temporal takes 200 characters. */
const LONGEST_COMMENT = 190

export function temporalScheduleId(scheduleId: string): string {
  return `${ID_PREFIX}${scheduleId}`
}

/**
 * Makes Temporal's schedule what the row says, whether it exists or not. Safe to repeat. `usable` names the search
 * attributes that Temporal knows.
 * @throws when Temporal is away
 */
export async function syncSchedule(
  client: Client,
  taskQueue: string,
  schedule: ScheduleProjection,
  usable: readonly string[] = [],
): Promise<void> {
  try {
    await write(client, schedule, projectionOf(schedule, taskQueue, usable))
  } catch (error) {
    if (usable.length === 0 || isAway(error)) throw error
    // It may have lost one: better not searchable than not scheduled.
    await write(client, schedule, projectionOf(schedule, taskQueue, []))
  }
}

async function write(
  client: Client,
  schedule: ScheduleProjection,
  options: ReturnType<typeof projectionOf>,
): Promise<void> {
  const scheduleId = temporalScheduleId(schedule.id)
  await client.connection.withDeadline(Date.now() + DEADLINE, async () => {
    try {
      await client.schedule.getHandle(scheduleId).update(() => options)
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error
      try {
        const { memo } = runTexts(schedule, '')
        await client.schedule.create({ ...options, scheduleId, memo })
      } catch (conflict) {
        // Another copy of the server made it in between; its text may be older than ours.
        if (!(conflict instanceof Error) || conflict.name !== 'ScheduleAlreadyRunning') throw conflict
        await client.schedule.getHandle(scheduleId).update(() => options)
      }
    }
  })
}

/** Removes Temporal's schedule; a rotation that it started goes on. Nothing to remove is fine. */
export async function deleteSchedule(client: Client, scheduleId: string): Promise<void> {
  await client.connection.withDeadline(Date.now() + DEADLINE, async () => {
    try {
      await client.schedule.getHandle(temporalScheduleId(scheduleId)).delete()
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error
    }
  })
}

/** What every projection of a row's present edit is marked with: Temporal shows and lists it. */
export function projectionMark({ version, modifiedAt }: Pick<Schedule, 'version' | 'modifiedAt'>): string {
  return `edit ${version} of ${modifiedAt.toISOString()}`
}

function projectionOf(schedule: ScheduleProjection, taskQueue: string, usable: readonly string[]) {
  const environment = { key: ENVIRONMENT, value: schedule.environmentName }
  const attributes = [environment, { key: TRIGGER, value: 'schedule' }].filter(({ key }) =>
    usable.includes(key.name),
  )
  const { cron, once, timezone, paused, environmentName } = schedule
  const due = once ? `once, ${once.toISOString()}` : `${cron} in ${timezone}`
  return {
    spec: specOf(schedule),
    action: {
      type: 'startWorkflow' as const,
      // By name: the workflow's code is no business of those who start it.
      workflowType: 'rotateEnvironment',
      workflowId: `rotate/${schedule.environmentId}`,
      taskQueue,
      args: [{ environmentId: schedule.environmentId, scheduleId: schedule.id }],
      ...runTexts(schedule, 'schedule'),
      typedSearchAttributes: attributes,
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCHUP_WINDOW },
    state: { paused, note: scheduleNote(environmentName, due, paused) },
    typedSearchAttributes: attributes.filter(({ key }) => key === ENVIRONMENT),
  }
}

function specOf(schedule: ScheduleProjection) {
  const { cron, once, timezone, environmentId } = schedule
  const list = once ? [onceCalendar(once)] : calendars(parseSchedule(cron ?? '', timezone, environmentId))
  const mark = projectionMark(schedule)
  return {
    calendars: list.map((calendar) => ({
      ...calendar,
      comment: `${mark} · ${calendar.comment}`.slice(0, LONGEST_COMMENT),
    })),
    timezone: once ? 'UTC' : timezone,
  }
}

/** One of Temporal's schedules that looks like a projection of ours; another installation may have made it. */
export interface FoundProjection {
  /** The row's id. */
  id: string
  /** As `projectionMark` gave it, where nobody has changed it. */
  mark: string | undefined
  paused: boolean
}

/** Every projection that Temporal has, its newest changes perhaps not yet among them. @throws when Temporal is away. */
export async function listProjections(client: Client): Promise<FoundProjection[]> {
  const found: FoundProjection[] = []
  for await (const { scheduleId, spec, state } of client.schedule.list({ pageSize: 500 })) {
    if (!scheduleId.startsWith(ID_PREFIX)) continue
    const mark = spec?.calendars?.[0]?.comment?.split(' · ')[0]
    found.push({ id: scheduleId.slice(ID_PREFIX.length), mark, paused: state.paused })
  }
  return found
}

/** Whether a projection starts workflows on this task queue and is older than `age` milliseconds. */
export async function isOldProjection(
  client: Client,
  taskQueue: string,
  scheduleId: string,
  age: number,
): Promise<boolean> {
  try {
    const { action, info } = await client.connection.withDeadline(Date.now() + DEADLINE, () =>
      client.schedule.getHandle(temporalScheduleId(scheduleId)).describe(),
    )
    return action.taskQueue === taskQueue && Date.now() - info.createdAt.getTime() > age
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false
    throw error
  }
}
