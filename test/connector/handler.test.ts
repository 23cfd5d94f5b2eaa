/** Our connector function as Lambda runs it: the built zip in a process of its own, asked through the AWS SDK, at a real PostgreSQL. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { zipConnector } from '../../connector/bundle.ts'
import { ALL_ACTIONS, REGION, startLambda, type LambdaEndpoint } from '../support/lambda/endpoint.ts'
import type { LambdaFunction } from '../support/lambda/endpoint.ts'
import { builtConnector } from '../support/lambda/connector.ts'
import { sharedPostgres, targetDatabase, type TargetDatabase } from '../support/servers.ts'

interface Answer {
  code: number
  message: string
  rekey?: Record<string, unknown>
}

let lambda: LambdaEndpoint
let client: LambdaClient
let connector: LambdaFunction
let target: TargetDatabase
const closing: (() => unknown)[] = []

beforeAll(async () => {
  lambda = await startLambda()
  client = new LambdaClient({
    endpoint: `http://${lambda.host}:${lambda.port}`,
    region: REGION,
    credentials: lambda.loginFor(ALL_ACTIONS),
    maxAttempts: 1,
  })
  connector = lambda.make({ handler: await builtConnector() })
  target = await targetDatabase()
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
afterAll(async () => {
  client?.destroy()
  await lambda?.close()
  await target?.drop()
})

async function invoke(event: unknown, called = connector): Promise<Answer> {
  const { Payload, FunctionError } = await client.send(
    new InvokeCommand({ FunctionName: called.arn, Payload: JSON.stringify(event) }),
  )
  expect(FunctionError).toBeUndefined()
  return JSON.parse(Buffer.from(Payload!).toString()) as Answer
}

/** The event as existing callers send it. */
function event(changes: Record<string, unknown> = {}) {
  const { host, port, database, managing, rotated } = target
  const newPassword = randomBytes(12).toString('hex')
  const rotateUser = { username: rotated[0].username, password: '', newPassword }
  return { type: 'postgres', host, port, database, managingUser: managing, rotateUser, ...changes }
}

test('a password is set and logs in, again with the same event, and nothing stays open at the server', async () => {
  const sent = event()
  expect(await invoke(sent)).toEqual({ code: 200, message: 'ok' })
  const { username, newPassword: password } = sent.rotateUser
  expect(await target.canLogIn({ username, password })).toBe(true)
  expect(await invoke(sent)).toEqual({ code: 200, message: 'ok' })
  expect(await target.canLogIn({ username, password })).toBe(true)
  // What was left open would go on when the next event thaws the process.
  const open = 'select usename from pg_stat_activity where usename = any($1)'
  expect(await target.admin(open, [[username, target.managing.username]])).toEqual([])
})

test.for([
  [
    'a wrong managing password',
    { managingUser: { username: 'nobody', password: 'wr0ng-of-the-manager' } },
    'LOGIN_FAILED',
  ],
  [
    'a user that is not there',
    { rotateUser: { username: 'nobody', newPassword: 'wr0ng-new' } },
    /^TARGET_(NOT_FOUND|DENIED)/,
  ],
  ['no new password', { rotateUser: { username: 'somebody' } }, 'INPUT_INVALID: rotateUser.newPassword'],
  [
    'a verifier for a password',
    { rotateUser: { username: 'a', newPassword: 'SCRAM-SHA-256$4096:a$b:c' } },
    'INPUT_INVALID',
  ],
  ['TLS that the server does not have', { sslmode: 'verify-full' }, 'INPUT_INVALID: 127.0.0.1'],
  ['another database', { type: 'oracle' }, 'INPUT_INVALID: type must be one of'],
  ['nothing listens', { port: 1 }, 'TARGET_UNREACHABLE'],
  ['nothing at all', { host: undefined, database: undefined }, 'INPUT_INVALID: database.host'],
] as const)('%s is a code and words without a secret', async ([, changes, message]) => {
  const sent = event(changes)
  const answer = await invoke(sent)
  expect(answer.code).toBe(400)
  expect(answer.message).toMatch(message)
  for (const secret of [target.managing.password, 'wr0ng', sent.rotateUser.newPassword].filter(Boolean))
    expect(JSON.stringify(answer) + connector.log()).not.toContain(secret)
  expect(connector.log()).toContain('"outcome":"')
})

test.for([
  undefined,
  null,
  7,
  'text',
  [],
  {},
  { type: 'rekey' },
  { type: 'rekey', protocol: 99, action: 'about' },
])('an event that is none: %j', async (garbage) => {
  const answer = await invoke(garbage ?? null)
  expect(answer).toMatchObject({ code: 400, rekey: { failure: { unchanged: true } } })
})

test('says what it can do, and nothing else has to be known for that', async () => {
  const answer = await invoke({ type: 'rekey', protocol: 1, action: 'about' })
  expect(answer).toMatchObject({ code: 200, rekey: { about: { protocol: 1 } } })
  const { rotators, now } = answer.rekey!.about as { rotators: string[]; now: number }
  expect(rotators).toContain('postgres')
  expect(Math.abs(now - Date.now())).toBeLessThan(5_000)
  const unknown = await invoke({
    type: 'rekey',
    protocol: 1,
    action: 'drop',
    rotator: 'postgres',
    limits: {},
  })
  expect(unknown).toMatchObject({ code: 400, rekey: { failure: { code: 'CONNECTOR_FAILED' } } })
})

test('a lock that somebody holds: it answers within its own time, and nothing lands afterwards', async () => {
  const short = lambda.make({ handler: await builtConnector(), timeout: 2_000 })
  await invoke({ type: 'rekey', protocol: 1, action: 'about' }, short)
  const sent = event()
  const { superuser, password, host, port } = await sharedPostgres()
  const holder = new pg.Client({ user: superuser, password, host, port, database: target.database })
  await holder.connect()
  closing.push(() => holder.end())
  await holder.query(`begin; alter role ${sent.rotateUser.username} connection limit 100`)
  expect((await invoke(sent, short)).message).toMatch(/^TARGET_TIMEOUT/)
  await holder.query('rollback')
  const { username, newPassword } = sent.rotateUser
  expect(await target.canLogIn({ username, password: newPassword })).toBe(false)
  expect(await invoke(sent, short)).toMatchObject({ code: 200 })
})

test('a server that says nothing: it answers within its own time', async () => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  const short = lambda.make({ handler: await builtConnector(), timeout: 2_000 })
  const answer = await invoke(event({ port: (silent.address() as AddressInfo).port }), short)
  expect(answer.message).toMatch(/^TARGET_TIMEOUT/)
})

test('the zip is small, and the same every time it is made', async () => {
  const [one, two] = [await zipConnector(), await zipConnector()]
  expect(one.equals(two)).toBe(true)
  expect(one.length).toBeLessThan(1024 * 1024)
})
