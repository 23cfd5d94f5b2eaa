/** The network between worker and target: answers lost after success, late landings, targets that go away. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, afterEach, expect, test, vi } from 'vitest'
import { dataKeyOf, type Environment } from '../../store/environments.ts'
import { rotatedDefinition, startLine, TEST_LIMITS, type Credential, type Line } from '../support/line.ts'
import { startProxy, type Proxy } from '../support/proxy.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'

/** The change is made by the first and takes effect with the second. */
const has = (words: 'ALTER ROLE' | 'COMMIT') => (chunk: Buffer) => chunk.includes(words)

// Each waits for its target's time to be used up, some twice.
vi.setConfig({ testTimeout: 60_000 })

let line: Line
let target: TargetDatabase
let proxy: Proxy
let environment: Environment
let before: Credential

beforeAll(async () => {
  line = await startLine()
})
afterAll(() => line.close())
beforeEach(async () => {
  target = await targetDatabase()
  proxy = await startProxy(target)
  environment = await line.environment(rotatedDefinition(target, { host: proxy.host, port: proxy.port }))
  await line.withWorker(() => line.rotate(environment))
  before = (await line.state(environment, 'db')).current!
})
afterEach(async () => {
  await proxy.close()
  await target.drop()
})

async function verifiers(): Promise<unknown> {
  const names = target.rotated.map(({ username }) => username)
  return await target.admin('select rolname, rolpassword from pg_authid where rolname = any($1) order by 1', [
    names,
  ])
}

async function unsettled(): Promise<object[]> {
  return await line.store.db
    .selectFrom('rotations')
    .select(['id', 'outcome'])
    .where('environment_id', '=', environment.id)
    .where('sent_until', 'is not', null)
    .where('settled_at', 'is', null)
    .execute()
}

/** How many different values the journal says were to be sent after the first rotation. */
async function valuesSent(): Promise<number> {
  const rows = await line.store.db
    .selectFrom('rotations')
    .select(['id', 'prepared'])
    .where('environment_id', '=', environment.id)
    .orderBy('created_at')
    .execute()
  const dataKey = await dataKeyOf(line.store.db, line.store.keeper, environment.id)
  const values = rows.slice(1).map(({ id, prepared }) => dataKey.open('journal', id, prepared!).toString())
  return new Set(values).size
}

/** A rotation of whose change nobody knows what became: it never arrives, or its answer is lost. */
async function leaveInDoubt(after: 'ALTER ROLE' | 'COMMIT'): Promise<void> {
  let cut = false
  proxy.cutAfter((chunk) => {
    cut ||= has(after)(chunk)
    return cut
  })
  const event = await line.withWorker(() => line.rotate(environment))
  expect(event).toMatchObject({
    outcome: 'failed',
    postRevision: null,
    rotations: [{ outcome: 'unknown', failureCode: 'OUTCOME_UNKNOWN' }],
  })
  proxy.relay()
}

test.each(['ALTER ROLE', 'COMMIT'] as const)('the answer to %s is lost: published once', async (words) => {
  proxy.cutAfter((chunk) => {
    if (!has(words)(chunk)) return false
    proxy.relay()
    return true
  })
  const event = await line.withWorker(() => line.rotate(environment))
  expect(event).toMatchObject({ outcome: 'succeeded', postRevision: 4 })
  const { current, previous } = await line.state(environment, 'db')
  expect(previous).toEqual(before)
  expect(await target.canLogIn(current!)).toBe(true)
  expect(await target.canLogIn(before)).toBe(true)
})

test('the target goes away after it changed: unknown, and the next rotation publishes that value without a change', async () => {
  await leaveInDoubt('COMMIT')
  const changed = await verifiers()
  const next = await line.withWorker(() => line.rotate(environment))
  expect(next).toMatchObject({ outcome: 'succeeded', postRevision: 4 })
  expect(await verifiers()).toEqual(changed)
  const { current, previous } = await line.state(environment, 'db')
  expect(previous).toEqual(before)
  expect(await target.canLogIn(current!)).toBe(true)
})

test('nothing is sent again while what is published does not log in: both users stay as they are', async () => {
  await line.withWorker(() => line.rotate(environment))
  const { current, previous } = await line.state(environment, 'db')
  await leaveInDoubt('ALTER ROLE')
  await target.admin(`alter role ${current!.username} password 'by-hand'`)
  const untouched = await verifiers()
  const event = await line.withWorker(() => line.rotate(environment))
  expect(event.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'TARGET_CHANGED' }])
  expect(await verifiers()).toEqual(untouched)
  expect(await target.canLogIn(previous!)).toBe(true)
})

test('a person who publishes the slot in doubt is believed when it logs in, and the value in doubt given up', async () => {
  await leaveInDoubt('ALTER ROLE')
  const own = target.rotated.find(({ username }) => username !== before.username)!
  const { text } = await line.newest(environment)
  const brought = (password: string) =>
    line.save(
      environment,
      text.replace(
        / {6}state:[\s\S]*$/,
        `      state: ${JSON.stringify({ current: { ...own, password }, previous: before })}\n`,
      ),
    )
  await brought('not-what-it-is')
  const refused = await line.withWorker(() => line.rotate(environment))
  expect(refused.rotations).toMatchObject([{ failureCode: 'TARGET_CHANGED' }])
  expect(await unsettled()).toHaveLength(1)
  await brought(own.password)
  expect((await line.withWorker(() => line.rotate(environment))).outcome).toBe('succeeded')
  expect(await unsettled()).toEqual([])
  const { current, previous } = await line.state(environment, 'db')
  expect(current!.username).toBe(before.username)
  expect(previous).toEqual(own)
  expect(await target.canLogIn(own)).toBe(true)
})

test('what is in doubt at a target that the call no longer names is neither sent to the new one nor forgotten', async () => {
  await leaveInDoubt('COMMIT')
  const other = await targetDatabase()
  await line.save(environment, rotatedDefinition(other))
  expect((await line.withWorker(() => line.rotate(environment))).outcome).toBe('succeeded')
  expect(await other.canLogIn((await line.state(environment, 'db')).current!)).toBe(true)
  expect(await unsettled()).toMatchObject([{ outcome: 'unknown' }])
  expect(await valuesSent()).toBe(2)
  await other.drop()
})

test('what is in doubt at a user that the call names no more is not published; the users that it names take turns', async () => {
  await leaveInDoubt('COMMIT')
  const third = `${target.database}_c`
  await target.admin(`create role ${third} login`)
  await target.admin(
    `grant ${third} to ${target.managing.username} with admin option, inherit false, set false`,
  )
  const { text } = await line.newest(environment)
  await line.save(environment, text.replace(/username2: \S+/, `username2: ${third}`))
  expect((await line.withWorker(() => line.rotate(environment))).outcome).toBe('succeeded')
  const { current, previous } = await line.state(environment, 'db')
  expect(current!.username).toBe(third)
  expect(previous).toEqual(before)
  expect(await unsettled()).toMatchObject([{ outcome: 'unknown' }])
  await target.admin(`drop role ${third}`)
})

test('the target is away from the start: failed, nothing in doubt, and the published one works', async () => {
  proxy.cutBefore(() => true)
  const event = await line.withWorker(() => line.rotate(environment))
  expect(event).toMatchObject({ rotations: [{ outcome: 'failed', failureCode: 'TARGET_UNREACHABLE' }] })
  proxy.relay()
  expect((await line.withWorker(() => line.rotate(environment))).outcome).toBe('succeeded')
  expect((await line.state(environment, 'db')).previous).toEqual(before)
})

test('the target goes away before it changed: unknown, and the next rotation sends the same value again', async () => {
  const untouched = await verifiers()
  await leaveInDoubt('ALTER ROLE')
  expect(await verifiers()).toEqual(untouched)
  const next = await line.withWorker(() => line.rotate(environment))
  expect(next).toMatchObject({ outcome: 'succeeded', postRevision: 4 })
  expect(await valuesSent()).toBe(1)
})

test.each(['ALTER ROLE', 'COMMIT'] as const)(
  '%s held back until after its attempt gave up never lands',
  async (words) => {
    const held = proxy.hold(has(words))
    const event = await line.withWorker(() => line.rotate(environment))
    await held.arrived
    expect(event.outcome).toBe('succeeded')
    const published = await verifiers()
    await sleep(3 * TEST_LIMITS.changeTimeout)
    held.release()
    await sleep(500)
    expect(await verifiers()).toEqual(published)
    const { current } = await line.state(environment, 'db')
    expect(await target.canLogIn(current!)).toBe(true)
  },
)
