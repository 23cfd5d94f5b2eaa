/** What failed in a scheduled run is tried again later: until it works, until the tries are used up, or until somebody else decides. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { request, rotationWorkflowId } from '../../client/rotations.ts'
import { deleteEnvironment } from '../../environments/delete.ts'
import type { Environment } from '../../store/environments.ts'
import { findEvent, listEvents, type EventWithRotations } from '../../store/events.ts'
import { insertRequest } from '../../store/requests.ts'
import { nextRetries, waitingRetries, type NextRetry } from '../../store/retries.ts'
import { createSchedule, deleteSchedule, updateSchedule, type Schedule } from '../../store/schedules.ts'
import { reconcile } from '../../worker/reconcile.ts'
import { asked, rotateCall, startLine, type Line } from '../support/line.ts'
import { reachedAll, startHalting } from '../support/halting.ts'
import type { TargetDatabase } from '../support/servers.ts'
import { tcpProxy } from '../support/tcp-proxy.ts'

const AFTER = [300, 400, 500]
const MINUTE = 60_000
const log = pino({ level: 'silent' })
/** In the past: whoever runs it is late. */
const DUE = new Date(Math.floor(Date.now() / MINUTE) * MINUTE - MINUTE)

let line: Line

beforeAll(async () => {
  line = await startLine({ retryAfter: AFTER, targetBudget: 500 })
})
afterAll(() => line.close())

interface Failing {
  environment: Environment
  schedule: Schedule
  bad: TargetDatabase
  good: TargetDatabase
  text: string
}

/** An environment with two calls, of which one cannot be rotated until its target is mended. */
async function failing(options: { port?: number } = {}): Promise<Failing> {
  const [bad, good] = [await line.target(), await line.target()]
  if (options.port === undefined) await shut(bad)
  const text = `values:\n${rotateCall('bad', bad, options.port === undefined ? {} : { host: '127.0.0.1', port: options.port })}${rotateCall('good', good)}`
  const environment = await line.environment(text)
  const schedule = await createSchedule(line.store.db, {
    environmentId: environment.id,
    // Once: no other due time gets between.
    once: DUE,
    owner: 'ada',
  })
  await line.store.db
    .updateTable('schedules')
    .set({ effective_at: new Date(Date.now() - 10 * MINUTE) })
    .where('id', '=', schedule.id)
    .execute()
  return { environment, schedule, bad, good, text }
}

const shut = ({ admin, rotated }: TargetDatabase) => admin(`alter role ${rotated[0].username} nologin`)
const mend = ({ admin, rotated }: TargetDatabase) => admin(`alter role ${rotated[0].username} login`)

/** A scheduled run, whole. */
async function tick({ environment, schedule }: Failing): Promise<EventWithRotations> {
  await line.on.client.workflow.execute('rotateEnvironment', {
    workflowId: `rotate/${environment.id}-${randomUUID()}`,
    taskQueue: line.on.taskQueue,
    args: [
      {
        environmentId: environment.id,
        scheduleId: schedule.id,
        dueAt: DUE.toISOString(),
      },
    ],
  })
  const [event] = await listEvents(line.store.db, environment.id)
  return event!
}

async function round(): Promise<void> {
  await reconcile({ ...line.on, log, requestExpiry: 15 * MINUTE })
}

async function dueAt(event: { id: string }, due: Date): Promise<void> {
  await line.store.db
    .updateTable('rotation_retries')
    .set({ due_at: due })
    .where('failed_event_id', '=', event.id)
    .execute()
}

async function next(event: { id: string }): Promise<NextRetry | undefined> {
  return (await nextRetries(line.store.db, [event.id])).get(event.id)
}

/** The event of the next try, once it has ended. */
async function retried(event: { id: string }): Promise<EventWithRotations> {
  const { dueAt } = (await next(event))!
  await sleep(Math.max(0, dueAt.getTime() - Date.now() + 50))
  await round()
  return await endOfRetry(event)
}

async function endOfRetry(event: { id: string }): Promise<EventWithRotations> {
  const retryEventId = (await next(event))?.retryEventId
  expect(retryEventId).toEqual(expect.any(String))
  await expect
    .poll(async () => (await findEvent(line.store.db, retryEventId!))?.completedAt, { timeout: 90_000 })
    .toBeInstanceOf(Date)
  return (await findEvent(line.store.db, retryEventId!))!
}

const outcomes = ({ rotations }: EventWithRotations) =>
  rotations.map(({ path, outcome, failureCode }) => [path, outcome, failureCode])

test('the first try succeeds when the target is back, and rotates what failed alone', async () => {
  const proxy = await tcpProxy('127.0.0.1', (await line.target()).port)
  try {
    await line.withWorker(async () => {
      const it = await failing({ port: proxy.port })
      const event = await tick(it)
      expect(outcomes(event)).toEqual([
        ['bad', 'failed', 'TARGET_UNREACHABLE'],
        ['good', 'succeeded', null],
      ])
      expect(await next(event)).toMatchObject({ number: 1, status: 'waiting', paths: ['bad'] })
      await dueAt(event, new Date(Date.now() + MINUTE))
      await round()
      expect(await next(event)).toMatchObject({ status: 'waiting' })
      await dueAt(event, new Date())
      const before = await line.state(it.environment, 'good')
      await proxy.open()
      const retry = await retried(event)
      expect(retry).toMatchObject({
        trigger: 'retry',
        login: 'ada',
        outcome: 'succeeded',
        subject: { event: event.id, retry: 1 },
        workflowId: rotationWorkflowId(it.environment.id),
      })
      expect(outcomes(retry)).toEqual([['bad', 'succeeded', null]])
      expect(await next(event)).toMatchObject({ status: 'begun', retryEventId: retry.id })
      expect(await next(retry)).toBeUndefined()
      expect(await line.state(it.environment, 'good')).toEqual(before)
      expect(await it.bad.canLogIn((await line.state(it.environment, 'bad')).current!)).toBe(true)
      await expect
        .poll(async () => {
          const run = await line.on.client.workflow
            .getHandle(rotationWorkflowId(it.environment.id))
            .describe()
          return run.status.name
        })
        .toBe('COMPLETED')
    })
  } finally {
    await proxy.shut()
  }
})

test('all three fail, and then it ends', async () => {
  await line.withWorker(async () => {
    const it = await failing()
    const event = await tick(it)
    let last = event
    for (const [index, delay] of AFTER.entries()) {
      const { dueAt, number } = (await next(last))!
      expect(number).toBe(index + 1)
      expect(dueAt.getTime() - last.completedAt!.getTime()).toBeGreaterThanOrEqual(delay - 1)
      expect(dueAt.getTime() - last.completedAt!.getTime()).toBeLessThan(delay + 200)
      last = await retried(last)
      expect(outcomes(last)).toEqual([['bad', 'failed', 'TARGET_NOT_FOUND']])
      expect(last.subject).toEqual({ event: event.id, retry: index + 1 })
    }
    expect(await next(last)).toBeUndefined()
    await round()
    expect(await listEvents(line.store.db, it.environment.id)).toHaveLength(4)
  })
})

type Ending = (it: Failing) => Promise<unknown>
test.each<[string, Ending, string]>([
  [
    'a newer request for the path',
    ({ environment }) => line.rotate(environment, { paths: ['bad'] }),
    'a newer request took its place',
  ],
  [
    'an edit of the definition',
    ({ environment, text }) => line.save(environment, `${text}  more: 1\n`),
    'the definition was edited',
  ],
  [
    'a pause of the schedule, also when it goes on again',
    async ({ schedule }) => {
      await updateSchedule(line.store.db, schedule.id, { paused: true })
      await updateSchedule(line.store.db, schedule.id, { paused: false })
    },
    'its schedule was edited',
  ],
  [
    'a schedule that stays paused',
    ({ schedule }) => updateSchedule(line.store.db, schedule.id, { paused: true }),
    'its schedule was paused',
  ],
  [
    'the removal of the schedule',
    ({ schedule }) => deleteSchedule(line.store.db, schedule.id),
    'its schedule was removed',
  ],
  [
    'the deletion of the environment',
    ({ environment }) => deleteEnvironment(line.services, { environment, login: 'ada' }),
    'the environment was deleted',
  ],
])('%s ends it, before it is due', async (_, end, words) => {
  await line.withWorker(async () => {
    const it = await failing()
    const event = await tick(it)
    await end(it)
    await mend(it.bad)
    await reconcile({ ...line.on, log, requestExpiry: 0 })
    expect(await next(event)).toMatchObject({ status: 'ended', message: words, retryEventId: null })
    await sleep(AFTER[0]! + 100)
    await reconcile({ ...line.on, log, requestExpiry: 0 })
    const events = await listEvents(line.store.db, it.environment.id)
    expect(events.filter(({ trigger }) => trigger === 'retry')).toEqual([])
  })
})

test('a request for another path ends nothing', async () => {
  await line.withWorker(async () => {
    const it = await failing()
    const event = await tick(it)
    await line.rotate(it.environment, { paths: ['good'] })
    await mend(it.bad)
    expect(outcomes(await retried(event))).toEqual([['bad', 'succeeded', null]])
  })
})

test('what people decide about a rotation ends the tries of its path, and of no other; the sweeper ends none', async () => {
  const it = await failing()
  const event = await line.withWorker(() => tick(it))
  const [bad, good] = event.rotations
  const now = async () => (await waitingRetries(line.store.db)).find(({ eventId }) => eventId === event.id)!
  const decide = (rotation: string, trigger: 'manual' | 'sweep') =>
    insertRequest(line.store.db, {
      ...asked(it.environment),
      trigger,
      action: trigger === 'sweep' ? 'settle' : 'discard',
      subject: { rotation },
    })
  await decide(good!.id, 'manual')
  await decide(bad!.id, 'sweep')
  expect(await now()).toMatchObject({ paths: ['bad'], ended: null })
  await decide(bad!.id, 'manual')
  expect(await now()).toMatchObject({ paths: [], ended: 'a newer request took its place' })
})

test('what needs a person first is not tried again', async () => {
  await line.withWorker(async () => {
    const it = await failing()
    await mend(it.bad)
    await line.rotate(it.environment)
    const { current } = await line.state(it.environment, 'bad')
    await it.bad.admin(`alter role ${current!.username} password 'changed by hand'`)
    const event = await tick(it)
    expect(outcomes(event)).toEqual([
      ['bad', 'failed', 'TARGET_CHANGED'],
      ['good', 'succeeded', null],
    ])
    expect(await next(event)).toBeUndefined()
  })
})

test('what people ask for is not tried again by itself', async () => {
  await line.withWorker(async () => {
    const it = await failing()
    const event = await line.rotate(it.environment)
    expect(event.outcome).toBe('failed')
    expect(await next(event)).toBeUndefined()
  })
})

test('three reconcilers at once begin it once', async () => {
  await line.withWorker(async () => {
    const it = await failing()
    const event = await tick(it)
    await mend(it.bad)
    await sleep(AFTER[0]! + 100)
    await Promise.all([round(), round(), round()])
    expect(await endOfRetry(event)).toMatchObject({ outcome: 'succeeded' })
    await round()
    const retries = (await listEvents(line.store.db, it.environment.id)).filter(
      ({ trigger }) => trigger === 'retry',
    )
    expect(retries).toHaveLength(1)
    const requests = await line.store.db
      .selectFrom('rotation_requests')
      .select(['request_key', 'status'])
      .where('trigger', '=', 'retry')
      .where('environment_id', '=', it.environment.id)
      .execute()
    expect(requests).toEqual([{ request_key: `retry/${event.id}/1`, status: 'served' }])
  })
})

test('without a worker it waits, longer than requests of people may, and is begun once when there is one', async () => {
  const it = await failing()
  const event = await line.withWorker(() => tick(it))
  await mend(it.bad)
  await sleep(AFTER[0]! + 100)
  await round()
  expect(await next(event)).toMatchObject({ status: 'begun' })
  // Temporal has lost it as well, for hours.
  await line.on.client.workflow.getHandle(rotationWorkflowId(it.environment.id)).terminate('a test')
  await line.store.db
    .updateTable('rotation_requests')
    .set({ created_at: new Date(Date.now() + 1 - MINUTE) } as never)
    .where('environment_id', '=', it.environment.id)
    .where('trigger', '=', 'retry')
    .execute()
  await line.withWorker(async () => {
    await reconcile({ ...line.on, log, requestExpiry: 1 })
    expect(await endOfRetry(event)).toMatchObject({ outcome: 'succeeded', trigger: 'retry' })
  })
})

test('edited while its request waits for a worker: it expires in words and changes nothing', async () => {
  const it = await failing()
  const event = await line.withWorker(() => tick(it))
  await mend(it.bad)
  await sleep(AFTER[0]! + 100)
  await round()
  await line.save(it.environment, `${it.text}  more: 1\n`)
  await line.withWorker(async () => {
    await expect.poll(() => line.requests(it.environment), { timeout: 20_000 }).toContain('expired')
  })
  expect(await next(event)).toMatchObject({ status: 'ended', message: 'the definition was edited' })
  expect(await listEvents(line.store.db, it.environment.id)).toHaveLength(1)
})

test(
  'a worker that is killed in the midst of it: another one ends the same event, once',
  { timeout: 180_000 },
  async () => {
    const cases: (Failing & { event: EventWithRotations; point: string })[] = []
    await line.withWorker(async () => {
      for (const point of ['plan: drafted', 'apply: answered', 'commit: done']) {
        const it = await failing()
        cases.push({ ...it, event: await tick(it), point })
        await mend(it.bad)
      }
    })
    await sleep(AFTER[0]! + 100)
    const child = await startHalting(line, cases, 'SIGKILL')
    const exited = once(child, 'exit')
    const reached = reachedAll(child, cases.length)
    await round()
    await reached
    await exited
    await line.withWorker(async () => {
      for (const it of cases) {
        expect.soft(await endOfRetry(it.event), it.point).toMatchObject({ outcome: 'succeeded' })
        const { current } = await line.state(it.environment, 'bad')
        expect.soft(await it.bad.canLogIn(current!), it.point).toBe(true)
      }
    })
    for (const { environment, point } of cases) {
      const events = await listEvents(line.store.db, environment.id)
      expect
        .soft(
          events.map(({ trigger }) => trigger),
          point,
        )
        .toEqual(['retry', 'schedule'])
    }
  },
)

test('nobody can use up its key', async () => {
  await line.withWorker(async () => {
    const it = await failing()
    const event = await tick(it)
    await mend(it.bad)
    const key = `retry/${event.id}/1`
    // For another path, so that it does not end it.
    await request(line.on, { ...asked(it.environment), paths: ['good'], requestKey: key })
    expect(outcomes(await retried(event))).toEqual([['bad', 'succeeded', null]])
  })
})

test('two requests for the failed paths of one event rotate them once', async () => {
  const it = await failing()
  const event = await line.withWorker(() => tick(it))
  await mend(it.bad)
  const wanted = {
    ...asked(it.environment),
    paths: ['bad'],
    subject: { event: event.id },
  }
  const first = await insertRequest(line.store.db, { ...wanted, requestKey: 'client/a' })
  const second = await insertRequest(line.store.db, { ...wanted, requestKey: 'client/b' })
  expect(second.eventId).not.toBe(first.eventId)
  await line.withWorker(async () => {
    await request(line.on, { ...wanted, requestKey: 'c' })
    const statuses = async () => (await line.requests(it.environment)).filter((status) => status !== 'missed')
    await expect.poll(statuses, { timeout: 20_000 }).toEqual(['served', 'served', 'expired', 'expired'])
  })
  expect(await findEvent(line.store.db, first.eventId)).toMatchObject({ outcome: 'succeeded' })
})
