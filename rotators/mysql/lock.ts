/**
 * The lock under which a session of the managing user changes one password. The server frees it with the session, so it tells
 * whether a change is still under way, also one that nobody waits for any more. It is never what keeps a password from being changed
 * for somebody else: everybody may take any lock.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { RotationFailure } from '../../model/failures.ts'
import { accountText } from './route.ts'
import type { Account } from './route.ts'
import type { Session } from './session.ts'
import { quoteText } from './sql.ts'

/** Milliseconds for which a session may take to end that nobody holds any more. */
const ENDING = 3_000

/** False where another session of the managing user holds it; whoever else does is passed by. */
export async function takeLock(session: Session, account: Account): Promise<boolean> {
  const [lock] = await session.query<{ held: unknown }>(
    `SELECT GET_LOCK(${quoteText(lockName(account))}, 0) AS held`,
  )
  return String(lock?.held) === '1' || !(await isUnderWay(session, account))
}

/** @throws RotationFailure TARGET_TIMEOUT while another session of the managing user is at a change of this account */
export async function demandNothingUnderWay(session: Session, account: Account): Promise<void> {
  const until = performance.now() + ENDING
  for (; await isUnderWay(session, account); await sleep(50)) {
    if (performance.now() < until) continue
    throw new RotationFailure(
      'TARGET_TIMEOUT',
      `${session.place} is still at an earlier change of user ${JSON.stringify(accountText(account))}; end that session there: SHOW PROCESSLIST, KILL`,
    )
  }
}

async function isUnderWay(session: Session, account: Account): Promise<boolean> {
  const [lock] = await session.query(
    `SELECT IS_USED_LOCK(${quoteText(lockName(account))}) AS holder, CONNECTION_ID() AS me`,
  )
  if (lock === undefined || lock['holder'] === null) return false
  // Everybody sees sessions of his own here, and of others only who may.
  const sessions = await session.query<{ Id: unknown; User: unknown }>('SHOW PROCESSLIST')
  const userOf = (id: unknown) => sessions.find(({ Id }) => String(Id) === String(id))?.User
  return userOf(lock['holder']) === userOf(lock['me'])
}

/** Servers take 64 characters. */
function lockName(account: Account): string {
  return `rekey/${createHash('sha256').update(accountText(account)).digest('hex').slice(0, 40)}`
}
