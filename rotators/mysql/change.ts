/**
 * Sets one password, in a session that the server itself ends when anything takes too long: a client that dies, hangs or
 * wakes up late leaves the password changed or not, and never changes it after its deadline.
 */
import { createHash } from 'node:crypto'
import { RotationFailure } from '../../model/failures.ts'
import type { RotatorContext } from '../rotator.ts'
import { UNSEEN, findAccount } from './accounts.ts'
import type { Found } from './accounts.ts'
import { statementFor } from './new-password.ts'
import { demandPassword } from './preflight.ts'
import { accountText } from './route.ts'
import type { Account } from './route.ts'
import type { Session } from './session.ts'
import { quoteText } from './sql.ts'

const NOT_SEEN: Found = {
  plugin: UNSEEN,
  alternatives: [],
  locked: false,
  expired: false,
  lifetime: null,
  tls: '',
}

/** @throws RotationFailure */
export async function changePassword(
  session: Session,
  account: Account,
  password: string,
  limits: Pick<RotatorContext, 'changeTimeout' | 'sendBy' | 'at'>,
): Promise<void> {
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
  if (!(await lockFor(session, account))) {
    throw new RotationFailure(
      'TARGET_THROTTLED',
      'another session of Rekey changes the same user at the same time',
    )
  }
  const found = (await findAccount(session, account)) ?? NOT_SEEN
  // As it was looked at before, unless it was altered since, or nobody looked.
  demandPassword(session, account, found)
  const statement = await statementFor(session, account, password, found)
  await limits.at?.('mysql: locked')
  if (Date.now() > limits.sendBy) {
    throw new RotationFailure('TARGET_TIMEOUT', 'the change was not sent: too much time had passed before it')
  }
  session.ignoreSignal()
  await session.change(statement)
  await limits.at?.('mysql: changed')
}

/**
 * False where another session of the managing user holds it. Everybody may take any lock, so whoever else does is passed by:
 * the one whose password is to be taken away must not be able to prevent that.
 */
async function lockFor(session: Session, account: Account): Promise<boolean> {
  const name = quoteText(lockName(account))
  const [lock] = await session.query<{ held: unknown }>(`SELECT GET_LOCK(${name}, 0) AS held`)
  if (String(lock?.held) === '1') return true
  const [of] = await session.query(`SELECT IS_USED_LOCK(${name}) AS holder, CONNECTION_ID() AS me`)
  // Everybody sees sessions of his own here, and of others only who may.
  const sessions = await session.query<{ Id: unknown; User: unknown }>('SHOW PROCESSLIST')
  const userOf = (id: unknown) => sessions.find(({ Id }) => String(Id) === String(id))?.User
  return of !== undefined && userOf(of['holder']) !== userOf(of['me'])
}

/** Servers take 64 characters. The lock goes with the session. */
function lockName(account: Account): string {
  return `rekey/${createHash('sha256').update(accountText(account)).digest('hex').slice(0, 40)}`
}
