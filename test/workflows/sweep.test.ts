/** The sweeper: settles what can be told without a person, leaves and names the rest, never looks twice in a row. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { sweepUnsettled } from '../../activities/sweep-unsettled.ts'
import { wake } from '../../client/rotations.ts'
import { sweepScheduleId, syncSweep } from '../../client/sweep-schedule.ts'
import { deleteEnvironment } from '../../environments/delete.ts'
import { findClaim } from '../../store/claims.ts'
import { dataKeyOf, findEnvironmentById, type Environment } from '../../store/environments.ts'
import { listEvents, type EventWithRotations } from '../../store/events.ts'
import { listRotations, type RotationRecord } from '../../store/rotation-records.ts'
import { unsettledCounts } from '../../store/unsettled-rows.ts'
import { rotatedDefinition, startLine, TEST_LIMITS, type Credential, type Line } from '../support/line.ts'
import { startProxy, type Proxy } from '../support/proxy.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'

vi.setConfig({ testTimeout: 90_000 })

let line: Line
let target: TargetDatabase
let proxy: Proxy
let environment: Environment
let before: Credential

beforeAll(async () => {
  line = await startLine({ targetBudget: 3_000 })
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
  // Nothing is left for the next test's sweep.
  await line.store.db
    .updateTable('rotations')
    .set({ settled_at: new Date() })
    .where('settled_at', 'is', null)
    .execute()
})

const unsettled = () => listRotations(line.store.db, { environmentId: environment.id, limit: 10 })

async function verifiers(): Promise<unknown> {
  const names = target.rotated.map(({ username }) => username)
  return await target.admin('select rolname, rolpassword from pg_authid where rolname = any($1) order by 1', [
    names,
  ])
}

/** A rotation whose change arrives and is never answered, or never arrives; nothing of it can land any more. */
async function leaveInDoubt(arrives: boolean): Promise<RotationRecord> {
  let cut = false
  proxy.cutAfter((chunk) => {
    cut ||= chunk.includes(arrives ? 'COMMIT' : 'ALTER ROLE')
    return cut
  })
  await line.withWorker(() => line.rotate(environment))
  proxy.relay()
  const [left] = await unsettled()
  await sleep(3 * TEST_LIMITS.changeTimeout + 500)
  return left!
}

/** One sweep, and the events that it began, when they have ended. */
async function swept(): Promise<{ asked: number; unsettled: number; events: EventWithRotations[] }> {
  return await line.withWorker(async () => {
    const result = await sweepUnsettled({
      ...line.activityServices,
      wake: (described) => wake(line.on, described, 'left in doubt'),
    })
    const done = async () => {
      const events = await listEvents(line.store.db, environment.id)
      const settling = events.filter(({ action }) => action === 'settle')
      expect(settling.every(({ completedAt }) => completedAt !== null)).toBe(true)
      expect(await line.requests(environment)).not.toContain('waiting')
      return settling
    }
    return { ...result, events: await vi.waitFor(done, { timeout: 60_000 }) }
  })
}

test('a value that never arrived is settled; nothing is changed at the target and no revision is made', async () => {
  const { id } = await leaveInDoubt(false)
  const untouched = await verifiers()
  const { asked, events } = await swept()
  expect(asked).toBe(1)
  expect(events).toMatchObject([
    {
      trigger: 'sweep',
      login: 'ada',
      subject: { rotation: id },
      outcome: 'succeeded',
      postRevision: null,
      rotations: [{ outcome: 'succeeded' }],
    },
  ])
  expect(await unsettled()).toEqual([])
  expect(await verifiers()).toEqual(untouched)
  expect(await swept()).toMatchObject({ asked: 0, unsettled: 0 })
})

test('a value that arrived is left to the next rotation or a person, and not looked at again at once', async () => {
  const { id } = await leaveInDoubt(true)
  const changed = await verifiers()
  const { asked, unsettled: left, events } = await swept()
  expect({ asked, left }).toEqual({ asked: 1, left: 1 })
  expect(events).toMatchObject([
    { outcome: 'succeeded', rotations: [{ outcome: 'skipped', failureCode: 'OUTCOME_UNKNOWN' }] },
  ])
  expect(await unsettled()).toMatchObject([{ id }])
  expect(await swept()).toMatchObject({ asked: 0, unsettled: 1 })
  expect(await verifiers()).toEqual(changed)
  expect(await unsettledCounts(line.store.db)).toMatchObject([
    { code: 'OUTCOME_UNKNOWN', suspect: false, deleted: false, rows: 1 },
  ])
  expect(line.logged.some((entry) => entry.includes('rekey rotation ls'))).toBe(true)
  expect((await line.withWorker(() => line.rotate(environment))).outcome).toBe('succeeded')
  expect((await line.state(environment, 'db')).previous).toEqual(before)
})

test('a target that lets nobody in has not refused the value', async () => {
  await leaveInDoubt(true)
  for (const { username } of target.rotated) await target.admin(`alter role ${username} nologin`)
  const { events } = await swept()
  expect(events).toMatchObject([{ rotations: [{ outcome: 'skipped', failureCode: 'TARGET_CHANGED' }] }])
  expect(await unsettled()).toHaveLength(1)
})

test('a target that is away is looked at another time', async () => {
  await leaveInDoubt(false)
  proxy.cutBefore(() => true)
  const { events } = await swept()
  expect(events).toMatchObject([{ rotations: [{ outcome: 'skipped', failureCode: 'TARGET_UNREACHABLE' }] }])
  expect(await unsettled()).toHaveLength(1)
})

test('a value that a person has published meanwhile is settled', async () => {
  const left = await leaveInDoubt(true)
  const dataKey = await dataKeyOf(line.store.db, line.store.keeper, environment.id)
  const value = JSON.parse(dataKey.open('journal', left.id, left.credential!).toString()) as Credential
  const { text } = await line.newest(environment)
  await line.save(
    environment,
    text.replace(
      / {6}state:[\s\S]*$/,
      `      state: ${JSON.stringify({ current: value, previous: before })}\n`,
    ),
  )
  await swept()
  expect(await unsettled()).toEqual([])
  expect((await line.state(environment, 'db')).current).toEqual(value)
})

test('what a deleted environment left is settled too, and its target is free then', async () => {
  const { targets } = await leaveInDoubt(false)
  await deleteEnvironment(line.services, { environment, login: 'ada' })
  expect(await findClaim(line.store.db, targets[0]!)).toBeDefined()
  environment = (await findEnvironmentById(line.store.db, environment.id))!
  const { events } = await swept()
  expect(events).toMatchObject([{ outcome: 'succeeded', rotations: [{ outcome: 'succeeded' }] }])
  expect(await unsettled()).toEqual([])
  expect(await findClaim(line.store.db, targets[0]!)).toBeUndefined()
})

test('its schedule in Temporal is written as often as one likes, runs the workflow, and goes when it is switched off', async () => {
  const { id } = await leaveInDoubt(false)
  const { taskQueue } = line.temporal
  const handle = line.on.client.schedule.getHandle(sweepScheduleId(taskQueue))
  await Promise.all([
    syncSweep(line.on.client, taskQueue, 3_600_000),
    syncSweep(line.on.client, taskQueue, 3_600_000),
  ])
  await syncSweep(line.on.client, taskQueue, 7_200_000)
  try {
    expect((await handle.describe()).spec.intervals).toMatchObject([{ every: 7_200_000 }])
    await line.withWorker(
      async () => {
        await handle.trigger()
        await vi.waitFor(async () => expect(await unsettled()).toEqual([]), { timeout: 60_000 })
      },
      { ...line.activityServices, wake: (described) => wake(line.on, described, 'left in doubt') },
    )
    expect((await listEvents(line.store.db, environment.id))[0]).toMatchObject({
      trigger: 'sweep',
      subject: { rotation: id },
    })
    // A sweep that is lost with its worker holds up the ones after it no longer than until it misses a beat.
    const { recentActions } = (await handle.describe()).info
    const { workflowId } = recentActions[0]!.action.workflow
    const { events } = await line.on.client.workflow.getHandle(workflowId).fetchHistory()
    const asked = events!.find(
      ({ activityTaskScheduledEventAttributes }) => activityTaskScheduledEventAttributes,
    )
    expect(Number(asked!.activityTaskScheduledEventAttributes!.heartbeatTimeout!.seconds)).toBe(20)
  } finally {
    await syncSweep(line.on.client, taskQueue, 0)
    await syncSweep(line.on.client, taskQueue, 0)
  }
  await expect(handle.describe()).rejects.toThrow(/not found/i)
})
