/** The one change, next to others who change the same user at the same time. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgres } from '../../../rotators/postgres.ts'
import type { PostgresInputs } from '../../../rotators/postgres/schema.ts'
import { sharedPostgres, targetDatabase } from '../../support/servers.ts'
import type { TargetDatabase } from '../../support/servers.ts'
import { NOTHING_YET, failureOf, limits } from '../contract/bench.ts'

let target: TargetDatabase
let inputs: PostgresInputs
let other: pg.Client

beforeAll(async () => {
  target = await targetDatabase()
  const { host, port, database, managing, rotated } = target
  const [one, two] = rotated
  inputs = {
    database: { host, port, database, managingUser: managing },
    rotateUsers: { username1: one.username, username2: two.username },
  }
  const { superuser: user, password } = await sharedPostgres()
  other = new pg.Client({ host, port, database, user, password })
  await other.connect()
})
afterAll(async () => {
  await other.end()
  await target.drop()
})

/** Sessions of the managing user that are at work or wait, as the server sees them. */
async function sessions(): Promise<string[]> {
  const asked = `select coalesce(wait_event_type, state) as doing from pg_stat_activity where usename = $1`
  const rows = await target.admin(asked, [target.managing.username])
  return rows.map((row) => String(row.doing))
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let wait = 0; wait < 100; wait++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect.unreachable('it did not come to that')
}

test('the server ends a change that waits too long, and its session with it', async () => {
  const prepared = await postgres.prepare(inputs, NOTHING_YET, limits())
  await other.query(`begin; alter role ${prepared.username} connection limit 50`)
  const started = Date.now()
  const failure = await failureOf(
    postgres.apply(inputs, prepared, limits({ changeTimeout: 1_000 })),
    'TARGET_TIMEOUT',
  )
  // Heard from the server, before the client's own patience was up.
  expect(failure.message).toContain('SQLSTATE 55P03')
  expect(Date.now() - started).toBeLessThan(1_000)
  await until(async () => (await sessions()).length === 0)
  await other.query('rollback')
})

test('a change by somebody else at the same moment is told, and the next attempt works', async () => {
  const prepared = await postgres.prepare(inputs, NOTHING_YET, limits())
  await other.query(`begin; alter role ${prepared.username} connection limit 50`)
  const attempt = failureOf(postgres.apply(inputs, prepared, limits()), 'TARGET_THROTTLED')
  await until(async () => (await sessions()).includes('Lock'))
  await other.query('commit')
  await attempt
  expect(await target.canLogIn(prepared)).toBe(false)
  expect(await target.canLogIn(await postgres.apply(inputs, prepared, limits()))).toBe(true)
})

test('twenty at once: whoever succeeded last is in, nobody hangs, no session stays', async () => {
  const prepared = await Promise.all(
    Array.from({ length: 20 }, () => postgres.prepare(inputs, NOTHING_YET, limits())),
  )
  const outcomes = await Promise.allSettled(prepared.map((each) => postgres.apply(inputs, each, limits())))
  const working = await Promise.all(prepared.map((each) => target.canLogIn(each)))
  expect(working.filter(Boolean)).toHaveLength(1)
  const winner = working.indexOf(true)
  expect(outcomes[winner]!.status).toBe('fulfilled')
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'TARGET_THROTTLED' })
  await until(async () => (await sessions()).length === 0)
})

test('the transaction that is left half-way is ended by the server', async () => {
  const prepared = await postgres.prepare(inputs, NOTHING_YET, limits())
  const controller = new AbortController()
  await other.query(`begin; alter role ${prepared.username} connection limit 50`)
  const context = limits({ signal: controller.signal, changeTimeout: 2_000 })
  const attempt = failureOf(postgres.apply(inputs, prepared, context), 'CANCELLED')
  await until(async () => (await sessions()).includes('Lock'))
  controller.abort()
  await attempt
  await other.query('rollback')
  await until(async () => (await sessions()).length === 0)
  expect(await target.canLogIn(prepared)).toBe(false)
})
