/**
 * Sets one password, in a session that the server itself ends when anything takes too long: a client that dies, hangs or
 * wakes up late leaves the password changed or not, and never changes it after its deadline.
 */
import { RotationFailure } from '../../model/failures.ts'
import type { RotatorContext } from '../rotator.ts'
import { NOTHING_SEEN, findAccount } from './accounts.ts'
import { readOnly } from './failures.ts'
import { takeLock } from './lock.ts'
import { statementFor } from './new-password.ts'
import { demandPassword } from './preflight.ts'
import type { Account } from './route.ts'
import type { Session } from './session.ts'

/**
 * @param kill ends a session at the server, by its number: MySQL has no limit for ALTER USER but those of locks
 * @throws RotationFailure
 */
export async function changePassword(
  session: Session,
  account: Account,
  password: string,
  limits: Pick<RotatorContext, 'changeTimeout' | 'sendBy' | 'at'>,
  kill: (session: number) => Promise<void>,
): Promise<void> {
  // It may be another server than the one that was looked at before.
  if (session.isReadOnly) throw readOnly(session.place)
  // Two waits, half of the time each: for ALTER USER to be sent, and for its locks. So the change lands within the limit
  // after `sendBy`, or never. Servers count most of their waits in whole seconds.
  const half = limits.changeTimeout / 2_000
  const seconds = Math.max(1, Math.floor(half))
  // The client gives up after the server has, to hear why.
  session.within(2 * limits.changeTimeout + 1_000)
  await session.query(
    `SET SESSION wait_timeout = ${seconds}, SESSION lock_wait_timeout = ${seconds}, SESSION innodb_lock_wait_timeout = ${seconds}` +
      (session.isMariadb ? `, SESSION max_statement_time = ${Math.max(0.05, half).toFixed(3)}` : ''),
  )
  if (!(await takeLock(session, account))) {
    throw new RotationFailure(
      'TARGET_THROTTLED',
      'another session of Rekey changes the same user at the same time',
    )
  }
  const found = (await findAccount(session, account)) ?? NOTHING_SEEN
  // As it was looked at before, unless it was altered since, or nobody looked.
  demandPassword(session, account, found)
  const statement = await statementFor(session, account, password, found)
  await limits.at?.('mysql: locked')
  if (Date.now() > limits.sendBy) {
    throw new RotationFailure('TARGET_TIMEOUT', 'the change was not sent: too much time had passed before it')
  }
  session.ignoreSignal()
  try {
    await session.change(statement)
  } catch (error) {
    // What the server answered has ended; what it is still at would land some time.
    if (session.isGivenUp) await kill(session.id)
    throw error
  }
  await limits.at?.('mysql: changed')
}
