/**
 * Users of a MariaDB through the whole line: they take turns, and a server that does not play along ends in its code, with
 * words that say what to do and hold no secret; what is published keeps working, and the next rotation finds its way.
 */
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { FailureCode } from '../../model/failures.ts'
import type { Environment } from '../../store/environments.ts'
import { accounts, canLogIn, type Accounts } from '../rotators/mysql/fixture.ts'
import { ownMariadb } from '../rotators/mysql/own-server.ts'
import { startLine, type Credential, type Line } from '../support/line.ts'

/** What is done with a statement that changes a user, in the place of handing it on. */
type Way = 'hang' | 'reset' | 'say that it is done' | 'say garbage'

let line: Line
let server: Awaited<ReturnType<typeof ownMariadb>>
let target: Accounts
let front: { host: string; port: number; close(): Promise<void> }
let way: Way | undefined
let environment: Environment
let published: Credential

beforeAll(async () => {
  line = await startLine({ targetBudget: 1_500, changeTimeout: 1_000, targetTimeout: 5_000 })
  server = await ownMariadb()
})
afterAll(async () => {
  await line.close()
  await server.stop()
})
beforeEach(async () => {
  target = await accounts(server)
  front = await frontOf(server)
  const { managing, one, two, database } = target
  environment = await line.environment(`values:
  db:
    fn::rotate::mysql:
      inputs:
        database:
          host: ${front.host}
          port: ${front.port}
          database: ${database}
          managingUser: { username: ${managing.username}, password: { fn::secret: ${managing.password} } }
        rotateUsers: { username1: ${one.username}@%, username2: ${two.username} }
`)
  await line.withWorker(() => line.rotate(environment))
  published = (await line.state(environment, 'db')).current!
})
afterEach(async () => {
  way = undefined
  await front.close()
  await target.dispose()
})

/** Hands everything on, but for changes. */
async function frontOf(address: { host: string; port: number }): Promise<typeof front> {
  const sockets = new Set<Socket>()
  const listening = createServer((client) => {
    const upstream = createConnection(address)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    client.on('data', (chunk) => {
      if (way === undefined || !chunk.includes('ALTER USER')) return void upstream.write(chunk)
      if (way === 'reset') client.resetAndDestroy()
      if (way === 'say that it is done') client.write(Buffer.from('0700000100000002000000', 'hex'))
      if (way === 'say garbage') client.write('HTTP/1.1 200 OK\r\n\r\n')
    })
    upstream.on('data', (chunk) => client.write(chunk))
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return {
    host: '127.0.0.1',
    port: (listening.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      listening.close()
      await once(listening, 'close')
    },
  }
}

async function failing(code: FailureCode | FailureCode[], words: RegExp): Promise<void> {
  const event = await line.withWorker(() => line.rotate(environment))
  const [rotation] = event.rotations
  expect([code].flat()).toContain(rotation!.failureCode)
  expect(rotation!.message).toMatch(words)
  expect(event.postRevision).toBeNull()
  expect((await line.state(environment, 'db')).current).toEqual(published)
  expect(await canLogIn(server, published)).toBe(true)
  const told = JSON.stringify(event) + line.logged.join('\n')
  for (const secret of [...target.secrets, published.password]) expect(told).not.toContain(secret)
}

async function succeeding(): Promise<void> {
  const event = await line.withWorker(() => line.rotate(environment))
  expect(event.rotations).toMatchObject([{ outcome: 'succeeded' }])
  const { current, previous } = await line.state(environment, 'db')
  expect(previous).toEqual(published)
  expect(current!.username).toBe(target.two.username)
  for (const credential of [current!, previous!]) expect(await canLogIn(server, credential)).toBe(true)
}

test('they take turns; what is published is the name that one logs in with', async () => {
  expect(published.username).toBe(target.one.username)
  await succeeding()
  const second = (await line.state(environment, 'db')).current!
  await line.withWorker(() => line.rotate(environment))
  const { current, previous } = await line.state(environment, 'db')
  expect([current!.username, previous]).toEqual([target.one.username, second])
  expect(await canLogIn(server, published)).toBe(false)
})

test.for<[Way, FailureCode[], RegExp]>([
  // The server ends the session in which nothing arrives, and we hear of that first.
  ['hang', ['TARGET_UNREACHABLE', 'TARGET_TIMEOUT'], /broke|in time/],
  ['reset', ['TARGET_UNREACHABLE', 'TARGET_TIMEOUT'], /broke|in time/],
  ['say garbage', ['TARGET_UNREACHABLE', 'TARGET_TIMEOUT'], /does not speak|broke|in time/],
  ['say that it is done', ['VERIFY_FAILED'], /log in/],
])('a server that, to a change, does this: %s', async ([how, codes, words]) => {
  way = how
  await failing(codes, words)
  way = undefined
  await succeeding()
})

test.for<[string, string, FailureCode, RegExp, string]>([
  [
    'is missing',
    `RENAME USER :two TO 'away'@'%'`,
    'TARGET_NOT_FOUND',
    /does not exist/,
    `RENAME USER 'away'@'%' TO :two`,
  ],
  [
    'is locked',
    'ALTER USER :two ACCOUNT LOCK',
    'TARGET_NOT_FOUND',
    /ACCOUNT UNLOCK/,
    'ALTER USER :two ACCOUNT UNLOCK',
  ],
  [
    'has no privilege in the database',
    'REVOKE ALL PRIVILEGES ON :db.* FROM :two',
    'TARGET_DENIED',
    /grant/,
    'GRANT SELECT ON :db.* TO :two',
  ],
])('the next user %s: told, mended, rotated', async ([, breaking, code, words, mending]) => {
  const fill = (sql: string) =>
    sql.replaceAll(':two', `'${target.two.username}'@'%'`).replaceAll(':db', target.database)
  await target.admin(fill(breaking))
  await failing(code, words)
  await target.admin(fill(mending))
  await succeeding()
})

test('a policy that takes none of three values', async () => {
  await target.admin([
    `INSTALL SONAME 'simple_password_check'`,
    'SET GLOBAL simple_password_check_minimal_length = 60',
  ])
  try {
    await failing('TARGET_REJECTED_VALUE', /password policy/)
  } finally {
    await target.admin(`UNINSTALL SONAME 'simple_password_check'`)
  }
  await succeeding()
})
