/** What falls between the store and Temporal is taken up: workflows that are gone, requests nobody serves, cancellations. */
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { request, rotationWorkflowId, wait } from '../../client/rotations.ts'
import type { Environment } from '../../store/environments.ts'
import { findEvent, listEvents, openEvent } from '../../store/events.ts'
import { createSchedule } from '../../store/schedules.ts'
import { reconcile } from '../../worker/reconcile.ts'
import type { RotateEnvironmentResult } from '../../workflows/messages.ts'
import { gate, rotateCall, rotatedDefinition, startLine, type Line } from '../support/line.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'

let line: Line
const targets: TargetDatabase[] = []
const log = pino({ level: 'silent' })

beforeAll(async () => {
  line = await startLine()
})
afterAll(async () => {
  await line.close()
  for (const target of targets) await target.drop()
})

async function freshTarget(): Promise<TargetDatabase> {
  const target = await targetDatabase()
  targets.push(target)
  return target
}

const asked = (environment: Environment) => ({
  environmentId: environment.id,
  login: 'ada',
  trigger: 'manual' as const,
  paths: null,
  force: false,
  requestKey: null,
})

/** As if every waiting request had been written `minutes` ago. */
async function makeOlder(environment: Environment, minutes: number): Promise<void> {
  await line.store.db
    .updateTable('rotation_requests')
    .set({ created_at: new Date(Date.now() - minutes * 60_000) } as never)
    .where('environment_id', '=', environment.id)
    .execute()
}

test('an event whose workflow was terminated is taken up again and rotated once', async () => {
  const environment = await line.environment(rotatedDefinition(await freshTarget()))
  const { services, reached, open } = gate(line.activityServices, 'applied')
  await line.withWorker(async () => {
    const rotating = line.rotate(environment)
    await reached
    await line.on.client.workflow.getHandle(rotationWorkflowId(environment.id)).terminate('a test')
    open()
    await reconcile({ ...line.on, log, requestExpiry: 0 })
    expect(await rotating).toMatchObject({ outcome: 'succeeded', postRevision: 3 })
    expect(await listEvents(line.store.db, environment.id)).toHaveLength(1)
  }, services)
})

test('an event of a schedule run that Temporal has forgotten is taken up too', async () => {
  const environment = await line.environment(rotatedDefinition(await freshTarget()))
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

test('a request without a worker waits for one', async () => {
  const environment = await line.environment(rotatedDefinition(await freshTarget()))
  const { eventId } = await request(line.on, asked(environment))
  expect(await findEvent(line.store.db, eventId)).toBeUndefined()
  await line.withWorker(() => wait(line.on, eventId, AbortSignal.timeout(30_000)))
  expect(await findEvent(line.store.db, eventId)).toMatchObject({ outcome: 'succeeded' })
})

test('a request whose workflow is gone is served by the reconciler; one that is too old expires', async () => {
  const [served, expired] = [
    await line.environment(rotatedDefinition(await freshTarget())),
    await line.environment(rotatedDefinition(await freshTarget())),
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
})

test('cancelled: paths that have not begun are not begun, the others end and are committed', async () => {
  const [first, second] = [await freshTarget(), await freshTarget()]
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

test('the signal rotateNow acts with the rights of the owner of the schedule, and does nothing where there is none', async () => {
  const environment = await line.environment(rotatedDefinition(await freshTarget()))
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
