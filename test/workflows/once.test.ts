/** One request changes a path once: asked at two servers, without an answer, in two namespaces, under resets and restores of Temporal. */
import { randomUUID } from 'node:crypto'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { backup, DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { connectTemporal } from '../../client/connect.ts'
import { request, rotationWorkflowId, wait, type RotationsClient } from '../../client/rotations.ts'
import { startTemporal } from '../../embedded/temporal.ts'
import { connectDatabase } from '../../store/database.ts'
import type { Environment } from '../../store/environments.ts'
import { listEvents } from '../../store/events.ts'
import { listenForEvents } from '../../store/notifications.ts'
import { createSchedule } from '../../store/schedules.ts'
import { reconcile } from '../../worker/reconcile.ts'
import type { RotateEnvironmentResult } from '../../workflows/messages.ts'
import { asked, gate, rotatedDefinition, startLine, type Line } from '../support/line.ts'
import { uniqueName, type TargetDatabase } from '../support/servers.ts'

const log = pino({ level: 'silent' })
let line: Line
let target: TargetDatabase

beforeAll(async () => {
  line = await startLine()
})
afterAll(() => line.close())

async function environmentAt(at: Line = line): Promise<Environment> {
  target = await at.target()
  return await at.environment(rotatedDefinition(target))
}

/** What changes exactly when somebody changes a password. */
async function verifiers(): Promise<unknown> {
  const names = target.rotated.map(({ username }) => username)
  return await target.admin('select rolname, rolpassword from pg_authid where rolname = any($1) order by 1', [
    names,
  ])
}

/** Runs a workflow again from each place where it can be, by Temporal's own API. */
async function resetEverywhere(environment: Environment): Promise<number> {
  const { workflow, workflowService, options } = line.on.client
  const workflowId = rotationWorkflowId(environment.id)
  const { events } = await workflow.getHandle(workflowId).fetchHistory()
  const { runId } = await workflow.getHandle(workflowId).describe()
  const places = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes)
  for (const { eventId } of places) {
    const again = await workflowService.resetWorkflowExecution({
      namespace: options.namespace,
      workflowExecution: { workflowId, runId },
      reason: 'a test',
      workflowTaskFinishEventId: eventId!,
      requestId: randomUUID(),
    })
    await workflow.getHandle(workflowId, again.runId).result()
  }
  return places.length
}

test('a run that is reset, wherever in its history, does nothing again', async () => {
  const environment = await environmentAt()
  await line.withWorker(async () => {
    const event = await line.rotate(environment, { requestKey: 'once' })
    await line.on.client.workflow.getHandle(rotationWorkflowId(environment.id)).result()
    const before = await verifiers()
    expect(await resetEverywhere(environment)).toBeGreaterThan(1)
    expect(await line.rotate(environment, { requestKey: 'once' })).toMatchObject({ id: event.id })
    expect(await verifiers()).toEqual(before)
    expect((await line.newest(environment)).number).toBe(3)
    expect(await listEvents(line.store.db, environment.id)).toHaveLength(1)
  })
}, 90_000)

test('a run that is reset while a path rotates goes on where the row is; the attempt of before writes no more', async () => {
  const environment = await environmentAt()
  const { services, reached, open } = gate(line.activityServices, 'applied')
  await line.withWorker(async () => {
    const rotating = line.rotate(environment)
    await reached
    const { workflow, workflowService, options } = line.on.client
    const handle = workflow.getHandle(rotationWorkflowId(environment.id))
    const { runId } = await handle.describe()
    const { events } = await handle.fetchHistory()
    await workflowService.resetWorkflowExecution({
      namespace: options.namespace,
      workflowExecution: { workflowId: handle.workflowId, runId },
      reason: 'a test',
      workflowTaskFinishEventId: events!.find((event) => event.workflowTaskCompletedEventAttributes)!
        .eventId!,
      requestId: randomUUID(),
    })
    const before = await verifiers()
    open()
    expect(await rotating).toMatchObject({ outcome: 'succeeded', postRevision: 3 })
    await handle.result()
    expect(await verifiers()).toEqual(before)
    expect(await listEvents(line.store.db, environment.id)).toHaveLength(1)
  }, services)
}, 90_000)

test('a signal that a reset hands over again is the same request', async () => {
  const environment = await environmentAt()
  await createSchedule(line.store.db, { environmentId: environment.id, cron: '0 0 1 1 *', owner: 'ada' })
  const { services, reached, open } = gate(line.activityServices, 'applied')
  await line.withWorker(async () => {
    const first = line.rotate(environment)
    await reached
    const handle = line.on.client.workflow.getHandle(rotationWorkflowId(environment.id))
    await handle.signal('rotateNow')
    open()
    await first
    const { events } = (await handle.result()) as RotateEnvironmentResult
    expect(events.map(({ trigger }) => trigger)).toEqual(['manual', 'signal'])
    const before = await verifiers()
    await resetEverywhere(environment)
    expect(await listEvents(line.store.db, environment.id)).toHaveLength(2)
    expect(await verifiers()).toEqual(before)
  }, services)
}, 120_000)

test('a workflow that starts although nobody hears of it, asked for again: one event', async () => {
  const environment = await environmentAt()
  // Without a worker the update has no answer in time, and the workflow is there all the same.
  const first = await request(line.on, { ...asked(environment), requestKey: 'unanswered' })
  const started = await line.on.client.workflow.getHandle(rotationWorkflowId(environment.id)).describe()
  expect(started.status.name).toBe('RUNNING')
  const again = await request(line.on, { ...asked(environment), requestKey: 'unanswered' })
  expect(again).toEqual(first)
  await line.withWorker(async () => {
    expect(await line.rotate(environment, { requestKey: 'unanswered' })).toMatchObject({
      id: first.eventId,
      outcome: 'succeeded',
    })
    await line.on.client.workflow.getHandle(rotationWorkflowId(environment.id)).result()
  })
  expect((await line.newest(environment)).number).toBe(3)
  expect(await listEvents(line.store.db, environment.id)).toHaveLength(1)
}, 60_000)

test.each([
  ['with one key', 'both'],
  ['without a key', null],
])('two servers are asked at once, %s: one event, heard of at both', async (_, requestKey) => {
  const environment = await environmentAt()
  const db = connectDatabase(line.store.url)
  const listener = listenForEvents(line.store.url)
  const client = connectTemporal(line.temporal)
  const other: RotationsClient = { ...line.on, db, listener, client }
  try {
    await line.withWorker(async () => {
      const heard = await Promise.all(
        [line.on, other, line.on, other].map(async (server) => {
          const { eventId } = await request(server, { ...asked(environment), requestKey })
          await wait(server, eventId, AbortSignal.timeout(60_000))
          return eventId
        }),
      )
      expect(new Set(heard).size).toBe(1)
      expect((await line.newest(environment)).number).toBe(3)
    })
  } finally {
    await listener.close()
    await client.connection.close()
    await db.destroy()
  }
})

/** A line on the same store, with another Temporal. */
async function beside(temporal: Line['temporal']): Promise<Line> {
  return await startLine({}, { store: { ...line.store, close: () => Promise.resolve() }, temporal })
}

test('moved to another namespace while a path rotates: nothing is doubled, whatever the old one still does', async () => {
  const namespace = uniqueName('moved').replaceAll('_', '-')
  await line.on.client.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  })
  const moved = await beside({ ...line.temporal, namespace })
  // A namespace is not known everywhere at once.
  await vi.waitFor(
    () => moved.on.client.workflow.start('nothing', { workflowId: randomUUID(), taskQueue: 'nowhere' }),
    { timeout: 30_000, interval: 500 },
  )
  const environment = await environmentAt()
  const dueAt = new Date(Math.floor(Date.now() / 60_000) * 60_000).toISOString()
  const tick = async ({ on }: Line, scheduleId: string) =>
    (await on.client.workflow.execute('rotateEnvironment', {
      workflowId: `rotate/${environment.id}-${randomUUID()}`,
      taskQueue: on.taskQueue,
      args: [{ environmentId: environment.id, scheduleId, dueAt }],
    })) as RotateEnvironmentResult

  const { services, reached, open } = gate(line.activityServices, 'applied')
  try {
    await line.withWorker(async () => {
      const asking = line.rotate(environment, { requestKey: 'before' })
      await reached
      const before = await verifiers()
      await moved.withWorker(async () => {
        await reconcile({ ...moved.on, log, requestExpiry: 0 })
        const event = await moved.rotate(environment, { requestKey: 'before' })
        expect(event).toMatchObject({ outcome: 'succeeded', postRevision: 3 })
        expect(await verifiers()).toEqual(before)
        // The old worker wakes up after that.
        open()
        expect(await asking).toMatchObject({ id: event.id, postRevision: 3 })
        const old = line.on.client.workflow.getHandle(rotationWorkflowId(environment.id))
        expect(await old.result()).toMatchObject({ events: [{ event: event.id, revision: 3 }] })
        expect(await verifiers()).toEqual(before)
        // One due time, fired by the schedules of both.
        const schedule = await createSchedule(line.store.db, {
          environmentId: environment.id,
          cron: '* * * * *',
          owner: 'ada',
        })
        const effective = new Date(Date.now() - 120_000)
        await line.store.db
          .updateTable('schedules')
          .set({ effective_at: effective })
          .where('id', '=', schedule.id)
          .execute()
        const ticks = await Promise.all([tick(line, schedule.id), tick(moved, schedule.id)])
        expect(ticks.flatMap(({ events }) => events)).toHaveLength(1)
        expect((await line.newest(environment)).number).toBe(4)
        expect(await listEvents(line.store.db, environment.id)).toHaveLength(2)
      })
    }, services)
  } finally {
    await moved.close()
  }
}, 150_000)

test('a Temporal that was put back from a copy finds everything done, and what is asked again is known', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-once-'))
  const [databaseFile, copy] = [join(folder, 'temporal.db'), join(folder, 'copy.db')]
  let server = await startTemporal({ databaseFile, uiPort: false })
  const port = Number(server.address.split(':')[1])
  const older = await beside({ address: server.address, namespace: 'default', taskQueue: 'older' })
  try {
    const environment = await environmentAt(older)
    const { services, reached, open } = gate(older.activityServices, 'applied')
    const done = await older.withWorker(async () => {
      const rotating = older.rotate(environment, { requestKey: 'first' })
      await reached
      const database = new DatabaseSync(databaseFile, { readOnly: true })
      await backup(database, copy)
      database.close()
      open()
      const first = await rotating
      return [first, await older.rotate(environment, { requestKey: 'second' })]
    }, services)
    expect(done).toMatchObject([{ postRevision: 3 }, { postRevision: 4 }])
    const before = await verifiers()

    await server.stop()
    for (const suffix of ['-wal', '-shm']) await rm(databaseFile + suffix, { force: true })
    await copyFile(copy, databaseFile)
    server = await startTemporal({ databaseFile, uiPort: false, port })
    const handle = older.on.client.workflow.getHandle(rotationWorkflowId(environment.id))
    expect((await handle.describe()).status.name).toBe('RUNNING')
    await older.withWorker(async () => {
      // It has the activity running that has ended long ago.
      expect(await handle.result()).toMatchObject({
        ended: 'done',
        events: [{ event: done[0]!.id, revision: 3 }],
      })
      for (const [index, requestKey] of ['first', 'second'].entries())
        expect(await older.rotate(environment, { requestKey })).toMatchObject({ id: done[index]!.id })
    })
    expect(await verifiers()).toEqual(before)
    expect((await older.newest(environment)).number).toBe(4)
    expect(await listEvents(older.store.db, environment.id)).toHaveLength(2)
  } finally {
    await older.close()
    await server.stop()
    await rm(folder, { recursive: true })
  }
}, 150_000)
