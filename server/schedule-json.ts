/** Schedules as the ESC API shows them, with the zone and the next ten due times as extras. */
import { previewDueTimes } from '../model/due-preview.ts'
import type { Environment } from '../store/environments.ts'
import { scheduleRequests } from '../store/due-times.ts'
import type { Queryable } from '../store/database.ts'
import type { Schedule } from '../store/schedules.ts'

export async function scheduleJson(db: Queryable, schedule: Schedule, { organization }: Environment) {
  const runs = await scheduleRequests(db, schedule.id, 50)
  const last = runs.find(({ status }) => status === 'served')
  const next = schedule.paused ? [] : previewDueTimes(schedule, schedule.environmentId, new Date(), 10)
  return {
    id: schedule.id,
    orgID: organization,
    kind: 'environment_rotation',
    paused: schedule.paused,
    created: schedule.createdAt.toISOString(),
    modified: schedule.modifiedAt.toISOString(),
    lastExecuted: last?.dueAt.toISOString() ?? '',
    nextExecution: next[0]?.at.toISOString() ?? '',
    definition: { environmentPath: schedule.path ?? '', environmentID: schedule.environmentId },
    ...(schedule.once
      ? { scheduleOnce: schedule.once.toISOString(), ended: hasEnded(schedule, schedule.once, runs) }
      : { scheduleCron: schedule.cron ?? '', ended: false }),
    timezone: schedule.timezone,
    nextExecutions: next.map(({ at }) => at.toISOString()),
    nextDueTimes: next.map(({ at, local, warning }) => ({
      utc: at.toISOString(),
      local,
      ...(warning !== undefined && { warning }),
    })),
    owner: schedule.owner,
    version: schedule.version,
  }
}

/** Whether nothing will come of it any more: its one due time was taken up, or passed while it was paused. */
function hasEnded(
  { effectiveAt }: Schedule,
  once: Date,
  runs: Awaited<ReturnType<typeof scheduleRequests>>,
): boolean {
  const run = runs.find(({ dueAt }) => dueAt.getTime() === once.getTime())
  return run ? run.status !== 'waiting' : once <= effectiveAt
}

/** Newest first; `result` also tells due times that nothing served. */
export async function scheduleHistoryJson(db: Queryable, scheduleId: string) {
  return (await scheduleRequests(db, scheduleId, 500)).map(({ id, dueAt, version, status, outcome }) => ({
    id,
    scheduledActionID: scheduleId,
    executed: dueAt.toISOString(),
    version,
    result: status === 'served' ? (outcome ?? 'in_progress') : status,
  }))
}
