/**
 * Schedules as Temporal sees them: a projection of the rows, always written whole and never read for what it says.
 * Whatever Temporal fires, the plan of the rotation decides whether it was due.
 */
import { ScheduleNotFoundError, ScheduleOverlapPolicy, type Client } from '@temporalio/client'
import { calendars } from '../model/cron-calendars.ts'
import { parseSchedule } from '../model/cron.ts'

/** What the projection of a schedule is made of. */
export interface ScheduleProjection {
  id: string
  environmentId: string
  cron: string
  timezone: string
  paused: boolean
  /** `<organization>/<project>/<environment>`, for people who look at Temporal. */
  environmentName: string
}

/** Temporal's answers are waited for this long, in milliseconds. */
const DEADLINE = 5_000
/** Ticks that Temporal itself is late for; older ones are found from the rows. */
const CATCHUP_WINDOW = 60_000

export function temporalScheduleId(scheduleId: string): string {
  return `schedule/${scheduleId}`
}

/** Makes Temporal's schedule what the row says, whether it exists or not. Safe to repeat. @throws when Temporal is away. */
export async function syncSchedule(
  client: Client,
  taskQueue: string,
  schedule: ScheduleProjection,
): Promise<void> {
  const scheduleId = temporalScheduleId(schedule.id)
  const options = projectionOf(schedule, taskQueue)
  await client.connection.withDeadline(Date.now() + DEADLINE, async () => {
    try {
      await client.schedule.getHandle(scheduleId).update(() => options)
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error
      try {
        await client.schedule.create({ ...options, scheduleId })
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

function projectionOf(schedule: ScheduleProjection, taskQueue: string) {
  const parsed = parseSchedule(schedule.cron, schedule.timezone, schedule.environmentId)
  return {
    spec: { calendars: calendars(parsed), timezone: parsed.timezone },
    action: {
      type: 'startWorkflow' as const,
      // By name: the workflow's code is no business of those who start it.
      workflowType: 'rotateEnvironment',
      workflowId: `rotate/${schedule.environmentId}`,
      taskQueue,
      args: [{ environmentId: schedule.environmentId, scheduleId: schedule.id }],
      staticSummary: `${schedule.environmentName} · schedule`,
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCHUP_WINDOW },
    state: { paused: schedule.paused },
  }
}
