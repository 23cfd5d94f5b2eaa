/**
 * `fn::rotate::postgres`: two database users take turns, each rotation gives the one that is not `current` a new
 * password, set by a managing user. Changes nothing but that password, and sends it to the server only to log in.
 */
import { RotationFailure } from '../model/failures.ts'
import type { Limits } from './database/deadline.ts'
import { generatePassword } from './database/password.ts'
import { demandUser, managingRefused, nextUser, openTurns } from './database/turns.ts'
import { changePassword } from './postgres/change.ts'
import { LoginRefused } from './postgres/failures.ts'
import { withManagingSession } from './postgres/managing-sessions.ts'
import { preflight } from './postgres/preflight.ts'
import { rehearse } from './postgres/rehearse.ts'
import { whyRefused } from './postgres/why-refused.ts'
import { managingUserOf, rotateUsersOf, routeOf, targetsOf } from './postgres/route.ts'
import { POSTGRES_INPUTS, POSTGRES_STATE } from './postgres/schema.ts'
import type { PostgresCredential, PostgresInputs } from './postgres/schema.ts'
import { Session } from './postgres/session.ts'
import type { Rotator, RotatorContext, TestAnswer } from './rotator.ts'

export const postgres: Rotator<PostgresInputs, PostgresCredential, PostgresCredential> = {
  name: 'postgres',
  title: 'PostgreSQL users',
  slots: 2,
  repeatable: true,
  madeByTarget: false,
  sideBySide: true,
  inputs: POSTGRES_INPUTS,
  state: POSTGRES_STATE,
  outputs: POSTGRES_STATE,
  permissions: [
    {
      who: 'the managing user',
      grant: 'GRANT CONNECT ON DATABASE app TO managing_user',
      why: 'to log in; it needs nothing in the database itself',
    },
    {
      who: 'the managing user',
      grant: 'ALTER ROLE managing_user CREATEROLE',
      why: 'to change the password of another user',
    },
    {
      who: 'the managing user',
      grant: 'GRANT app_user_1, app_user_2 TO managing_user WITH ADMIN OPTION',
      why: 'from PostgreSQL 16, to change the passwords of these two users and no others',
    },
    {
      who: 'each user that is rotated',
      grant: 'GRANT CONNECT ON DATABASE app TO app_user_1, app_user_2',
      why: 'so that a new password can be tried before it is published',
    },
  ],

  targets: targetsOf,

  identity: (credential) => credential.username,

  open: (_inputs, state) => openTurns(state),

  async prepare(inputs, state, context) {
    const users = rotateUsersOf(inputs)
    const username = nextUser(users, state)
    const { database } = inputs.database
    const warnings = await asManagingUser(inputs, context, (session) =>
      preflight(session, { username, users, database }),
    )
    for (const words of warnings) context.warn?.(words)
    return { username, password: generatePassword() }
  },

  async rehearse(inputs, state, context) {
    const next = nextUser(rotateUsersOf(inputs), state)
    const other = rotateUsersOf(inputs).find((user) => user !== next)!
    const users = { next, other, database: inputs.database.database }
    return await asManagingUser(inputs, context, (session) => rehearse(session, users, context), {
      alone: true,
    })
  },

  async apply(inputs, prepared, context) {
    demandUser(rotateUsersOf(inputs), prepared.username)
    const limits = { ...context, urgent: true }
    await asManagingUser(inputs, limits, (session) => changePassword(session, prepared, context))
    return prepared
  },

  candidate: (prepared) => prepared,

  test: logsIn,

  async whyRefused(inputs, { username }, context) {
    const database = inputs.database.database
    return await asManagingUser(inputs, context, (session) => whyRefused(session, { username, database }))
  },

  async recover(inputs, prepared, context) {
    return (await logsIn(inputs, prepared, context)) === 'works' ? { made: prepared } : 'not made'
  },
}

/** `alone`: in a session of its own, for work that may leave something of it behind there. */
async function asManagingUser<T>(
  inputs: PostgresInputs,
  limits: Limits,
  work: (session: Session) => Promise<T>,
  { alone = false } = {},
): Promise<T> {
  const managing = managingUserOf(inputs)
  const route = routeOf(inputs)
  try {
    return await withManagingSession(route, managing, { limits, alone }, work)
  } catch (error) {
    throw error instanceof LoginRefused ? managingRefused(route, managing.username) : error
  }
}

async function logsIn(
  inputs: PostgresInputs,
  credential: PostgresCredential,
  context: RotatorContext,
): Promise<TestAnswer> {
  const route = routeOf(inputs)
  // PostgreSQL lets nobody in with an empty password, and the driver would not send one.
  if (credential.password === '') return 'refused'
  const who = JSON.stringify(credential.username)
  let session: Session
  try {
    session = await Session.open(route, { ...credential, managing: false }, context)
  } catch (error) {
    if (error instanceof LoginRefused) return 'refused'
    throw error
  }
  try {
    if (!session.proven) {
      throw new RotationFailure(
        'VERIFY_FAILED',
        `${route.host}:${route.port} let user ${who} in without asking for the password; use scram-sha-256 instead of trust in its pg_hba.conf`,
      )
    }
    // Not current_user: a role may be set up to act as another one once it has logged in.
    const [answer] = await session.query<{ name: string }>('SELECT session_user::pg_catalog.text AS name')
    if (answer?.name === credential.username) return 'works'
    throw new RotationFailure(
      'VERIFY_FAILED',
      `logging in as user ${who} led to another user; see pg_ident.conf and poolers`,
    )
  } finally {
    session.close()
  }
}
