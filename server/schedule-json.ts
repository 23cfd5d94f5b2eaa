/** Schedules as the ESC API shows them, with the zone and the next ten due times as extras. */
import { nextDues, parseSchedule } from '../model/cron.ts'
import type { Environment } from '../store/environments.ts'
import { scheduleRequests } from '../store/due-times.ts'
import type { Queryable } from '../store/database.ts'
import type { Schedule } from '../store/schedules.ts'

export async function scheduleJson(db: Queryable, schedule: Schedule, { organization }: Environment) {
  const [last] = (await scheduleRequests(db, schedule.id, 50)).filter(({ status }) => status === 'served')
  const next = schedule.paused
    ? []
    : nextDues(parseSchedule(schedule.cron, schedule.timezone, schedule.environmentId), new Date(), 10)
  return {
    id: schedule.id,
    orgID: organization,
    kind: 'environment_rotation',
    paused: schedule.paused,
    created: schedule.createdAt.toISOString(),
    modified: schedule.modifiedAt.toISOString(),
    lastExecuted: last?.dueAt.toISOString() ?? '',
    nextExecution: next[0]?.toISOString() ?? '',
    definition: { environmentPath: schedule.path ?? '', environmentID: schedule.environmentId },
    scheduleCron: schedule.cron,
    timezone: schedule.timezone,
    nextExecutions: next.map((time) => time.toISOString()),
    owner: schedule.owner,
    version: schedule.version,
  }
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
