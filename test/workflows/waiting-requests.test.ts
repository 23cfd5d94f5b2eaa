/** Requests that nothing serves for a while: they wait, are taken up, or end in words; none is begun too early. */
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { request, rotationWorkflowId, wait } from '../../client/rotations.ts'
import { deleteEnvironment } from '../../environments/delete.ts'
import type { Environment } from '../../store/environments.ts'
import { findEvent, listEvents } from '../../store/events.ts'
import { scheduleKey } from '../../store/due-times.ts'
import { findByEvent, insertRequest } from '../../store/requests.ts'
import { createSchedule, deleteSchedule, type Schedule } from '../../store/schedules.ts'
import { reconcile } from '../../worker/reconcile.ts'
import { asked, rotatedDefinition, startLine, type Line } from '../support/line.ts'

let line: Line
const said: string[] = []
const log = pino({ level: 'warn' }, { write: (text: string) => void said.push(text) })

beforeAll(async () => {
  line = await startLine()
})
afterAll(() => line.close())

/** As if every waiting request had been written `minutes` ago. */
async function makeOlder(environment: Environment, minutes: number): Promise<void> {
  await line.store.db
    .updateTable('rotation_requests')
    .set({ created_at: new Date(Date.now() - minutes * 60_000) } as never)
    .where('environment_id', '=', environment.id)
    .execute()
}

test('a request without a worker waits for one', async () => {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  const { eventId } = await request(line.on, asked(environment))
  expect(await findEvent(line.store.db, eventId)).toBeUndefined()
  await line.withWorker(() => wait(line.on, eventId, AbortSignal.timeout(30_000)))
  expect(await findEvent(line.store.db, eventId)).toMatchObject({ outcome: 'succeeded' })
})

test('a request whose workflow is gone is served by the reconciler; one that is too old expires', async () => {
  const [served, expired] = [
    await line.environment(rotatedDefinition(await line.target())),
    await line.environment(rotatedDefinition(await line.target())),
  ]
  const events: string[] = []
  for (const environment of [served, expired]) {
    events.push((await request(line.on, asked(environment))).eventId)
    await line.on.client.workflow.getHandle(rotationWorkflowId(environment.id)).terminate('a test')
  }
  await makeOlder(served, 2)
  await makeOlder(expired, 20)
  await line.withWorker(async () => {
    await reconcile({ ...line.on, log, requestExpiry: 15 * 60_000 })
    await wait(line.on, events[0]!, AbortSignal.timeout(30_000))
    expect(await findEvent(line.store.db, events[0]!)).toMatchObject({ outcome: 'succeeded' })
    await expect(wait(line.on, events[1]!, AbortSignal.timeout(30_000))).rejects.toMatchObject({
      name: 'Refusal',
      kind: 'unavailable',
    })
    expect(await findEvent(line.store.db, events[1]!)).toBeUndefined()
  })
  // By the id that its asker was told.
  expect(said.map((text) => JSON.parse(text) as object)).toContainEqual(
    expect.objectContaining({ eventId: events[1], environmentId: expired.id }),
  )
})

/** A due time for which a plan had written its request, twenty minutes ago, before everything went away. */
async function waitingTick(): Promise<{ environment: Environment; schedule: Schedule; eventId: string }> {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  const schedule = await createSchedule(line.store.db, {
    environmentId: environment.id,
    cron: '* * * * *',
    owner: 'ada',
  })
  const dueAt = new Date(Date.now() - 20 * 60_000)
  await line.store.db
    .updateTable('schedules')
    .set({ effective_at: new Date(dueAt.getTime() - 1) })
    .where('id', '=', schedule.id)
    .execute()
  const { eventId } = await insertRequest(line.store.db, {
    ...asked(environment),
    trigger: 'schedule',
    requestKey: scheduleKey(schedule.id, dueAt),
    schedule: { id: schedule.id, version: 1, dueAt },
  })
  await makeOlder(environment, 20)
  return { environment, schedule, eventId }
}

test('a due time whose request waited through an outage runs all the same; nobody asks for it again', async () => {
  const { eventId } = await waitingTick()
  await line.withWorker(async () => {
    await reconcile({ ...line.on, log, requestExpiry: 15 * 60_000 })
    await wait(line.on, eventId, AbortSignal.timeout(30_000))
  })
  expect(await findEvent(line.store.db, eventId)).toMatchObject({ outcome: 'succeeded', trigger: 'schedule' })
})

test('not, when its schedule was removed in the meantime', async () => {
  const { environment, schedule, eventId } = await waitingTick()
  await deleteSchedule(line.store.db, schedule.id)
  await line.withWorker(async () => {
    await reconcile({ ...line.on, log, requestExpiry: 0 })
    await expect(wait(line.on, eventId, AbortSignal.timeout(30_000))).rejects.toMatchObject({
      name: 'Refusal',
    })
  })
  expect(await listEvents(line.store.db, environment.id)).toEqual([])
})

test('a request that joined one which expires is served, and both hear of it', async () => {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  const first = await request(line.on, asked(environment))
  await makeOlder(environment, 20)
  const second = await request(line.on, asked(environment))
  expect(second.eventId).toBe(first.eventId)
  await reconcile({ ...line.on, log, requestExpiry: 15 * 60_000 })
  expect(await line.requests(environment)).toEqual(['expired', 'waiting'])
  await line.withWorker(() => wait(line.on, first.eventId, AbortSignal.timeout(30_000)))
  expect(await findEvent(line.store.db, first.eventId)).toMatchObject({ outcome: 'succeeded' })
})

test('a request of an environment that is deleted before it began ends in words', async () => {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  const { eventId } = await request(line.on, asked(environment))
  await deleteEnvironment(line.services, { environment, login: 'ada' })
  await line.withWorker(async () => {
    await expect(wait(line.on, eventId, AbortSignal.timeout(30_000))).rejects.toMatchObject({
      name: 'Refusal',
      message: 'the environment was deleted',
    })
  })
  expect(await findByEvent(line.store.db, eventId)).toMatchObject({ status: 'expired' })
})

test('a worker whose clock is an hour fast runs nothing before it is due', async () => {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  await createSchedule(line.store.db, { environmentId: environment.id, cron: '0 * * * *', owner: 'ada' })
  const hourAhead = Date.now() + 3_600_000
  vi.useFakeTimers({ now: hourAhead, toFake: ['Date'] })
  try {
    await reconcile({ ...line.on, log, requestExpiry: 0 })
  } finally {
    vi.useRealTimers()
  }
  await line.withWorker(() => sleep(2_000))
  expect(await line.requests(environment)).toEqual([])
})
