/** The network between worker and target: answers lost after success, late landings, targets that go away. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest'
import type { Environment } from '../../store/environments.ts'
import { rotatedDefinition, startLine, TEST_LIMITS, type Credential, type Line } from '../support/line.ts'
import { startProxy, type Proxy } from '../support/proxy.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'

const isChange = (chunk: Buffer) => chunk.includes('ALTER ROLE')

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

test('the answer to the change is lost: it is sent again with the same value, and published once', async () => {
  proxy.cutAfter((chunk) => {
    if (!isChange(chunk)) return false
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
    cut ||= isChange(chunk)
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

test('a change that is held back until after its attempt gave up never lands', async () => {
  const held = proxy.hold(isChange)
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
})
