/** Ticks of a schedule: due or not, twice at once, late, and once for real. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteSchedule as deleteProjection, syncSchedule } from '../../client/schedules.ts'
import type { RotateEnvironmentResult } from '../../workflows/messages.ts'
import { reconcile } from '../../worker/reconcile.ts'
import type { Environment } from '../../store/environments.ts'
import { listEvents } from '../../store/events.ts'
import { takeGrant, giveGrant } from '../../store/grants.ts'
import { Registry } from '../../telemetry/registry.ts'
import { registerRotationMetrics } from '../../telemetry/rotation-metrics.ts'
import { NO_TRACING } from '../../telemetry/tracing.ts'
import { overdueSchedules, scheduleRequests } from '../../store/due-times.ts'
import { createSchedule, deleteSchedule, updateSchedule, type Schedule } from '../../store/schedules.ts'
import { gate, rotatedDefinition, startLine, type Line } from '../support/line.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'

let line: Line
const targets: TargetDatabase[] = []
const MINUTE = 60_000

beforeAll(async () => {
  line = await startLine()
})
afterAll(async () => {
  await line.close()
  for (const target of targets) await target.drop()
})

/** A schedule made `minutes` ago, so that due times since then are its business. */
async function scheduled(
  minutes: number,
  options: { cron?: string; once?: Date; owner?: string; paused?: boolean } = {},
): Promise<{ environment: Environment; schedule: Schedule }> {
  const target = await targetDatabase()
  targets.push(target)
  const environment = await line.environment(rotatedDefinition(target))
  const schedule = await createSchedule(line.store.db, {
    environmentId: environment.id,
    ...(options.once ? { once: options.once } : { cron: options.cron ?? '* * * * *' }),
    owner: options.owner ?? 'ada',
    paused: options.paused ?? false,
  })
  const effective = new Date(Date.now() - minutes * MINUTE)
  await line.store.db
    .updateTable('schedules')
    .set({ effective_at: effective })
    .where('id', '=', schedule.id)
    .execute()
  return { environment, schedule: { ...schedule, effectiveAt: effective } }
}

/** A full minute, `ago` minutes before the present one. */
function minute(ago: number): Date {
  return new Date(Math.floor(Date.now() / MINUTE) * MINUTE - ago * MINUTE)
}

async function tick(
  environment: Environment,
  schedule: Schedule,
  dueAt: Date,
): Promise<RotateEnvironmentResult> {
  return (await line.on.client.workflow.execute('rotateEnvironment', {
    workflowId: `rotate/${environment.id}-${randomUUID()}`,
    taskQueue: line.on.taskQueue,
    args: [{ environmentId: environment.id, scheduleId: schedule.id, dueAt: dueAt.toISOString() }],
  })) as RotateEnvironmentResult
}

test('two ticks for one due time, at once and again later, are one event', async () => {
  await line.withWorker(async () => {
    const { environment, schedule } = await scheduled(10)
    const due = minute(1)
    const results = await Promise.all([1, 2, 3].map(() => tick(environment, schedule, due)))
    results.push(await tick(environment, schedule, due))
    expect(results.flatMap(({ events }) => events)).toHaveLength(1)
    const events = await listEvents(line.store.db, environment.id)
    expect(events).toMatchObject([{ trigger: 'schedule', outcome: 'succeeded', dueAt: due, login: 'ada' }])
  })
})

test.each([
  ['a moment that is not due', '0 0 1 1 *', {}],
  ['a paused schedule', '* * * * *', { paused: true }],
])('%s begins nothing', async (_, cron, options) => {
  await line.withWorker(async () => {
    const { environment, schedule } = await scheduled(10, { cron, ...options })
    expect(await tick(environment, schedule, minute(1))).toEqual({ ended: 'not due', events: [] })
    expect(await listEvents(line.store.db, environment.id)).toEqual([])
  })
})

test('a due time before the schedule was made, or of one that was removed, begins nothing', async () => {
  await line.withWorker(async () => {
    const { environment, schedule } = await scheduled(2)
    expect((await tick(environment, schedule, minute(5))).ended).toBe('not due')
    await deleteSchedule(line.store.db, schedule.id)
    expect((await tick(environment, schedule, minute(1))).ended).toBe('not due')
    expect(await listEvents(line.store.db, environment.id)).toEqual([])
  })
})

test.each([
  [
    'paused',
    async (id: string) => {
      await updateSchedule(line.store.db, id, { paused: true })
    },
  ],
  ['removed', (id: string) => deleteSchedule(line.store.db, id)],
])('a schedule that is %s while its run is being planned begins nothing', async (_, change) => {
  const { environment, schedule } = await scheduled(10)
  const { services, reached, open } = gate(line.activityServices, 'plan: drafted')
  await line.withWorker(async () => {
    const ticked = tick(environment, schedule, minute(1))
    await reached
    await change(schedule.id)
    open()
    expect((await ticked).events).toEqual([])
  }, services)
  expect(await listEvents(line.store.db, environment.id)).toEqual([])
})

test('a path that was rotated a moment ago is skipped by a tick, and rotated by it when it is old enough', async () => {
  const target = await targetDatabase()
  targets.push(target)
  const strict = await startLine({ minRotationAge: 2_000 })
  try {
    await strict.withWorker(async () => {
      const environment = await strict.environment(rotatedDefinition(target))
      const schedule = await createSchedule(strict.store.db, {
        environmentId: environment.id,
        cron: '* * * * *',
        owner: 'ada',
      })
      await strict.store.db
        .updateTable('schedules')
        .set({ effective_at: minute(10) })
        .execute()
      await strict.rotate(environment)
      const tickAt = (dueAt: Date) =>
        strict.on.client.workflow.execute('rotateEnvironment', {
          workflowId: `rotate/${environment.id}-${randomUUID()}`,
          taskQueue: strict.on.taskQueue,
          args: [{ environmentId: environment.id, scheduleId: schedule.id, dueAt: dueAt.toISOString() }],
        })
      expect(await tickAt(minute(2))).toMatchObject({
        events: [{ outcome: 'succeeded', revision: null, rotations: [{ outcome: 'skipped' }] }],
      })
      await sleep(2_000)
      expect(await tickAt(minute(1))).toMatchObject({
        events: [{ revision: 4, rotations: [{ outcome: 'succeeded' }] }],
      })
    })
  } finally {
    await strict.close()
  }
})

test('an owner who lost the right makes the run fail visibly, and nothing is touched', async () => {
  await line.withWorker(async () => {
    const scope = { organization: 'acme' }
    await giveGrant(line.store.db, { scope, login: 'bob', level: 'write', grantedBy: 'ada' })
    const { environment, schedule } = await scheduled(10, { owner: 'bob' })
    await takeGrant(line.store.db, { scope, login: 'bob' })
    await tick(environment, schedule, minute(1))
    expect(await listEvents(line.store.db, environment.id)).toMatchObject([
      { outcome: 'failed', failureCode: 'PERMISSION_DENIED', rotations: [] },
    ])
  })
})

test('after an outage the newest due time runs once, and those before it are recorded as missed', async () => {
  const { environment, schedule } = await scheduled(5)
  const said: string[] = []
  const log = pino({ level: 'warn' }, { write: (text: string) => void said.push(text) })
  await line.withWorker(async () => {
    await reconcile({ ...line.on, log, requestExpiry: 15 * MINUTE })
    await reconcile({ ...line.on, log, requestExpiry: 15 * MINUTE })
    while (!(await listEvents(line.store.db, environment.id)).some(({ completedAt }) => completedAt))
      await sleep(100)
  })
  const runs = await scheduleRequests(line.store.db, schedule.id, 100)
  expect(runs.filter(({ status }) => status === 'served').length).toBeGreaterThanOrEqual(1)
  expect(runs.at(0)).toMatchObject({ status: 'served', outcome: 'succeeded' })
  expect(runs.filter(({ status }) => status === 'missed').length).toBeGreaterThanOrEqual(3)
  expect(said.map((text) => JSON.parse(text) as object)).toContainEqual(
    expect.objectContaining({ scheduleId: schedule.id, environmentId: environment.id }),
  )
})

test('what is due once runs once, also after an outage, and never again', async () => {
  const once = minute(30)
  const { environment, schedule } = await scheduled(60, { once })
  const log = pino({ level: 'silent' })
  const round = () => reconcile({ ...line.on, log, requestExpiry: 15 * MINUTE })
  const overdue = async () =>
    (await overdueSchedules(line.store.db)).filter(({ scheduleId }) => scheduleId === schedule.id)
  expect(await overdue()).toMatchObject([{ dueAt: once }])
  await line.withWorker(async () => {
    await Promise.all([round(), round(), tick(environment, schedule, once)])
    while (!(await listEvents(line.store.db, environment.id)).some(({ completedAt }) => completedAt))
      await sleep(100)
    await round()
    expect((await tick(environment, schedule, once)).events).toEqual([])
    expect((await tick(environment, schedule, minute(1))).ended).toBe('not due')
  })
  expect(await listEvents(line.store.db, environment.id)).toMatchObject([
    { trigger: 'schedule', outcome: 'succeeded', dueAt: once },
  ])
  expect(await scheduleRequests(line.store.db, schedule.id, 100)).toMatchObject([{ dueAt: once }])
  expect(await overdue()).toEqual([])
})

test('Temporal fires what is due once, and its lateness is measured', { timeout: 90_000 }, async () => {
  const registry = new Registry()
  const telemetry = { metrics: registerRotationMetrics(registry, ['postgres']), tracing: NO_TRACING }
  await line.withWorker(
    async () => {
      const once = new Date(Math.ceil(Date.now() / 1000) * 1000 + 7_000)
      const { environment, schedule } = await scheduled(0, { once })
      await syncSchedule(line.on.client, line.on.taskQueue, { ...schedule, environmentName: 'acme/app/once' })
      try {
        const until = Date.now() + 60_000
        while (!(await listEvents(line.store.db, environment.id))[0]?.completedAt && Date.now() < until)
          await sleep(250)
        const [event, ...others] = await listEvents(line.store.db, environment.id)
        expect(event).toMatchObject({ trigger: 'schedule', outcome: 'succeeded', dueAt: once })
        expect(others).toEqual([])
        const text = await registry.metrics()
        for (const [phase, at] of [
          ['begun', event!.createdAt],
          ['published', event!.completedAt!],
        ] as const) {
          const late = (at.getTime() - once.getTime()) / 1000
          expect(text).toContain(`rekey_schedule_lateness_seconds_count{phase="${phase}"} 1`)
          expect(text).toContain(`rekey_schedule_lateness_seconds_sum{phase="${phase}"} ${late}`)
          expect(late).toBeGreaterThan(0)
        }
      } finally {
        await deleteProjection(line.on.client, schedule.id)
      }
    },
    { ...line.activityServices, telemetry },
  )
})

test('Temporal fires it by itself', { timeout: 90_000 }, async () => {
  await line.withWorker(async () => {
    const { environment, schedule } = await scheduled(0)
    await syncSchedule(line.on.client, line.on.taskQueue, {
      ...schedule,
      environmentName: 'acme/app/ticking',
    })
    try {
      const until = Date.now() + 75_000
      while ((await listEvents(line.store.db, environment.id)).length === 0 && Date.now() < until)
        await sleep(250)
      const [event] = await listEvents(line.store.db, environment.id)
      expect(event).toMatchObject({ trigger: 'schedule', scheduleId: schedule.id })
      expect(event!.dueAt!.getTime() % MINUTE).toBe(0)
      expect(event!.createdAt.getTime() - event!.dueAt!.getTime()).toBeLessThan(15_000)
      expect(event!.workflowId).toMatch(new RegExp(`^rotate/${environment.id}-\\d{4}-`))
    } finally {
      await deleteProjection(line.on.client, schedule.id)
    }
  })
})
