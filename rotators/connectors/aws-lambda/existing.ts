/**
 * A connector function that was deployed for ESC: it can set one password and nothing else. Whether somebody can log in is
 * found out by having him change a user that does not exist, which changes nothing whenever it lands; its messages are read
 * for what they mean and never shown.
 */
import { randomBytes } from 'node:crypto'
import { RotationFailure, type FailureCode } from '../../../model/failures.ts'
import { invalid } from '../../database/route.ts'
import type { DatabaseCredential, DatabaseUserInputs } from '../../database/schema.ts'
import type { RotatorContext, TestAnswer } from '../../rotator.ts'
import type { Connector, Engine, Reading } from '../connector.ts'
import { noConnector } from './failures.ts'
import type { ConnectorFunction, Waiting } from './function.ts'

/** As AWS has it for every function. */
const LONGEST_FUNCTION_MS = 15 * 60_000
/** What a request is good for: five minutes from its signature, and as much for clocks that differ. */
const SIGNATURE_MS = 10 * 60_000
/** Milliseconds for a function that has to be started, beside what it may take itself. */
const GRACE_MS = 2_000

const WITHOUT_TLS = ['disable', 'allow', 'prefer']

export function existingConnector(called: ConnectorFunction, engine: Engine): Connector {
  const { type, existing } = engine
  const { name } = called.place

  /** Undefined when it reports success. */
  async function send(
    inputs: DatabaseUserInputs,
    managing: DatabaseCredential,
    rotated: { username: string; newPassword: string },
    waiting: Waiting,
  ): Promise<Reading | undefined> {
    const { host, port, database } = engine.route(inputs)
    const { username, password } = managing
    const answer = await called.invoke(
      {
        type,
        host,
        port,
        database,
        managingUser: { username, password },
        rotateUser: { ...rotated, password: '' },
      },
      waiting,
    )
    if ('failed' in answer) throw answer.failed
    const { code, message } = (answer.payload ?? {}) as { code?: unknown; message?: unknown }
    if (code === 200) return undefined
    if (typeof code !== 'number' || typeof message !== 'string') throw noConnector(called.place)
    return existing.read(message, { managing: username, rotated: rotated.username })
  }

  // Late or not, it can only say who was let in.
  /** A log-in, by way of a change that can only fail. */
  async function logIn(
    inputs: DatabaseUserInputs,
    login: DatabaseCredential,
    { signal, timeout }: RotatorContext,
  ): Promise<TestAnswer> {
    const nobody = `rekey_nobody_${randomBytes(8).toString('hex')}`
    const waiting = { signal, timeout: timeout + GRACE_MS }
    const rotated = { username: nobody, newPassword: engine.generatePassword() }
    const reading = await send(inputs, login, rotated, waiting)
    if (reading === undefined)
      throw new RotationFailure(
        'VERIFY_FAILED',
        `the function ${name} says that it changed a user that does not exist; nothing that it says can be relied on`,
      )
    if (reading === 'no login') return 'refused'
    if (LET_IN.includes(reading)) return 'works'
    throw failureOf(reading, { name, who: `user ${JSON.stringify(login.username)}` })
  }

  /** All that can be found out without changing anything: by a wrong password, that the server asks for one. */
  async function look(inputs: DatabaseUserInputs, next: string, context: RotatorContext): Promise<void> {
    const { sslmode, ca } = inputs.database
    if (ca != null || (sslmode != null && !WITHOUT_TLS.includes(sslmode)))
      throw invalid(
        `the function ${name} does not encrypt its connections, which database.sslmode and database.ca ask for; deploy Rekey's own connector, or leave both out`,
      )
    existing.user(inputs, next)
    const managing = engine.managingUser(inputs)
    if ((await logIn(inputs, managing, context)) === 'refused')
      throw failureOf('no login', { name, who: `the managing user ${JSON.stringify(managing.username)}` })
    if (!existing.mayTrust) return
    const wrong = { username: next, password: engine.generatePassword() }
    if ((await logIn(inputs, wrong, context)) === 'refused') return
    throw new RotationFailure(
      'VERIFY_FAILED',
      `the database let user ${JSON.stringify(next)} in with a wrong password, so no log-in proves anything; use scram-sha-256 instead of trust in its pg_hba.conf`,
      { unchanged: true },
    )
  }

  const notLookedAt = (user: string) => [
    `the function ${name} can only set a password: that the managing user may change user ${JSON.stringify(user)}, that this user exists and may log in, ` +
      'and what the two users may do cannot be looked at',
    `the function ${name} connects to the database without TLS, unless it was changed since it was published`,
  ]

  return {
    async prepare(inputs, state, context) {
      const username = engine.turn(inputs, state)
      await look(inputs, username, context)
      const { signal, timeout } = context
      const described = await called.describe({ signal, timeout })
      for (const words of notLookedAt(username)) context.warn?.(words)
      const lingers = (described?.timeout ?? LONGEST_FUNCTION_MS) + SIGNATURE_MS
      return { username, password: engine.generatePassword(), lingers }
    },

    async rehearse(inputs, state, context) {
      const next = engine.turn(inputs, state)
      await look(inputs, next, context)
      return {
        writes: `user ${JSON.stringify(next)}`,
        first: [],
        warnings: notLookedAt(next),
      }
    },

    async apply(inputs, prepared, context) {
      const { signal, timeout, sendBy } = context
      if (prepared.lingers === undefined)
        throw new RotationFailure(
          'CONNECTOR_FAILED',
          `the function ${name} is another one than when this rotation was prepared; rotate again`,
          { unchanged: true },
        )
      const user = {
        username: existing.user(inputs, prepared.username),
        newPassword: await existing.newPassword(prepared),
      }
      if (signal.aborted) throw new RotationFailure('CANCELLED', 'stopped before anything was changed')
      await context.at?.('aws-lambda: about to change')
      const managing = engine.managingUser(inputs)
      const reading = await send(inputs, managing, user, { timeout: timeout + GRACE_MS, sendBy })
      await context.at?.('aws-lambda: changed')
      if (reading === undefined) return
      const who = reading === 'no login' ? managing.username : prepared.username
      const role = reading === 'no login' ? 'the managing user' : 'user'
      throw failureOf(reading, { name, who: `${role} ${JSON.stringify(who)}` })
    },

    test: logIn,
  }
}

/** What only somebody is told whom the server has let in. */
const LET_IN: Reading[] = ['no such user', 'denied', 'refused value']

function failureOf(reading: Reading, { name, who }: { name: string; who: string }): RotationFailure {
  const [code, words, unchanged] = MEANINGS[reading]
  return new RotationFailure(code, `the function ${name} reports: ${words.replace('{who}', who)}`, {
    unchanged: unchanged === 'unchanged',
  })
}

const MEANINGS: Record<Reading, [code: FailureCode, words: string, unchanged?: 'unchanged']> = {
  'no login': ['LOGIN_FAILED', 'the database refused {who}; correct database.managingUser', 'unchanged'],
  'no such user': [
    'TARGET_NOT_FOUND',
    'the database has no {who} (create it), or, which MariaDB does not tell apart, refused the generated value by its password policy',
    'unchanged',
  ],
  denied: [
    'TARGET_DENIED',
    'the managing user may not change {who}; grant it what the rotator needs',
    'unchanged',
  ],
  'refused value': [
    'TARGET_REJECTED_VALUE',
    'the password policy of the database refused the generated value',
  ],
  'not let in': [
    'TARGET_DENIED',
    'the database does not let {who} in from there, or not without TLS; see its rules for hosts, or deploy the connector of Rekey',
    'unchanged',
  ],
  'no such database': [
    'INPUT_INVALID',
    'the server does not have this database, or lets {who} not into it; correct database.database',
    'unchanged',
  ],
  unreachable: [
    'TARGET_UNREACHABLE',
    'the database could not be reached from there, or the connection broke',
  ],
  late: [
    'TARGET_TIMEOUT',
    'the database did not finish in time; another session may hold a lock on the user',
  ],
  busy: [
    'TARGET_THROTTLED',
    'the database is short of connections, or another session changed the same user',
  ],
  'read-only': [
    'TARGET_UNREACHABLE',
    'the database is read-only; database.host must name the primary',
    'unchanged',
  ],
  'bad address': [
    'INPUT_INVALID',
    'name or password of {who} hold characters that it cannot put into an address; use letters and digits, or deploy the connector of Rekey',
    'unchanged',
  ],
  unclear: [
    'CONNECTOR_FAILED',
    "a failure that Rekey cannot read; see the function's log. The connector of Rekey tells failures apart",
  ],
}
