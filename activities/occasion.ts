/** Why a run began: a due time or a signal becomes a request here, once; a request of the API is in the store already. */
import { appendAudit } from '../store/audit.ts'
import { lockEnvironment } from '../store/environments.ts'
import { readDueTimes, recordPassedOver, scheduleKey } from '../store/due-times.ts'
import { findByKey, insertRequest } from '../store/requests.ts'
import { listSchedules, type Schedule } from '../store/schedules.ts'
import { inTransaction } from '../store/transaction.ts'
import type { ActivityServices } from './services.ts'

export type Occasion =
  | { kind: 'requests' }
  | { kind: 'schedule'; scheduleId: string; dueAt: string }
  | { kind: 'signal'; requestKey: string }

/**
 * Writes the request that an occasion stands for. The row alone says whether an instant is due: Temporal's
 * calendars may fire on more of them.
 * @returns true when there is nothing to do for it: not due, served already, or nobody whose rights would count.
 */
export async function takeOccasion(
  services: ActivityServices,
  environmentId: string,
  occasion: Occasion,
): Promise<boolean> {
  if (occasion.kind === 'requests') return false
  return await inTransaction(services.environments.db, async (db) => {
    const environment = await lockEnvironment(db, environmentId)
    const [schedule] = await listSchedules(db, environmentId)
    if (!environment || environment.deletedAt) return true
    if (!schedule) {
      if (occasion.kind === 'signal') {
        await appendAudit(db, {
          actor: 'system',
          action: 'rotation.signal.refused',
          organization: environment.organization,
          environmentId,
          details: { why: 'no schedule, so nobody whose rights would count' },
        })
      }
      return true
    }
    if (occasion.kind === 'signal') {
      // This same signal, planned again: the schedule may have been edited in between.
      if (await findByKey(db, environmentId, occasion.requestKey)) return false
      await appendAudit(db, {
        actor: schedule.owner,
        action: 'rotation.signal',
        organization: environment.organization,
        environmentId,
        details: { key: occasion.requestKey },
      })
      await insertRequest(db, {
        environmentId,
        trigger: 'signal',
        login: schedule.owner,
        paths: schedule.path === null ? null : [schedule.path],
        force: false,
        requestKey: occasion.requestKey,
      })
      return false
    }
    const dueAt = new Date(occasion.dueAt)
    if (schedule.id !== occasion.scheduleId || !isBusinessOf(schedule, dueAt)) return true
    if (!readDueTimes(schedule, environmentId)?.includes(dueAt)) return true
    const key = scheduleKey(schedule.id, dueAt)
    const known = await findByKey(db, environmentId, key)
    // Known and waiting, or served by the event that is open: this is that same tick, tried again.
    if (known) return known.status === 'missed' || known.status === 'expired'
    // It runs in the place of all of them.
    await recordPassedOver(db, schedule, dueAt)
    await insertRequest(db, {
      environmentId,
      trigger: 'schedule',
      login: schedule.owner,
      paths: schedule.path === null ? null : [schedule.path],
      force: false,
      requestKey: key,
      schedule: { id: schedule.id, version: schedule.version, dueAt },
    })
    return false
  })
}

/** False for an instant before the schedule was last edited, and while it is paused. */
export function isBusinessOf(schedule: Schedule, dueAt: Date): boolean {
  return !schedule.paused && dueAt.getTime() > schedule.effectiveAt.getTime()
}
