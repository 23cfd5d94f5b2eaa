/** The network between worker and target: answers lost after success, late landings, targets that go away. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest'
import { dataKeyOf, type Environment } from '../../store/environments.ts'
import { rotatedDefinition, startLine, TEST_LIMITS, type Credential, type Line } from '../support/line.ts'
import { startProxy, type Proxy } from '../support/proxy.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'

/** The change is made by the first and takes effect with the second. */
const has = (words: 'ALTER ROLE' | 'COMMIT') => (chunk: Buffer) => chunk.includes(words)

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
  let cut = false
  proxy.cutAfter((chunk) => {
    cut ||= has('COMMIT')(chunk)
    return cut
  })
  const event = await line.withWorker(() => line.rotate(environment))
  expect(event).toMatchObject({
    outcome: 'failed',
    postRevision: null,
    rotations: [{ outcome: 'unknown', failureCode: 'OUTCOME_UNKNOWN' }],
  })
  proxy.relay()
  const changed = await verifiers()
  const next = await line.withWorker(() => line.rotate(environment))
  expect(next).toMatchObject({ outcome: 'succeeded', postRevision: 4 })
  expect(await verifiers()).toEqual(changed)
  const { current, previous } = await line.state(environment, 'db')
  expect(previous).toEqual(before)
  expect(await target.canLogIn(current!)).toBe(true)
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
  let cut = false
  proxy.cutAfter((chunk) => {
    cut ||= has('ALTER ROLE')(chunk)
    return cut
  })
  const untouched = await verifiers()
  const event = await line.withWorker(() => line.rotate(environment))
  expect(event).toMatchObject({ postRevision: null, rotations: [{ outcome: 'unknown' }] })
  expect(await verifiers()).toEqual(untouched)
  proxy.relay()
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
