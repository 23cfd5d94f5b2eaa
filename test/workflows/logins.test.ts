/** Logins in a rotation: made once for all paths of an event, made again when they have ended, and never written down. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { RotationFailure } from '../../model/failures.ts'
import { findRotator } from '../../rotators/index.ts'
import { findLogin } from '../../rotators/logins/index.ts'
import type { AnyLogin } from '../../rotators/logins/login.ts'
import { password } from '../../rotators/password.ts'
import { endRestingSessions } from '../../rotators/postgres/managing-sessions.ts'
import type { AnyRotator } from '../../rotators/rotator.ts'
import type { Environment } from '../../store/environments.ts'
import type { EventWithRotations } from '../../store/events.ts'
import { gate, startLine, type Line } from '../support/line.ts'
import type { TargetDatabase } from '../support/servers.ts'

let line: Line
let targets: TargetDatabase[]

beforeAll(async () => {
  line = await startLine({ targetBudget: 4_000 })
  line.services.findLogin = (name) => (name === 'test-vault' ? vault.login : findLogin(name))
  targets = [await line.target(), await line.target(), await line.target()]
})
afterAll(() => line.close())

/** Managing users that are made for whoever asks, as a vault does it; each is a role of the server. */
interface Vault {
  login: AnyLogin
  /** Their names, the oldest first. */
  made: string[]
  passwords: string[]
  /** In place of making one. */
  fails: ((asked: number) => RotationFailure | undefined) | undefined
  asked: number
}

let vault: Vault

function newVault(lifetime?: number): Vault {
  const own: Vault = { made: [], passwords: [], fails: undefined, asked: 0, login: undefined as never }
  own.login = {
    name: 'test-vault',
    title: 'Managing users for a while',
    inputs: { type: 'object', properties: { token: { type: 'string', secret: true } } },
    outputs: {
      type: 'object',
      properties: { username: { type: 'string' }, password: { type: 'string', secret: true } },
      required: ['username', 'password'],
    },
    open: async () => {
      own.asked += 1
      const failure = own.fails?.(own.asked)
      if (failure) throw failure
      const [username, password] = [`vault_${randomUUID().slice(0, 8)}`, randomUUID()]
      await admin(`create role ${username} login createrole password '${password}'`)
      for (const { rotated } of targets)
        for (const user of rotated)
          await admin(`grant ${user.username} to ${username} with admin option, inherit false, set false`)
      own.made.push(username)
      own.passwords.push(password)
      return {
        outputs: { username, password },
        ...(lifetime !== undefined && { expiresAt: Date.now() + lifetime }),
      }
    },
  }
  return (vault = own)
}

const admin = (sql: string) => targets[0]!.admin(sql)
/** As at a server that ends what is open, too: a session that rests would be good for half a second more. */
const end = async (name: string) => {
  await admin(`alter role ${name} valid until '2001-01-01'`)
  endRestingSessions()
}

afterEach(async () => {
  // Each test has an environment of its own, and a target belongs to one.
  await line.store.db.deleteFrom('target_claims').execute()
  for (const name of vault.made) await admin(`drop role ${name}`)
})

/** One environment with a call per target, all with one login. */
async function environment(count = 1): Promise<Environment> {
  const calls = targets.slice(0, count).map(
    ({ host, port, database, rotated }, index) => `
  db${index}:
    fn::rotate::postgres:
      inputs:
        database: { host: ${host}, port: ${port}, database: ${database}, managingUser: "\${login}" }
        rotateUsers: { username1: ${rotated[0].username}, username2: ${rotated[1].username} }`,
  )
  return await line.environment(
    `values:\n  login:\n    fn::open::test-vault: { token: { fn::secret: token-of-the-vault } }${calls.join('')}\n`,
  )
}

const told = ({ outcome, rotations }: EventWithRotations) => ({
  outcome,
  codes: [...new Set(rotations.map(({ failureCode }) => failureCode))],
  words: rotations.map(({ message }) => message).join('\n'),
})

test('three paths with one login: made once, and in no table and no log', async () => {
  newVault(600_000)
  const env = await environment(3)
  const event = await line.withWorker(() => line.rotate(env))
  expect(told(event).outcome).toBe('succeeded')
  expect(vault.made).toHaveLength(1)
  const logged = line.logged.join('\n')
  for (const secret of [...vault.passwords, 'token-of-the-vault']) expect(logged).not.toContain(secret)
  expect(JSON.stringify(await line.newest(env))).not.toContain(vault.passwords[0])
  await line.withWorker(() => line.rotate(env))
  expect(vault.made, 'the next event has one of its own').toHaveLength(2)
})

test('one that ended between two steps is made again, and the rotation goes on where it was', async () => {
  newVault(600_000)
  const env = await environment()
  const { services: gated, reached, open } = gate(line.activityServices, 'prepared')
  const event = await line.withWorker(async () => {
    const rotating = line.rotate(env)
    await reached
    await end(vault.made[0]!)
    open()
    return await rotating
  }, gated)
  expect(told(event)).toMatchObject({ outcome: 'succeeded', codes: [null] })
  expect(vault.made).toHaveLength(2)
  const { current } = await line.state(env, 'db0')
  expect(await targets[0]!.canLogIn(current!)).toBe(true)
})

test('one that is refused again right after it was made anew: failed, after two refused log-ins', async () => {
  newVault(600_000)
  const make = vault.login.open.bind(vault.login)
  vault.login.open = async (...given: Parameters<typeof make>) => {
    const opened = await make(...given)
    await end(vault.made.at(-1)!)
    return opened
  }
  const env = await environment()
  const event = await line.withWorker(() => line.rotate(env))
  expect(told(event)).toMatchObject({ outcome: 'failed', codes: ['LOGIN_FAILED'] })
  expect(vault.made).toHaveLength(2)
})

test('one that does not expire and is refused is not made again: that would only be refused once more', async () => {
  newVault()
  const env = await environment()
  const { services: gated, reached, open } = gate(line.activityServices, 'prepared')
  const event = await line.withWorker(async () => {
    const rotating = line.rotate(env)
    await reached
    await end(vault.made[0]!)
    open()
    return await rotating
  }, gated)
  expect(told(event).codes).toEqual(['LOGIN_FAILED'])
  expect(vault.made).toHaveLength(1)
})

test('a provider that is away for a moment is asked again; what it says for good is the code of the path', async () => {
  newVault(600_000)
  vault.fails = (asked) => (asked < 3 ? new RotationFailure('TARGET_UNREACHABLE', 'nobody there') : undefined)
  const env = await environment()
  const event = await line.withWorker(() => line.rotate(env))
  expect(told(event).outcome).toBe('succeeded')
  expect(vault.asked).toBe(3)

  vault.fails = () => new RotationFailure('LOGIN_FAILED', 'it did not like token-of-the-vault')
  const refused = await line.withWorker(() => line.rotate(env))
  expect(told(refused)).toMatchObject({ outcome: 'failed', codes: ['LOGIN_FAILED'] })
  expect(told(refused).words).toMatch(/it did not like \[secret\] \(app\/env-\w+:\d+:\d+\)/)
  expect(vault.asked).toBe(4)
})

/** Texts at a target that only a login reaches, to test them too, as it is behind a connector. */
function behindLogin(isGood: (username: string) => boolean): AnyRotator {
  const { withoutTarget: _, ...rotator } = password as AnyRotator
  return {
    ...rotator,
    name: 'behind-login',
    inputs: { type: 'object', properties: { login: {} }, rotateOnly: ['login'] },
    targets: () => ['behind-login/the-text'],
    test: async ({ login }: { login: { username: string } }) => {
      if (isGood(login.username)) return 'works'
      throw new RotationFailure('LOGIN_FAILED')
    },
  }
}

test('one that ended while an undo waited is made again too', async () => {
  newVault(600_000)
  const ended = new Set<string>()
  const rotator = behindLogin((username) => !ended.has(username))
  line.services.findRotator = (name) => (name === rotator.name ? rotator : findRotator(name))
  const env = await line.environment(`values:
  login:
    fn::open::test-vault: {}
  text:
    fn::rotate::behind-login:
      inputs: { login: "\${login}" }
      state: { current: { fn::secret: the-newer }, previous: { fn::secret: the-older } }
`)
  const { services: gated, reached, open } = gate(line.activityServices, 'by hand: previous works')
  const event = await line.withWorker(async () => {
    const undoing = line.rotate(env, { action: 'undo' })
    await reached
    ended.add(vault.made[0]!)
    open()
    return await undoing
  }, gated)
  expect(told(event)).toMatchObject({ outcome: 'succeeded', codes: [null] })
  expect(vault.made).toHaveLength(2)
  expect(await line.state(env, 'text')).toEqual({ current: 'the-older', previous: 'the-newer' })
})
