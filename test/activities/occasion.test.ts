/** Ticks against a real store: each due time is taken up once, whoever fires, and what is passed over is written down. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { takeOccasion } from '../../activities/occasion.ts'
import type { ActivityServices } from '../../activities/services.ts'
import { calendars } from '../../model/cron-calendars.ts'
import { parseSchedule } from '../../model/cron.ts'
import { scheduleRequests } from '../../store/due-times.ts'
import { createEnvironment } from '../../store/environments.ts'
import { markServed } from '../../store/requests.ts'
import { createSchedule, type Schedule } from '../../store/schedules.ts'
import { dueMinutes, firedMinutes, matcher, walk } from '../model/wall-clock-walk.ts'
import { fieldsOf } from '../model/calendar-fields.ts'
import { freshStore, type TestStore } from '../support/store.ts'

let store: TestStore
let services: ActivityServices
const MINUTE = 60_000

beforeAll(async () => {
  store = await freshStore()
  services = { environments: { db: store.db } } as ActivityServices
})
afterAll(() => store.close())

async function scheduled(since: Date, cron: string, timezone = 'UTC'): Promise<Schedule> {
  const environment = await createEnvironment(store.db, store.keeper, {
    organization: 'acme',
    project: 'app',
    name: randomUUID().slice(0, 8),
    creator: 'ada',
  })
  const made = await createSchedule(store.db, { environmentId: environment.id, cron, timezone, owner: 'ada' })
  await store.db.updateTable('schedules').set({ effective_at: since }).where('id', '=', made.id).execute()
  return { ...made, effectiveAt: since }
}

/** True when there was nothing to do. */
const tick = (schedule: Schedule, dueAt: Date) =>
  takeOccasion(services, schedule.environmentId, {
    kind: 'schedule',
    scheduleId: schedule.id,
    dueAt: dueAt.toISOString(),
  })

const requestsOf = async ({ id }: Schedule) =>
  (await scheduleRequests(store.db, id, 10_000)).map(({ dueAt, status }) => [dueAt.getTime(), status])

test('of an outage of three days the newest is taken up, and every one before it is missed', async () => {
  const newest = Date.UTC(2027, 0, 4)
  const minutes = 3 * 24 * 60
  const schedule = await scheduled(new Date(newest - minutes * MINUTE), '* * * * *')
  expect(await tick(schedule, new Date(newest))).toBe(false)
  const expected = Array.from({ length: minutes }, (_, index) => [
    newest - index * MINUTE,
    index === 0 ? 'waiting' : 'missed',
  ])
  expect(await requestsOf(schedule)).toEqual(expected)
  // A tick that comes later than the one after it.
  expect(await tick(schedule, new Date(newest - MINUTE))).toBe(true)
  expect(await tick(schedule, new Date(newest))).toBe(false)
  expect(await requestsOf(schedule)).toEqual(expected)
})

test('what was served already is not missed, and what is due next passes over nothing', async () => {
  const start = Date.UTC(2027, 0, 1)
  const at = (minute: number) => new Date(start + minute * MINUTE)
  const schedule = await scheduled(new Date(start + 1), '* * * * *')
  for (const minute of [1, 2, 5, 6]) await tick(schedule, at(minute))
  expect(
    (await requestsOf(schedule)).map(([due, status]) => [(Number(due) - start) / MINUTE, status]),
  ).toEqual([
    [6, 'waiting'],
    [5, 'waiting'],
    [4, 'missed'],
    [3, 'missed'],
    [2, 'waiting'],
    [1, 'waiting'],
  ])
})

test('many ticks of one due time at once are one request', async () => {
  const start = new Date(Date.UTC(2027, 0, 1))
  const schedule = await scheduled(start, '* * * * *')
  const due = new Date(start.getTime() + 5 * MINUTE)
  await Promise.all(Array.from({ length: 8 }, () => tick(schedule, due)))
  expect(await requestsOf(schedule)).toHaveLength(5)
})

test.each([
  ['Australia/Lord_Howe', '15 2 * * 0'],
  ['Australia/Lord_Howe', '45 1 * * 0'],
  ['America/Havana', '30 0 * * 0'],
])(
  'in %s every instant that Temporal fires for %s in a year, twice: each due time once, none missed',
  async (zone, cron) => {
    const [from, until] = ['2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z']
    const clocks = walk(zone, from, until)
    const schedule = await scheduled(new Date(from), cron, zone)
    const specs = calendars(parseSchedule(cron, zone, schedule.environmentId), new Date(from))
    const matches = specs.map((spec) => matcher(fieldsOf(spec)))
    const fired = firedMinutes(clocks, matches)
    const expected = dueMinutes(clocks, cron)
    expect(fired.length).toBeGreaterThan(expected.length)
    for (const minute of fired) {
      for (let time = 0; time < 2; time += 1) await tick(schedule, new Date(minute * MINUTE))
      for (const { eventId } of await waiting(schedule)) await markServed(store.db, eventId)
    }
    expect(await requestsOf(schedule)).toEqual(expected.toReversed().map(({ at }) => [at * MINUTE, 'served']))
  },
)

async function waiting({ id }: Schedule): Promise<{ eventId: string }[]> {
  const rows = await store.db
    .selectFrom('rotation_requests')
    .select('event_id')
    .where('schedule_id', '=', id)
    .where('status', '=', 'waiting')
    .execute()
  return rows.map(({ event_id }) => ({ eventId: event_id! }))
}
