/** The projection of a schedule on a real Temporal: written, rewritten whole, removed, and started on time. */
import { randomUUID } from 'node:crypto'
import { Client, Connection, ScheduleNotFoundError } from '@temporalio/client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { deleteSchedule, syncSchedule, temporalScheduleId } from '../../client/schedules.ts'
import { nextDues, parseSchedule } from '../../model/cron.ts'
import { registerSearchAttributes } from '../../client/search-attributes.ts'
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts'
import { sharedTemporal, uniqueName } from '../support/servers.ts'

const NAMES = SEARCH_ATTRIBUTES.map(({ name }) => name)

let client: Client
let taskQueue: string

beforeAll(async () => {
  const temporal = await sharedTemporal()
  taskQueue = temporal.taskQueue
  client = new Client({
    connection: await Connection.connect({ address: temporal.address }),
    namespace: temporal.namespace,
  })
})
afterAll(() => client.connection.close())

const row = (cron: string, timezone = 'UTC') => ({
  id: randomUUID(),
  environmentId: randomUUID(),
  cron,
  once: null as Date | null,
  timezone,
  paused: false,
  version: 1,
  modifiedAt: new Date('2026-01-01T00:00:00Z'),
  environmentName: 'main/app/prod',
})

it('writes what the row says, and all of it again after an edit', async () => {
  const schedule = row('0 0 13 * 5')
  await syncSchedule(client, taskQueue, schedule)
  const handle = client.schedule.getHandle(temporalScheduleId(schedule.id))
  const first = await handle.describe()
  expect(first.action).toMatchObject({
    workflowType: 'rotateEnvironment',
    workflowId: `rotate/${schedule.environmentId}`,
    taskQueue,
    args: [{ environmentId: schedule.environmentId, scheduleId: schedule.id }],
    staticSummary: 'main/app/prod · schedule',
  })
  expect(first.policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 60_000, pauseOnFailure: false })
  const expected = nextDues(parseSchedule(schedule.cron, 'UTC', schedule.environmentId), new Date(), 5)
  expect(first.info.nextActionTimes.slice(0, 5)).toEqual(expected)

  await syncSchedule(client, taskQueue, {
    ...schedule,
    cron: '30 4 * * *',
    timezone: 'Asia/Tokyo',
    paused: true,
  })
  const second = await handle.describe()
  expect(second.state.paused).toBe(true)
  expect(second.spec.timezone).toBe('Asia/Tokyo')
  expect(second.spec.calendars).toHaveLength(1)
  expect(second.spec.calendars?.[0]).toMatchObject({ hour: [{ start: 4 }], minute: [{ start: 30 }] })
  await deleteSchedule(client, schedule.id)
  await expect(handle.describe()).rejects.toBeInstanceOf(ScheduleNotFoundError)
})

it('covers a time that the clocks skip', async () => {
  const schedule = row('30 2 14 3 *', 'America/New_York')
  await syncSchedule(client, taskQueue, schedule)
  const { spec } = await client.schedule.getHandle(temporalScheduleId(schedule.id)).describe()
  expect(spec.calendars).toHaveLength(2)
  expect(spec.calendars?.[1]).toMatchObject({
    hour: [{ start: 3, end: 3 }],
    minute: [{ start: 30, end: 30 }],
  })
  await deleteSchedule(client, schedule.id)
})

it('may be written by many at once, and removed twice', async () => {
  const schedule = row('@daily')
  await Promise.all(Array.from({ length: 5 }, () => syncSchedule(client, taskQueue, schedule)))
  await deleteSchedule(client, schedule.id)
  await deleteSchedule(client, schedule.id)
})

it('can be searched for, as its runs can, and tells people where it is changed for good', async () => {
  expect((await registerSearchAttributes(client)).missing).toEqual({})
  const schedule = { ...row('0 3 * * *'), environmentName: `main/app/${uniqueName('env')}` }
  await syncSchedule(client, taskQueue, schedule, NAMES)
  const handle = client.schedule.getHandle(temporalScheduleId(schedule.id))
  const first = await handle.describe()
  expect(first.memo).toEqual({
    environment: schedule.environmentName,
    environmentId: schedule.environmentId,
  })
  expect(first.state).toMatchObject({ paused: false, note: expect.stringContaining('0 3 * * * in UTC') })
  const query = `RekeyEnvironment = "${schedule.environmentName}"`
  await expect
    .poll(
      async () => {
        for await (const { scheduleId } of client.schedule.list({ query })) return scheduleId
        return undefined
      },
      { timeout: 10_000 },
    )
    .toBe(temporalScheduleId(schedule.id))

  await handle.trigger()
  await expect
    .poll(
      async () => {
        for await (const run of client.workflow.list({ query: `${query} AND RekeyTrigger = "schedule"` }))
          return run.memo
        return undefined
      },
      { timeout: 10_000 },
    )
    .toEqual({ environment: schedule.environmentName, environmentId: schedule.environmentId })

  // Somebody goes on with it in the UI; the next writing of the row undoes that.
  await handle.unpause('by hand')
  await syncSchedule(client, taskQueue, { ...schedule, paused: true }, NAMES)
  const { state } = await handle.describe()
  expect(state.paused).toBe(true)
  expect(state.note).toContain(`rekey env schedule resume ${schedule.environmentName}`)
})

it('is written without attributes where Temporal has lost them', async () => {
  const schedule = row('0 3 * * *')
  const [namespace, other] = [uniqueName('namespace'), client.connection]
  await client.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  })
  const elsewhere = new Client({ connection: other, namespace })
  await expect
    .poll(
      () =>
        syncSchedule(elsewhere, taskQueue, schedule, NAMES).then(
          () => true,
          () => false,
        ),
      {
        timeout: 20_000,
      },
    )
    .toBe(true)
  const handle = elsewhere.schedule.getHandle(temporalScheduleId(schedule.id))
  expect((await handle.describe()).action).toMatchObject({ workflowType: 'rotateEnvironment' })
  await syncSchedule(elsewhere, taskQueue, { ...schedule, paused: true }, NAMES)
  expect((await handle.describe()).state.paused).toBe(true)
})
