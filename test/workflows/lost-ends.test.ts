/** What falls between the store and Temporal is taken up: workflows that are gone, requests nobody serves, cancellations. */
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { request, rotationWorkflowId, wait } from '../../client/rotations.ts'
import { lockEnvironment } from '../../store/environments.ts'
import { findEvent, listEvents, openEvent } from '../../store/events.ts'
import { createSchedule } from '../../store/schedules.ts'
import { reconcile } from '../../worker/reconcile.ts'
import type { RotateEnvironmentResult } from '../../workflows/messages.ts'
import { asked, gate, rotateCall, rotatedDefinition, startLine, type Line } from '../support/line.ts'

let line: Line
const said: string[] = []
const log = pino({ level: 'warn' }, { write: (text: string) => void said.push(text) })

beforeAll(async () => {
  line = await startLine()
})
afterAll(() => line.close())

test('an event whose workflow was terminated is taken up again and rotated once', async () => {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  const { services, reached, open } = gate(line.activityServices, 'applied')
  await line.withWorker(async () => {
    const rotating = line.rotate(environment)
    await reached
    await line.on.client.workflow.getHandle(rotationWorkflowId(environment.id)).terminate('a test')
    open()
    await reconcile({ ...line.on, log, requestExpiry: 0 })
    const { id: eventId } = await rotating
    expect(await rotating).toMatchObject({ outcome: 'succeeded', postRevision: 3 })
    expect(await listEvents(line.store.db, environment.id)).toHaveLength(1)
    expect(said.map((text) => JSON.parse(text) as object)).toContainEqual(
      expect.objectContaining({ eventId, environmentId: environment.id }),
    )
  }, services)
})

test('an event of a schedule run that Temporal has forgotten is taken up too', async () => {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  const { services, reached, open } = gate(line.activityServices, 'applied')
  await line.withWorker(async () => {
    const rotating = line.rotate(environment)
    await reached
    await line.on.client.workflow.getHandle(rotationWorkflowId(environment.id)).terminate('a test')
    await line.store.db
      .updateTable('rotation_events')
      .set({ workflow_id: `rotate/${environment.id}-2026-01-01T00:00:00Z` })
      .where('environment_id', '=', environment.id)
      .execute()
    open()
    await reconcile({ ...line.on, log, requestExpiry: 0 })
    expect(await rotating).toMatchObject({ outcome: 'succeeded', postRevision: 3 })
  }, services)
})

test('a store that hiccups while a call is planned fails nothing', async () => {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  let hiccups = 1
  const environments = {
    ...line.services,
    findRotator: (name: string) => {
      if (hiccups-- > 0) throw new Error('Connection terminated unexpectedly')
      return line.services.findRotator(name)
    },
  }
  const event = await line.withWorker(() => line.rotate(environment), {
    ...line.activityServices,
    environments,
  })
  expect(event.outcome).toBe('succeeded')
})

test('a process that was stopped inside a transaction does not keep its locks', async () => {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  const locked = Promise.withResolvers<void>()
  const woken = Promise.withResolvers<void>()
  const stopped = line.store.db.transaction().execute(async (transaction) => {
    await lockEnvironment(transaction, environment.id)
    locked.resolve()
    await woken.promise
    await lockEnvironment(transaction, environment.id)
  })
  await locked.promise
  expect((await line.withWorker(() => line.rotate(environment))).outcome).toBe('succeeded')
  woken.resolve()
  await expect(stopped).rejects.toThrow()
})

test('cancelled: paths that have not begun are not begun, the others end and are committed', async () => {
  const [first, second] = [await line.target(), await line.target()]
  const environment = await line.environment(`values:\n${rotateCall('a', first)}${rotateCall('b', second)}`)
  const narrow = { ...line.on, limits: { ...line.on.limits, concurrency: 1 } }
  const { services, reached, open } = gate(line.activityServices, 'applied')
  await line.withWorker(async () => {
    const { eventId } = await request(narrow, asked(environment))
    await reached
    const handle = line.on.client.workflow.getHandle(rotationWorkflowId(environment.id))
    await handle.cancel()
    await sleep(500)
    open()
    await wait(line.on, eventId, AbortSignal.timeout(30_000))
    expect(await findEvent(line.store.db, eventId)).toMatchObject({
      outcome: 'failed',
      postRevision: 3,
      rotations: [
        { path: 'a', outcome: 'succeeded' },
        { path: 'b', outcome: 'failed', failureCode: 'CANCELLED' },
      ],
    })
    await handle.result()
  }, services)
})

test('what is asked for after a cancellation is not cancelled with it', async () => {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  const { services, reached, open } = gate(line.activityServices, 'applied')
  await line.withWorker(async () => {
    const first = line.rotate(environment, { requestKey: 'first' })
    await reached
    await line.on.client.workflow.getHandle(rotationWorkflowId(environment.id)).cancel()
    const second = line.rotate(environment, { requestKey: 'second' })
    await vi.waitFor(async () => expect(await line.requests(environment)).toHaveLength(2))
    await sleep(500)
    open()
    expect((await first).outcome).toBe('succeeded')
    expect((await second).rotations).toMatchObject([{ outcome: 'succeeded' }])
  }, services)
})

test('the signal rotateNow acts with the rights of the owner of the schedule, and does nothing where there is none', async () => {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  const { workflow } = line.on.client
  const signal = async (): Promise<RotateEnvironmentResult> => {
    const handle = await workflow.signalWithStart('rotateEnvironment', {
      workflowId: rotationWorkflowId(environment.id),
      taskQueue: line.on.taskQueue,
      args: [{ environmentId: environment.id }],
      signal: 'rotateNow',
    })
    return (await handle.result()) as RotateEnvironmentResult
  }
  await line.withWorker(async () => {
    expect((await signal()).events).toEqual([])
    expect(await openEvent(line.store.db, environment.id)).toBeUndefined()
    await createSchedule(line.store.db, { environmentId: environment.id, cron: '0 0 1 1 *', owner: 'ada' })
    expect((await signal()).events).toMatchObject([
      {
        trigger: 'signal',
        outcome: 'succeeded',
        revision: 3,
        rotations: [{ path: 'db', outcome: 'succeeded' }],
      },
    ])
    const audited = await line.store.db
      .selectFrom('audit_log')
      .select(['action', 'actor'])
      .where('environment_id', '=', environment.id)
      .where('action', 'like', 'rotation.signal%')
      .orderBy('id')
      .execute()
    expect(audited).toEqual([
      { action: 'rotation.signal.refused', actor: 'system' },
      { action: 'rotation.signal', actor: 'ada' },
    ])
  })
})
