/** A pooler between Rekey and the server: what works, what is told, and that nobody behind it notices. */
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { postgres } from '../../../rotators/postgres.ts'
import type { PostgresInputs } from '../../../rotators/postgres/schema.ts'
import { startPgBouncer, type PgBouncer, type PgBouncerOptions } from '../../support/pgbouncer.ts'
import { sharedPostgres, targetDatabase, type TargetDatabase } from '../../support/servers.ts'
import { NOTHING_YET, failureOf, limits } from '../contract/bench.ts'

let target: TargetDatabase
let pooler: PgBouncer | undefined

beforeEach(async () => {
  target = await targetDatabase()
})
afterEach(async () => {
  await pooler?.stop()
  pooler = undefined
  await target.drop()
})

/** The inputs that name the pooler. */
async function pooled(
  mode: PgBouncerOptions['mode'],
  options: Partial<PgBouncerOptions> = {},
): Promise<PostgresInputs> {
  const { host, port } = target
  const users = [target.managing, ...target.rotated]
  pooler = await startPgBouncer({ server: { host, port }, mode, users, ...options })
  return {
    database: {
      host: pooler.host,
      port: pooler.port,
      database: target.database,
      managingUser: target.managing,
    },
    rotateUsers: { username1: target.rotated[0].username, username2: target.rotated[1].username },
  }
}

/** One that asks the server for the passwords of all but itself. */
async function asking(mode: PgBouncerOptions['mode']): Promise<PostgresInputs> {
  const { superuser, password } = await sharedPostgres()
  return await pooled(mode, {
    users: [{ username: superuser, password }],
    settings: [
      `auth_user = ${superuser}`,
      'auth_query = select usename, passwd from pg_shadow where usename = $1',
    ],
  })
}

const about = (warnings: string[]) => warnings.filter((words) => words.includes('is a connection pooler'))

describe.for(['transaction', 'session'] as const)('that asks the server (auth_query), mode %s', (mode) => {
  test('is rotated through, twice, and a dry run says that it is there', async () => {
    const inputs = await asking(mode)
    let current = null
    for (let turn = 0; turn < 2; turn++) {
      const state = { current, previous: null }
      const warned: string[] = []
      const prepared = await postgres.prepare(
        inputs,
        state,
        limits({ warn: (words) => void warned.push(words) }),
      )
      expect(about(warned)).toHaveLength(1)
      current = await postgres.apply(inputs, prepared, limits())
      expect(await postgres.test(inputs, current, limits())).toBe('works')
      expect(await postgres.test(inputs, { ...current, password: 'old' }, limits())).toBe('refused')
      expect(await target.canLogIn(current)).toBe(true)
    }
    const { warnings } = await postgres.rehearse!(inputs, { current, previous: null }, limits())
    expect(about(warnings)).toHaveLength(1)
  })

  test('hands none of our limits on to the next who gets the connection', async () => {
    const inputs = await asking(mode)
    const prepared = await postgres.prepare(inputs, NOTHING_YET, limits())
    await postgres.rehearse!(inputs, NOTHING_YET, limits())
    await postgres.apply(inputs, prepared, limits())
    const { host, port, database } = inputs.database
    const { username: user, password } = target.managing
    const application = new pg.Client({ host, port: Number(port), database, user, password })
    await application.connect()
    for (const name of ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) {
      const { rows } = await application.query(`select current_setting('${name}') as is`)
      expect(rows, name).toEqual([{ is: '0' }])
    }
    await application.end()
  })
})

describe('that keeps passwords of its own', () => {
  test('refuses the new one: that is no broken connection, and why is told', async () => {
    const inputs = await pooled('transaction')
    const prepared = await postgres.prepare(inputs, NOTHING_YET, limits())
    const made = await postgres.apply(inputs, prepared, limits())
    expect(await postgres.test(inputs, made, limits())).toBe('refused')
    expect(await target.canLogIn(made)).toBe(true)
    expect(pooler!.refusals(made.username)).toBe(1)
    const why = await postgres.whyRefused!(inputs, made, limits())
    expect(why).toMatch(/is a connection pooler, which may keep an older password of user ".+_a".*auth_query/)
    expect(why).not.toContain(made.password)
  })

  test('and cannot log in at its server with it any more: refused, and then it does not ask again for a while', async () => {
    const inputs = await pooled('transaction')
    const [user] = target.rotated
    await target.admin(`alter role ${user.username} password 'changed-at-the-server'`)
    // The pooler takes it, and hands on that its server does not.
    expect(await postgres.test(inputs, user, limits())).toBe('refused')
    const failure = await failureOf(
      postgres.test(inputs, user, limits()),
      ['TARGET_UNREACHABLE', 'TARGET_TIMEOUT'],
      [user.password],
    )
    expect(failure.message).toMatch(/is a connection pooler: .*log-in/)
  })

  test('a managing user that it does not know, or with another password', async () => {
    const inputs = await pooled('session', { users: [...target.rotated] })
    const failure = await failureOf(postgres.prepare(inputs, NOTHING_YET, limits()), 'LOGIN_FAILED', [
      target.managing.password,
    ])
    expect(failure.message).toMatch(/refused the managing user/)
  })
})

test('one that lets in whoever comes proves nothing', async () => {
  const inputs = await pooled('session', { settings: ['auth_type = trust'] })
  const failure = await failureOf(postgres.test(inputs, target.rotated[0], limits()), 'VERIFY_FAILED')
  expect(failure.message).toMatch(/without asking for the password/)
})

test('single statements in a pool: refused in words before anything is changed', async () => {
  const inputs = await pooled('statement')
  const prepared = await postgres.prepare(inputs, NOTHING_YET, limits())
  const failure = await failureOf(postgres.apply(inputs, prepared, limits()), 'INPUT_INVALID')
  expect(failure.message).toMatch(/pools single statements.*database\.host/)
  expect(await target.canLogIn(target.rotated[0])).toBe(true)
})

test('one that acts as one of the rotated whoever asks: it would lock itself out', async () => {
  const [user] = target.rotated
  const inputs = await pooled('session', { database: `user=${user.username} password=${user.password}` })
  const failure = await failureOf(
    postgres.prepare(inputs, NOTHING_YET, limits()),
    ['INPUT_INVALID'],
    [user.password],
  )
  expect(failure.message).toMatch(/led to ".+_a", which is one of rotateUsers/)
})

test('a database that it does not have, and no room for one more client', async () => {
  const inputs = await pooled('session', { settings: ['max_client_conn = 1'] })
  const busy = new pg.Client({
    host: inputs.database.host,
    port: Number(inputs.database.port),
    database: target.database,
    user: target.managing.username,
    password: target.managing.password,
  })
  await busy.connect()
  await failureOf(postgres.prepare(inputs, NOTHING_YET, limits()), 'TARGET_THROTTLED')
  await busy.end()
  const nowhere = { ...inputs, database: { ...inputs.database, database: 'nowhere' } }
  await expect
    .poll(() =>
      postgres.prepare(nowhere, NOTHING_YET, limits()).catch((error: { code: string }) => error.code),
    )
    .toBe('INPUT_INVALID')
})
