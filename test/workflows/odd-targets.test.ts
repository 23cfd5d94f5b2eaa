/** Targets that answer oddly: values refused by policy, a new credential that does not log in, a present one that stops to. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ActivityServices } from '../../activities/index.ts'
import { RotationFailure } from '../../model/failures.ts'
import { postgres } from '../../rotators/postgres.ts'
import type { AnyRotator } from '../../rotators/rotator.ts'
import type { Environment } from '../../store/environments.ts'
import { gate, rotatedDefinition, startLine, type Credential, type Line } from '../support/line.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'

let line: Line
let target: TargetDatabase
let environment: Environment
let before: Credential

beforeAll(async () => {
  line = await startLine()
})
afterAll(() => line.close())
beforeEach(async () => {
  target = await targetDatabase()
  environment = await line.environment(rotatedDefinition(target))
  await line.withWorker(() => line.rotate(environment))
  before = (await line.state(environment, 'db')).current!
})
afterEach(() => target.drop())

/** The real rotator, but for what it does when it changes something. */
function applying(apply: AnyRotator['apply']): ActivityServices {
  const rotator: AnyRotator = { ...postgres, apply }
  return {
    ...line.activityServices,
    environments: { ...line.services, findRotator: (name) => (name === 'postgres' ? rotator : undefined) },
  }
}

const newest = async () =>
  await line.store.db
    .selectFrom('rotations')
    .select(['step', 'burnt_count', 'settled_at', 'prepared'])
    .where('environment_id', '=', environment.id)
    .orderBy('created_at', 'desc')
    .executeTakeFirstOrThrow()

test('a value that the policy refuses is burnt and another one made', async () => {
  const offered: string[] = []
  const services = applying(async (inputs, prepared, context) => {
    offered.push(prepared.password)
    if (offered.length < 3) throw new RotationFailure('TARGET_REJECTED_VALUE')
    return await postgres.apply(inputs, prepared, context)
  })
  const event = await line.withWorker(() => line.rotate(environment), services)
  expect(event.outcome).toBe('succeeded')
  expect(new Set(offered).size).toBe(3)
  const { current, previous } = await line.state(environment, 'db')
  expect(current!.password).toBe(offered[2])
  expect(previous).toEqual(before)
  expect(await newest()).toMatchObject({ step: 'published', burnt_count: 2 })
})

test('one that always does is given up after three; nothing is in doubt, and the published one works', async () => {
  let asked = 0
  const services = applying(async () => {
    asked += 1
    throw new RotationFailure('TARGET_REJECTED_VALUE')
  })
  const event = await line.withWorker(() => line.rotate(environment), services)
  expect(event.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'TARGET_REJECTED_VALUE' }])
  expect(asked).toBe(3)
  expect((await newest()).settled_at).not.toBeNull()
  expect(await target.canLogIn(before)).toBe(true)
})

test('one that it says to refuse and took all the same is published, not burnt', async () => {
  const services = applying(async (inputs, prepared, context) => {
    await postgres.apply(inputs, prepared, context)
    throw new RotationFailure('TARGET_REJECTED_VALUE')
  })
  expect((await line.withWorker(() => line.rotate(environment), services)).outcome).toBe('succeeded')
  expect(await newest()).toMatchObject({ burnt_count: 0 })
  expect(await target.canLogIn((await line.state(environment, 'db')).current!)).toBe(true)
})

test('a new credential that does not log in is not published; the same value is sent again by the next', async () => {
  let lost: Credential | undefined
  const services = applying(async (_inputs, prepared) => {
    lost = prepared
    return prepared
  })
  const event = await line.withWorker(() => line.rotate(environment), services)
  expect(event).toMatchObject({ postRevision: null, rotations: [{ failureCode: 'VERIFY_FAILED' }] })
  expect((await line.state(environment, 'db')).current).toEqual(before)
  expect((await line.withWorker(() => line.rotate(environment))).outcome).toBe('succeeded')
  expect((await line.state(environment, 'db')).current).toEqual(lost)
})

test('a present one that stops to work while another is made is not published as previous', async () => {
  const { services, reached, open } = gate(line.activityServices, 'applied')
  await line.withWorker(async () => {
    const rotating = line.rotate(environment)
    await reached
    await target.admin(`alter role ${before.username} password 'by-hand'`)
    open()
    expect(await rotating).toMatchObject({
      postRevision: null,
      rotations: [{ failureCode: 'TARGET_CHANGED' }],
    })
  }, services)
})

test('a log-in that is long ago when the commit comes is asked for again', async () => {
  const limits = { ...line.activityServices.limits, verifiedFor: 1_000 }
  const { services, reached, open } = gate({ ...line.activityServices, limits }, 'commit: text made')
  await line.withWorker(async () => {
    const rotating = line.rotate(environment)
    await reached
    const made = target.rotated.find(({ username }) => username !== before.username)!
    await target.admin(`alter role ${made.username} password 'by-hand'`)
    await sleep(1_200)
    open()
    expect(await rotating).toMatchObject({
      postRevision: null,
      rotations: [{ failureCode: 'VERIFY_FAILED' }],
    })
    expect(await target.canLogIn((await line.state(environment, 'db')).current!)).toBe(true)
  }, services)
})
