/** The sweeper's schedule in Temporal: one for each task queue, always rewritten whole. It has no row: losing it loses nothing. */
import { ScheduleNotFoundError, ScheduleOverlapPolicy, type Client } from '@temporalio/client'

/** Temporal's answers are waited for this long, in milliseconds. */
const DEADLINE = 5_000

export function sweepScheduleId(taskQueue: string): string {
  return `sweep/${taskQueue}`
}

/** Makes the schedule sweep every `interval` milliseconds, or removes it at 0. Safe to repeat. @throws when Temporal is away */
export async function syncSweep(client: Client, taskQueue: string, interval: number): Promise<void> {
  const scheduleId = sweepScheduleId(taskQueue)
  const handle = client.schedule.getHandle(scheduleId)
  const options = {
    spec: { intervals: [{ every: interval }] },
    action: {
      type: 'startWorkflow' as const,
      // By name: the workflow's code is no business of those who start it.
      workflowType: 'sweepUnsettled',
      workflowId: scheduleId,
      taskQueue,
      args: [],
      staticSummary: 'looks at what rotations left in doubt',
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 60_000 },
    state: { paused: false },
  }
  await client.connection.withDeadline(Date.now() + DEADLINE, async () => {
    try {
      if (interval === 0) await handle.delete()
      else await handle.update(() => options)
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error
      if (interval === 0) return
      try {
        await client.schedule.create({ ...options, scheduleId })
      } catch (conflict) {
        // Another worker made the very same in between.
        if (!(conflict instanceof Error) || conflict.name !== 'ScheduleAlreadyRunning') throw conflict
      }
    }
  })
}
