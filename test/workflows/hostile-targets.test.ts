/**
 * Targets that do not play along, through the whole line: each ends in its code, with words that say what to do and hold
 * no secret, after few log-ins; what is published keeps working, and the next rotation finds its way.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { FailureCode } from '../../model/failures.ts'
import { endRestingSessions } from '../../rotators/postgres/managing-sessions.ts'
import type { Environment } from '../../store/environments.ts'
import type { EventWithRotations } from '../../store/events.ts'
import { rotateCall, startLine, type Credential, type Line } from '../support/line.ts'
import { startPgBouncer } from '../support/pgbouncer.ts'
import { postgresFront, type PostgresFront } from '../support/postgres-front.ts'
import { sharedPostgres, targetDatabase, type TargetDatabase } from '../support/servers.ts'

vi.setConfig({ testTimeout: 60_000 })

let line: Line
let target: TargetDatabase
let front: PostgresFront
let environment: Environment
/** What the first rotation published, of user a; user b is written next. */
let published: Credential

beforeAll(async () => {
  line = await startLine({ targetBudget: 1_500, changeTimeout: 400, targetTimeout: 700 })
})
afterAll(() => line.close())
beforeEach(async () => {
  target = await targetDatabase()
  front = await postgresFront(target)
  environment = await line.environment(`values:\n${rotateCall('db', target, front)}`)
  await line.withWorker(() => line.rotate(environment))
  published = (await line.state(environment, 'db')).current!
  endRestingSessions()
  front.logIns.clear()
})
afterEach(async () => {
  endRestingSessions()
  await front.close()
  await target.drop()
})

/** Rotates; it fails in this way, in words, and nobody notices who uses what is published. */
async function failing(code: FailureCode, words: RegExp): Promise<EventWithRotations> {
  const event = await line.withWorker(() => line.rotate(environment))
  const [rotation] = event.rotations
  expect(rotation).toMatchObject({ failureCode: code, message: expect.stringMatching(words) as string })
  expect(event.postRevision).toBeNull()
  expect((await line.state(environment, 'db')).current).toEqual(published)
  const secrets = [target.managing.password, published.password, target.rotated[1].password]
  const told = JSON.stringify(event) + line.logged.join('\n')
  for (const secret of secrets) expect(told).not.toContain(secret)
  return event
}

async function succeeding(): Promise<EventWithRotations> {
  const event = await line.withWorker(() => line.rotate(environment))
  expect(event.rotations).toMatchObject([{ outcome: 'succeeded' }])
  const { current, previous } = await line.state(environment, 'db')
  expect(previous).toEqual(published)
  for (const credential of [current!, previous!]) expect(await target.canLogIn(credential)).toBe(true)
  return event
}

const refused = (user: string) => front.logIns.get(user)?.refused ?? 0
const [A, B] = [0, 1] as const
const name = (index: 0 | 1) => target.rotated[index].username

test.for([
  ['the log-in', 'user\0', 'TARGET_TIMEOUT'],
  ['SCRAM', 'SCRAM-SHA-256', 'TARGET_TIMEOUT'],
  ['the change', 'ALTER ROLE', 'TARGET_TIMEOUT'],
] as const)('one that hangs at %s', async ([, words, code]) => {
  front.hangAt(words)
  await failing(code, words === 'ALTER ROLE' ? /did not reach .* in time/ : /did not answer in time/)
  // Where the value may have been sent: whether it arrived is asked at once, and when nothing can land any more.
  expect(refused(name(B))).toBeLessThanOrEqual(words === 'ALTER ROLE' ? 2 : 0)
  expect(refused(name(A))).toBe(0)
  front.hangAt(undefined)
  await succeeding()
})

test('one that says that it changed the password and did not: caught by the log-in, and sent again by the next', async () => {
  front.rewrite((said) =>
    said.replace(/(ALTER ROLE ".*?") WITH PASSWORD '[^']*'/, (all, role: string) =>
      `${role} CONNECTION LIMIT -1`.padEnd(all.length, ' '),
    ),
  )
  await failing('VERIFY_FAILED', /did not log in, so it was not published/)
  expect(refused(name(B)), 'refused log-ins of one rotation').toBe(1)
  await failing('VERIFY_FAILED', /did not log in, so it was not published/)
  expect(refused(name(B)), 'of the next: before it is sent again, and after').toBe(3)
  expect(refused(name(A))).toBe(0)
  front.rewrite(undefined)
  await succeeding()
  // At once after it, when a change of before might still have landed: asked twice.
  expect(refused(name(B))).toBeLessThanOrEqual(5)
})

test('a managing user whose password is wrong: one log-in, whatever is tried again', async () => {
  await target.admin(`alter role ${target.managing.username} password '${randomUUID()}'`)
  await failing('LOGIN_FAILED', /refused the managing user .*correct database\.managingUser/)
  expect(front.logIns.get(target.managing.username)).toEqual({ asked: 1, refused: 1 })
})

test('a published password that was changed by hand, or has expired: one log-in, and why where it can be told', async () => {
  await target.admin(`alter role ${name(A)} valid until '2001-01-01'`)
  await failing('TARGET_CHANGED', /nothing was touched: user ".+_a" has expired; extend it: ALTER ROLE/)
  expect(refused(name(A))).toBe(1)
  await target.admin(`alter role ${name(A)} valid until 'infinity' password '${randomUUID()}'`)
  await failing('TARGET_CHANGED', /somebody changed it, so nothing was touched/)
  expect(refused(name(A))).toBe(2)
  expect(refused(name(B))).toBe(0)
})

test.for([
  [
    'is gone',
    (user: string) => `drop role ${user}`,
    'TARGET_NOT_FOUND',
    /does not exist; create it: CREATE ROLE/,
  ],
  [
    'may not log in',
    (user: string) => `alter role ${user} nologin`,
    'TARGET_NOT_FOUND',
    /ALTER ROLE ".+" LOGIN/,
  ],
  [
    'has expired',
    (user: string) => `alter role ${user} valid until '2001-01-01'`,
    'TARGET_NOT_FOUND',
    /VALID UNTIL 'infinity'/,
  ],
  [
    'is a superuser by now',
    (user: string) => `alter role ${user} superuser`,
    'TARGET_DENIED',
    /is a superuser/,
  ],
] as const)(
  'the second user %s: nothing is touched, and no password is tried',
  async ([, sql, code, words]) => {
    await target.admin(sql(name(B)))
    await failing(code, words)
    expect(front.logIns.get(name(B))).toBeUndefined()
  },
)

test('a user that expires soon is rotated, with a warning, and not extended', async () => {
  const until = new Date(Date.now() + 10 * 86_400_000).toISOString()
  await target.admin(`alter role ${name(B)} valid until '${until}'`)
  const event = await succeeding()
  expect(event.rotations[0]!.warnings).toEqual([
    expect.stringMatching(/user ".+_b" expires at \d{4}-\d\d-\d\d \d\d:\d\d UTC.*never extends/),
  ])
  const [role] = await target.admin('select rolvaliduntil as until from pg_roles where rolname = $1', [
    name(B),
  ])
  expect((role!.until as Date).toISOString()).toBe(until)
})

test.for([
  [
    'acts as one of the rotated (SET role)',
    (user: string, manager: string) =>
      `grant ${user} to ${manager} with set true; alter role ${manager} set role = '${user}'`,
  ],
  [
    'is a member of one of them',
    (user: string, manager: string) => `grant ${user} to ${manager} with inherit true, set true`,
  ],
] as const)('a managing user that %s', async ([what, sql]) => {
  await target.admin(sql(name(B), target.managing.username))
  endRestingSessions()
  // A member is no more than that: its own password is another one.
  if (what.startsWith('is a member')) return void (await succeeding())
  await failing('INPUT_INVALID', /led to ".+_b", which is one of rotateUsers/)
  expect(front.logIns.get(name(B))).toBeUndefined()
})

test('a pooler that keeps the old passwords: not published, said so, and taken up when it asks its server', async () => {
  const own = await targetDatabase()
  const users = [own.managing, ...own.rotated]
  const stale = await startPgBouncer({ server: own, mode: 'transaction', users })
  onTestFinished(() => stale.stop())
  const pooled = await line.environment(`values:\n${rotateCall('db', own, stale)}`)
  const event = await line.withWorker(() => line.rotate(pooled))
  expect(event.rotations[0]).toMatchObject({
    failureCode: 'VERIFY_FAILED',
    message: expect.stringMatching(
      /not published.*is a connection pooler, which may keep an older password.*auth_query/,
    ) as string,
    warnings: [expect.stringMatching(/is a connection pooler: a password that it keeps/)],
  })
  expect(stale.refusals(own.rotated[0].username)).toBe(1)
  await stale.stop()

  const [{ superuser: auth_user, password }, [{ made }]] = [await sharedPostgres(), await madeAt(own)]
  const asking = await startPgBouncer({
    server: own,
    mode: 'transaction',
    port: stale.port,
    users: [{ username: auth_user, password }],
    settings: [
      `auth_user = ${auth_user}`,
      'auth_query = select usename, passwd from pg_shadow where usename = $1',
    ],
  })
  onTestFinished(() => asking.stop())
  expect((await line.withWorker(() => line.rotate(pooled))).outcome).toBe('succeeded')
  expect(await madeAt(own), 'the same value, nothing sent again').toEqual([{ made }])
  await asking.stop()
  await own.drop()
})

const madeAt = async ({ admin, rotated }: TargetDatabase) =>
  (await admin('select rolpassword as made from pg_authid where rolname = $1', [rotated[0].username])) as [
    { made: string },
  ]
