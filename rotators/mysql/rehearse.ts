/**
 * A rotation as far as it can be tried without one: these servers cannot take a change of a user back, so it is the
 * preflight of both users and their comparison. Changes nothing.
 */
import { RotationFailure } from '../../model/failures.ts'
import type { Rehearsal } from '../rotator.ts'
import { UNSEEN } from './accounts.ts'
import { compareUsers } from './compare-users.ts'
import { preflight, warningsOf } from './preflight.ts'
import { accountText } from './route.ts'
import type { Account } from './route.ts'
import type { Session } from './session.ts'

/** Seconds. Whoever holds a lock must not be kept waiting by somebody who only asks. */
const LOCK_LIMIT = 1

/** @throws RotationFailure as the rotation would */
export async function rehearse(session: Session, next: Account, other: Account): Promise<Rehearsal> {
  await session.query(`SET SESSION lock_wait_timeout = ${LOCK_LIMIT}`)
  const found = await preflight(session, next)
  const name = JSON.stringify(accountText(next))
  const warnings: string[] = []
  if (found.plugin === UNSEEN) {
    warnings.push(
      `whether user ${name} exists, is locked and how it logs in could not be seen; allow it: GRANT SELECT ON mysql.* TO the managing user`,
    )
  }
  warnings.push(...warningsOf(next, found))
  try {
    await preflight(session, other)
  } catch (error) {
    if (!(error instanceof RotationFailure)) throw error
    if (error.code === 'TARGET_UNREACHABLE' || error.code === 'TARGET_TIMEOUT') throw error
    return {
      writes: `user ${name}`,
      first: [],
      warnings: [...warnings, `the rotation after this one would fail with ${error.code}: ${error.message}`],
    }
  }
  warnings.push(...(await compareUsers(session, next, other)))
  return { writes: `user ${name}`, first: [], warnings }
}
