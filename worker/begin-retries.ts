/** Has what failed in scheduled runs tried again when it is due: each row becomes one request, or ends with a reason. */
import type { Logger } from 'pino'
import { originOf } from '../activities/guarded.ts'
import { wake, type RotationsClient } from '../client/rotations.ts'
import { appendAudit } from '../store/audit.ts'
import { lockEnvironment } from '../store/environments.ts'
import { insertRequest } from '../store/requests.ts'
import {
  endRetry,
  markRetryBegun,
  retryKey,
  retryNow,
  waitingRetries,
  type RetryNow,
} from '../store/retries.ts'
import { inTransaction } from '../store/transaction.ts'

/** May be done by several at once. @throws when the store is away */
export async function beginRetries(on: RotationsClient & { log: Logger }): Promise<void> {
  for (const retry of await waitingRetries(on.db)) {
    if (!retry.isDue && retry.ended === null) continue
    try {
      if (await begin(on, retry)) await wake(on, retry, 'retry')
    } catch (error) {
      on.log.warn(originOf(error), 'a later try could not be begun; it is taken up again')
    }
  }
}

/** True when it has become a request by this call. */
async function begin({ db, log }: RotationsClient & { log: Logger }, seen: RetryNow): Promise<boolean> {
  return await inTransaction(db, async (transaction) => {
    const environment = await lockEnvironment(transaction, seen.environmentId)
    const retry = environment && (await retryNow(transaction, seen))
    if (!retry || retry.begun) return false
    if (retry.ended !== null) {
      const { eventId, environmentId, number, ended: why } = retry
      log.info({ eventId, environmentId, retry: number, why }, 'a later try is not wanted')
      await endRetry(transaction, retry, retry.ended)
      return false
    }
    const { eventId } = await insertRequest(transaction, {
      environmentId: environment.id,
      trigger: 'retry',
      subject: { event: retry.eventId, retry: retry.number },
      login: retry.login,
      paths: retry.paths,
      force: false,
      requestKey: retryKey(retry),
    })
    await markRetryBegun(transaction, retry, eventId)
    await appendAudit(transaction, {
      actor: 'system',
      action: 'rotation.request',
      organization: environment.organization,
      environmentId: environment.id,
      details: { event: eventId, paths: retry.paths, retry: retry.number, of: retry.eventId },
    })
    return true
  })
}
