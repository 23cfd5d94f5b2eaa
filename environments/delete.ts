/** Deleting an environment: its name is free, its schedule gone; a tombstone keeps what its rotations may still need. */
import { Refusal } from '../model/refusal.ts'
import { appendAudit } from '../store/audit.ts'
import { claimedPaths, releaseClaims } from '../store/claims.ts'
import {
  deleteEnvironment as leaveTombstone,
  lockEnvironment,
  type Environment,
} from '../store/environments.ts'
import { openEvent } from '../store/events.ts'
import { deleteSchedule, listSchedules } from '../store/schedules.ts'
import { inTransaction } from '../store/transaction.ts'
import { demandLevel, doesNotExist } from './access.ts'
import type { Services } from './services.ts'

/**
 * Returns the ids of the schedules that went with it.
 * @throws Refusal not-found, forbidden, conflict (while it is being rotated)
 */
export async function deleteEnvironment(
  { db }: Services,
  { environment, login }: { environment: Environment; login: string },
): Promise<{ scheduleIds: string[] }> {
  await demandLevel(db, environment, { login, level: 'admin' })
  return inTransaction(db, async (transaction) => {
    const locked = await lockEnvironment(transaction, environment.id)
    if (!locked || locked.deletedAt) throw new Refusal('not-found', doesNotExist(environment))
    const event = await openEvent(transaction, environment.id)
    if (event)
      throw new Refusal(
        'conflict',
        `the environment is being rotated: delete it when event ${event.id} has ended`,
      )
    const schedules = await listSchedules(transaction, environment.id)
    for (const { id } of schedules) await deleteSchedule(transaction, id)
    for (const path of await claimedPaths(transaction, environment.id))
      await releaseClaims(transaction, environment.id, path)
    await leaveTombstone(transaction, { id: environment.id, login })
    await appendAudit(transaction, {
      actor: login,
      action: 'environment.delete',
      organization: environment.organization,
      environmentId: environment.id,
    })
    return { scheduleIds: schedules.map(({ id }) => id) }
  })
}
