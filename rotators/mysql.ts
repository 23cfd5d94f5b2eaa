/**
 * `fn::rotate::mysql`: two users of a MySQL or MariaDB take turns, each rotation gives the one that is not `current` a new
 * password, set by a managing user. Changes nothing but that password.
 */
import { RotationFailure } from '../model/failures.ts'
import type { Limits } from './database/deadline.ts'
import { LoginRefused } from './database/failures.ts'
import { demandUser, managingRefused, openTurns } from './database/turns.ts'
import { changePassword } from './mysql/change.ts'
import { demandNothingUnderWay } from './mysql/lock.ts'
import { logsIn } from './mysql/log-in.ts'
import { generatePassword } from './mysql/password.ts'
import { preflight, warningsOf } from './mysql/preflight.ts'
import { rehearse } from './mysql/rehearse.ts'
import { accountsOf, managingUserOf, rotateUsersOf, routeOf, targetsOf } from './mysql/route.ts'
import type { Account } from './mysql/route.ts'
import { MYSQL_INPUTS, MYSQL_STATE } from './mysql/schema.ts'
import type { MysqlCredential, MysqlInputs } from './mysql/schema.ts'
import { Session } from './mysql/session.ts'
import { turnOf } from './mysql/turn.ts'
import type { Rotator } from './rotator.ts'

export const mysql: Rotator<MysqlInputs, MysqlCredential, MysqlCredential> = {
  name: 'mysql',
  title: 'MySQL and MariaDB users',
  slots: 2,
  repeatable: true,
  madeByTarget: false,
  sideBySide: true,
  inputs: MYSQL_INPUTS,
  state: MYSQL_STATE,
  outputs: MYSQL_STATE,
  permissions: [
    {
      who: 'the managing user',
      grant: "GRANT CREATE USER ON *.* TO 'managing_user'@'%'",
      why: 'to change the password of another user',
    },
    {
      who: 'the managing user',
      grant: "GRANT SELECT ON mysql.* TO 'managing_user'@'%'",
      why: 'to see before a change how a user logs in and whether it is locked, and to compare the two; on MariaDB also to keep a plugin other than mysql_native_password',
    },
    {
      who: 'each user that is rotated',
      grant: "GRANT SELECT, INSERT, UPDATE, DELETE ON app.* TO 'app_user_1'@'%', 'app_user_2'@'%'",
      why: 'any privilege in the database, so that a new password can be tried there before it is published',
    },
  ],

  targets: targetsOf,

  identity: (credential) => credential.username,

  open: (_inputs, state) => openTurns(state),

  async prepare(inputs, state, context) {
    const username = turnOf(inputs, state)
    const account = accountNamed(inputs, username)
    const found = await asManagingUser(inputs, context, (session) => preflight(session, account))
    for (const words of warningsOf(account, found)) context.warn?.(words)
    return { username, password: generatePassword() }
  },

  async rehearse(inputs, state, context) {
    const username = turnOf(inputs, state)
    const next = accountNamed(inputs, username)
    const other = accountsOf(inputs).find(({ name }) => name !== username)!
    return await asManagingUser(inputs, context, (session) => rehearse(session, next, other))
  },

  async apply(inputs, prepared, context) {
    const { username, password } = prepared
    demandUser(rotateUsersOf(inputs), username)
    const limits = { ...context, urgent: true }
    const kill = async (id: number) => {
      // Whoever called may have left, and what was sent is sent.
      const alone = { ...limits, signal: new AbortController().signal }
      const ended = asManagingUser(inputs, alone, (session) => session.query(`KILL ${id}`))
      // It may have ended by itself; else the lock tells that it has not.
      await ended.catch(() => {})
    }
    await asManagingUser(inputs, limits, (session) =>
      changePassword(session, accountNamed(inputs, username), password, context, kill),
    )
    return prepared
  },

  candidate: (prepared) => prepared,

  async test(inputs, credential, context) {
    const accounts = accountsOf(inputs)
    const answer = await logsIn(routeOf(inputs), accounts, credential, context)
    // None that was ever sent is empty.
    const account = credential.password && accounts.find(({ name }) => name === credential.username)
    // A change that hangs at the server may still make it work. Known to whoever manages, where he is known here.
    if (answer === 'refused' && account && inputs.database.managingUser !== undefined)
      await asManagingUser(inputs, context, (session) => demandNothingUnderWay(session, account))
    return answer
  },

  async whyRefused(inputs, { username }, context) {
    const account = accountNamed(inputs, username)
    try {
      await asManagingUser(inputs, context, (session) => preflight(session, account))
      return undefined
    } catch (error) {
      // Changed by somebody since it was looked at before, or never let in by this way.
      if (error instanceof RotationFailure && error.code.startsWith('TARGET_')) return error.message
      throw error
    }
  },

  async recover(inputs, prepared, context) {
    const answer = await mysql.test(inputs, prepared, context)
    return answer === 'works' ? { made: prepared } : 'not made'
  },
}

function accountNamed(inputs: MysqlInputs, username: string): Account {
  const account = accountsOf(inputs).find(({ name }) => name === username)
  if (account === undefined) throw new RotationFailure('INTERNAL')
  return account
}

async function asManagingUser<T>(
  inputs: MysqlInputs,
  context: Limits,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const managing = managingUserOf(inputs)
  const route = routeOf(inputs)
  const session = await Session.open(route, { ...managing, managing: true }, context).catch(
    (error: unknown) => {
      throw error instanceof LoginRefused ? managingRefused(route, managing.username) : error
    },
  )
  try {
    return await work(session)
  } finally {
    session.close()
  }
}
