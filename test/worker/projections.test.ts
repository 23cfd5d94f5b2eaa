/** Temporal's schedules mended from the rows: those of older edits, lost ones, and those whose row is gone. */
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { Client, Connection, ScheduleNotFoundError } from '@temporalio/client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  deleteSchedule as deleteProjection,
  listProjections,
  projectionMark,
  syncSchedule,
  temporalScheduleId,
} from '../../client/schedules.ts'
import { createEnvironment, deleteEnvironment } from '../../store/environments.ts'
import { createSchedule, deleteSchedule, updateSchedule, type Schedule } from '../../store/schedules.ts'
import { mendProjections, projectSchedules, type ProjectionOptions } from '../../worker/projections.ts'
import { sharedTemporal } from '../support/servers.ts'
import { freshStore, type TestStore } from '../support/store.ts'

let store: TestStore
let on: ProjectionOptions
const logged: string[] = []

beforeAll(async () => {
  const { address, namespace, taskQueue } = await sharedTemporal()
  store = await freshStore()
  const client = new Client({ connection: await Connection.connect({ address }), namespace })
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) })
  on = { client, db: store.db, taskQueue, log }
})
afterAll(async () => {
  await on.client.connection.close()
  await store.close()
})

async function scheduled(cron = '0 3 * * *', once?: Date): Promise<Schedule> {
  const environment = await createEnvironment(store.db, store.keeper, {
    organization: 'acme',
    project: 'app',
    name: randomUUID().slice(0, 8),
    creator: 'ada',
  })
  return createSchedule(store.db, {
    environmentId: environment.id,
    ...(once ? { once } : { cron }),
    owner: 'ada',
  })
}

const project = (schedule: Schedule, taskQueue = on.taskQueue) =>
  syncSchedule(on.client, taskQueue, { ...schedule, environmentName: 'acme/app/x' })
const describeOf = ({ id }: { id: string }) => on.client.schedule.getHandle(temporalScheduleId(id)).describe()
const hourOf = async (schedule: Schedule) => (await describeOf(schedule)).spec.calendars?.[0]?.hour[0]?.start

/** Temporal's list is a moment behind. */
async function listed(schedule: Schedule, mark: string | undefined): Promise<void> {
  await vi.waitFor(
    async () =>
      expect((await listProjections(on.client)).find(({ id }) => id === schedule.id)?.mark).toBe(mark),
    { timeout: 10_000 },
  )
}

test('an older edit, and a lost schedule, are written again; what is right is left alone', async () => {
  const [stale, lost, right] = [await scheduled(), await scheduled('0 4 * * *'), await scheduled()]
  await project(stale)
  await project(right)
  await listed(right, projectionMark(right))
  const edited = await updateSchedule(store.db, stale.id, { cron: '0 5 * * *', paused: true })
  const before = (await describeOf(right)).info.lastUpdatedAt
  await mendProjections(on)
  expect(await hourOf(stale)).toBe(3)
  await mendProjections(on, 0)
  expect(await hourOf(stale)).toBe(5)
  expect((await describeOf(stale)).state.paused).toBe(true)
  expect(await hourOf(lost)).toBe(4)
  expect((await describeOf(right)).info.lastUpdatedAt).toEqual(before)
  await listed(edited, projectionMark(edited))
  await listed(lost, projectionMark(lost))
  logged.length = 0
  await mendProjections(on, 0)
  expect(logged).toEqual([])
  for (const { id } of [stale, lost, right]) {
    await deleteSchedule(store.db, id)
    await deleteProjection(on.client, id)
  }
})

test('what has no row is removed: the row deleted, its environment deleted', async () => {
  const [gone, orphaned] = [await scheduled(), await scheduled()]
  await project(gone)
  await project(orphaned)
  await listed(orphaned, projectionMark(orphaned))
  await listed(gone, projectionMark(gone))
  await deleteSchedule(store.db, gone.id)
  await deleteEnvironment(store.db, { id: orphaned.environmentId, login: 'ada' })
  // Young enough that its row may not be committed yet.
  await mendProjections(on)
  await describeOf(gone)
  await mendProjections(on, 0)
  for (const schedule of [gone, orphaned])
    await expect(describeOf(schedule)).rejects.toBeInstanceOf(ScheduleNotFoundError)
})

test('schedules of another installation, with a task queue of its own, are not touched', async () => {
  const theirs = await scheduled()
  await project(theirs, `${on.taskQueue}-other`)
  await listed(theirs, projectionMark(theirs))
  await deleteSchedule(store.db, theirs.id)
  await mendProjections(on, 0)
  await describeOf(theirs)
  await deleteProjection(on.client, theirs.id)
})

test('a start writes what is to come, and one unreadable row keeps nothing from it', async () => {
  const hour = 3_600_000
  const [broken, cron, past, future] = [
    await scheduled(),
    await scheduled('0 6 * * *'),
    await scheduled('', new Date(Date.now() - hour)),
    await scheduled('', new Date(Math.ceil(Date.now() / hour) * hour + hour)),
  ]
  await store.db.updateTable('schedules').set({ cron: 'x' }).where('id', '=', broken.id).execute()
  await projectSchedules(on)
  expect(await hourOf(cron)).toBe(6)
  expect((await describeOf(future)).info.nextActionTimes).toEqual([future.once])
  await expect(describeOf(past)).rejects.toBeInstanceOf(ScheduleNotFoundError)
  await expect(describeOf(broken)).rejects.toBeInstanceOf(ScheduleNotFoundError)
  for (const { id } of [cron, future]) await deleteProjection(on.client, id)
})
