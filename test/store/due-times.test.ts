/** Due times as rows: which schedules are overdue. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteEnvironment, createEnvironment, type Environment } from '../../store/environments.ts'
import { overdueSchedules, recordMissed, scheduleKey } from '../../store/due-times.ts'
import { insertRequest, markServed } from '../../store/requests.ts'
import { createSchedule, updateSchedule, type Schedule } from '../../store/schedules.ts'
import { freshStore, type TestStore } from '../support/store.ts'

let store: TestStore
beforeAll(async () => {
  store = await freshStore()
})
afterAll(() => store.close())

const MINUTE = 60_000
const minute = (ago: number) => new Date(Math.floor(Date.now() / MINUTE) * MINUTE - ago * MINUTE)

/** A schedule of every minute that was made `minutes` and a half ago. */
async function scheduled(
  minutes: number,
  options: { cron?: string } = {},
): Promise<{ environment: Environment; schedule: Schedule }> {
  const environment = await createEnvironment(store.db, store.keeper, {
    organization: 'acme',
    project: 'app',
    name: randomUUID().slice(0, 8),
    creator: 'ada',
  })
  const schedule = await createSchedule(store.db, {
    environmentId: environment.id,
    cron: options.cron ?? '* * * * *',
    owner: 'ada',
  })
  const effectiveAt = new Date(minute(minutes).getTime() - MINUTE / 2)
  await store.db
    .updateTable('schedules')
    .set({ effective_at: effectiveAt })
    .where('id', '=', schedule.id)
    .execute()
  return { environment, schedule: { ...schedule, effectiveAt } }
}

const overdueOf = async ({ schedule }: { schedule: Schedule }, grace?: number) =>
  (await overdueSchedules(store.db, grace)).find(({ scheduleId }) => scheduleId === schedule.id)

function tick({ environment, schedule }: { environment: Environment; schedule: Schedule }, dueAt: Date) {
  return insertRequest(store.db, {
    environmentId: environment.id,
    trigger: 'schedule',
    login: 'ada',
    paths: null,
    force: false,
    requestKey: scheduleKey(schedule.id, dueAt),
    schedule: { id: schedule.id, version: schedule.version, dueAt },
  })
}

test('a schedule is overdue from its oldest due time that nothing served, past the grace', async () => {
  const one = await scheduled(10)
  const overdue = await overdueOf(one)
  expect(overdue).toEqual({
    scheduleId: one.schedule.id,
    environmentId: one.environment.id,
    dueAt: minute(10),
    late: expect.any(Number),
  })
  expect(overdue!.late).toBeGreaterThanOrEqual(10 * MINUTE)
  expect(overdue!.late).toBeLessThan(12 * MINUTE)
  expect(await overdueOf(one, 15 * MINUTE)).toBeUndefined()
})

test('a due time that is served or missed is not overdue, one that waits is', async () => {
  const one = await scheduled(10)
  await recordMissed(store.db, one.schedule, [minute(4)])
  expect(await overdueOf(one)).toMatchObject({ dueAt: minute(3) })
  const waiting = await tick(one, minute(2))
  expect(await overdueOf(one)).toMatchObject({ dueAt: minute(2) })
  await tick(one, minute(0))
  expect(await overdueOf(one)).toMatchObject({ dueAt: minute(2) })
  await markServed(store.db, waiting.eventId)
  expect(await overdueOf(one)).toBeUndefined()
})

test('not while it is paused, not for what was due before an edit, not with its environment deleted', async () => {
  const [paused, edited, deleted] = [await scheduled(10), await scheduled(10), await scheduled(10)]
  await tick(edited, minute(5))
  expect(await overdueOf(edited)).toBeDefined()
  await updateSchedule(store.db, paused.schedule.id, { paused: true })
  await updateSchedule(store.db, edited.schedule.id, { cron: '*/2 * * * *' })
  await deleteEnvironment(store.db, { id: deleted.environment.id, login: 'ada' })
  for (const one of [paused, edited, deleted]) expect(await overdueOf(one)).toBeUndefined()
})

test('the latest comes first, and one that cannot be read does not hide the others', async () => {
  const [young, old, broken] = [await scheduled(5), await scheduled(60), await scheduled(600)]
  await store.db.updateTable('schedules').set({ cron: 'x' }).where('id', '=', broken.schedule.id).execute()
  const ids = (await overdueSchedules(store.db)).map(({ scheduleId }) => scheduleId)
  expect(ids.indexOf(old.schedule.id)).toBeLessThan(ids.indexOf(young.schedule.id))
  expect(ids).not.toContain(broken.schedule.id)
})
