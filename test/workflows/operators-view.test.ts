/** What operators find in Temporal after a rotation, and that nothing they find there may hold one up. Real Temporal throughout. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { request, wait } from '../../client/rotations.ts'
import { deleteSchedule, syncSchedule, temporalScheduleId } from '../../client/schedules.ts'
import { registerSearchAttributes } from '../../client/search-attributes.ts'
import { NativeConnection, Worker } from '@temporalio/worker'
import { createActivities } from '../../activities/index.ts'
import { connectTemporal } from '../../client/connect.ts'
import { childEnvironment, loadConfig } from '../../config/index.ts'
import { freePort } from '../../embedded/free-port.ts'
import { giveGrant } from '../../store/grants.ts'
import type { Environment } from '../../store/environments.ts'
import { createSchedule } from '../../store/schedules.ts'
import { mendProjections } from '../../worker/projections.ts'
import { workerOptions } from '../../worker/options.ts'
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts'
import { grpcProxy } from '../support/grpc-proxy.ts'
import { asked, rotateCall, rotatedDefinition, startLine, type Line } from '../support/line.ts'
import { sharedBundle, uniqueName } from '../support/servers.ts'

const COMMAND_LINE = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const NAMES = SEARCH_ATTRIBUTES.map(({ name }) => name)

let line: Line
let searchable: Line['activityServices']

beforeAll(async () => {
  line = await startLine()
  expect((await registerSearchAttributes(line.on.client)).missing).toEqual({})
  searchable = { ...line.activityServices, searchAttributes: () => NAMES }
})
afterAll(() => line.close())

const nameOf = ({ organization, project, name }: Environment) => `${organization}/${project}/${name}`
const handleOf = ({ id }: Environment) => line.on.client.workflow.getHandle(`rotate/${id}`)
const found = async (query: string) => {
  const ids: string[] = []
  for await (const { workflowId } of line.on.client.workflow.list({ query })) ids.push(workflowId)
  return ids
}
/** What the UI asks for when somebody looks at a run. */
const currentDetails = async (environment: Environment) =>
  ((await handleOf(environment).query('__temporal_workflow_metadata')) as { currentDetails?: string })
    .currentDetails

describe('a rotation', () => {
  test('that succeeded is found by environment, outcome, revision and rotator', async () => {
    const target = await line.target()
    await line.withWorker(async () => {
      const environment = await line.environment(rotatedDefinition(target))
      const event = await line.rotate(environment)
      expect(event.outcome).toBe('succeeded')
      await handleOf(environment).result()
      const name = nameOf(environment)
      for (const more of [
        `RekeyTrigger = "manual"`,
        `RekeyOutcome = "succeeded"`,
        `RekeyRevision = ${event.postRevision}`,
        `RekeyRotator = "postgres"`,
        `RekeyFailureCode IS NULL`,
      ]) {
        await expect
          .poll(() => found(`RekeyEnvironment = "${name}" AND ${more}`), { timeout: 10_000 })
          .toEqual([`rotate/${environment.id}`])
      }
      expect(await found(`RekeyEnvironment = "${name}" AND RekeyOutcome = "failed"`)).toEqual([])
      expect(await currentDetails(environment)).toBe(
        `1 of 1 done, published as revision ${event.postRevision}\n\n\`${name}\` · manual · event \`${event.id}\``,
      )
      const description = await handleOf(environment).describe()
      expect(await description.staticSummary()).toBe(`${name} · manual`)
      expect(await description.staticDetails()).toContain(`rekey env history ${name}`)
      expect(description.memo).toEqual({ environment: name, environmentId: environment.id })
      // All of it was said in the tasks that were there anyway: plan, the path, the end.
      const { events } = await handleOf(environment).fetchHistory()
      expect(events?.filter((one) => one.workflowTaskFailedEventAttributes)).toEqual([])
      expect(events?.filter((one) => one.upsertWorkflowSearchAttributesEventAttributes)).toHaveLength(2)
    }, searchable)
  })

  test('that partly failed completes, and is found by its outcome and codes; its words stay in the store', async () => {
    const [good, broken] = [await line.target(), await line.target()]
    const wrong = { ...broken.managing, password: 'not-the-password' }
    const text = `values:\n${rotateCall('good', good)}${rotateCall('broken', broken, { managing: wrong })}`
    await line.withWorker(async () => {
      const environment = await line.environment(text)
      const event = await line.rotate(environment)
      expect(await handleOf(environment).result()).toMatchObject({ ended: 'done' })
      expect(Object.keys((await handleOf(environment).result()).events[0]).sort()).toEqual([
        'event',
        'outcome',
        'revision',
        'rotations',
        'trigger',
      ])
      const query = `RekeyEnvironment = "${nameOf(environment)}" AND RekeyOutcome = "partly-failed"`
      await expect
        .poll(() => found(`${query} AND RekeyFailureCode = "LOGIN_FAILED"`), { timeout: 10_000 })
        .toEqual([`rotate/${environment.id}`])
      expect(await found(`${query} AND ExecutionStatus = "Completed"`)).toHaveLength(1)
      const details = await currentDetails(environment)
      expect(details).toContain('2 of 2 done, 1 failed, published as revision 3')
      expect(details).toContain('- `broken`: failed, `LOGIN_FAILED`')
      const words = event.rotations.find(({ path }) => path === 'broken')!.message!
      const history = JSON.stringify((await handleOf(environment).fetchHistory()).events)
      for (const secret of [words, broken.managing.username, 'not-the-password'])
        expect(`${details}${history}`).not.toContain(secret)
    }, searchable)
  })

  test('that is under way says how far it is', async () => {
    const [first, second] = [await line.target(), await line.target()]
    const opened = Promise.withResolvers<void>()
    let sending = 0
    const at = async (point: string) => {
      if (point === 'apply: about to send' && ++sending === 2) await opened.promise
    }
    const environment = await line.environment(
      `values:\n${rotateCall('first', first)}${rotateCall('second', second)}`,
    )
    await line.withWorker(
      async () => {
        const oneByOne = { ...line.on, limits: { ...line.on.limits, concurrency: 1 } }
        const { eventId } = await request(oneByOne, asked(environment))
        try {
          await expect
            .poll(() => currentDetails(environment), { timeout: 15_000 })
            .toMatch(/^1 of 2 done\n\n/)
          const query = `RekeyEnvironment = "${nameOf(environment)}" AND ExecutionStatus = "Running"`
          await expect.poll(() => found(query), { timeout: 10_000 }).toHaveLength(1)
        } finally {
          opened.resolve()
        }
        await wait(line.on, eventId, AbortSignal.timeout(20_000))
      },
      { ...searchable, at },
    )
  })

  test('of a path with a very long name is named as far as Temporal allows', async () => {
    const target = await line.target()
    const key = 'ключ'.repeat(120)
    await line.withWorker(async () => {
      const environment = await line.environment(`values:\n${rotateCall(key, target)}`)
      expect((await line.rotate(environment)).outcome).toBe('succeeded')
      const { events } = await handleOf(environment).fetchHistory()
      const scheduled = events?.find((one) => one.activityTaskScheduledEventAttributes)
      const summary = Buffer.from(scheduled!.userMetadata!.summary!.data!)
      expect(summary.length).toBeGreaterThan(200)
      expect(summary.length).toBeLessThan(300)
      expect(summary.toString()).toMatch(/ключ.*[ключ]…"$/)
    }, searchable)
  })

  test('that was refused before it began is found as well', async () => {
    const target = await line.target()
    await line.withWorker(async () => {
      const environment = await line.environment(rotatedDefinition(target))
      await giveGrant(line.store.db, {
        scope: { organization: 'acme', project: 'app', environmentId: environment.id },
        login: 'bob',
        level: 'read',
        grantedBy: 'ada',
      })
      const event = await line.rotate(environment, { login: 'bob' })
      expect(event).toMatchObject({ outcome: 'failed', failureCode: 'PERMISSION_DENIED' })
      const query = `RekeyEnvironment = "${nameOf(environment)}" AND RekeyFailureCode = "PERMISSION_DENIED"`
      await expect
        .poll(() => found(`${query} AND RekeyOutcome = "failed"`), { timeout: 10_000 })
        .toEqual([`rotate/${environment.id}`])
      expect(await currentDetails(environment)).toMatch(
        /^`.+` · manual · event `.+`\n\nrefused before it began/,
      )
    }, searchable)
  })
})

describe('nothing here holds a rotation up', () => {
  test('a name that Temporal does not know is left out after it has failed the task twice', async () => {
    const namespace = await namespaceWithout()
    const target = await line.target()
    const environment = await line.environment(rotatedDefinition(target))
    const services = { ...line.activityServices, searchAttributes: () => NAMES }
    const client = connectTemporal({ address: line.temporal.address, namespace })
    const connection = await NativeConnection.connect({ address: line.temporal.address })
    const { taskQueue } = line.temporal
    try {
      const worker = await Worker.create(
        workerOptions({
          connection,
          namespace,
          taskQueue,
          activities: createActivities(services),
          maxConcurrentRotations: 5,
          workflowBundle: await sharedBundle(),
        }),
      )
      await worker.runUntil(async () => {
        const { eventId } = await request({ ...line.on, client }, asked(environment))
        await wait(line.on, eventId, AbortSignal.timeout(60_000))
        const handle = client.workflow.getHandle(`rotate/${environment.id}`)
        expect(await handle.result()).toMatchObject({ events: [{ outcome: 'succeeded' }] })
        const { events } = await handle.fetchHistory()
        expect(events?.filter((one) => one.upsertWorkflowSearchAttributesEventAttributes)).toEqual([])
        expect(events?.some((one) => one.workflowTaskFailedEventAttributes)).toBe(true)
      })
    } finally {
      await connection.close()
      await client.connection.close()
    }
  }, 90_000)

  test('the worker of an account that may not register says so and rotates', async () => {
    const namespace = await namespaceWithout()
    const target = await line.target()
    const environment = await line.environment(rotatedDefinition(target))
    const proxy = await grpcProxy(line.temporal.address, (path) => path.endsWith('/AddSearchAttributes'))
    const client = connectTemporal({ address: proxy.address, namespace })
    const settings = loadConfig({
      REKEY_DATABASE_URL: line.store.url,
      REKEY_KEY_FILE: line.store.keyFile,
      REKEY_TEMPORAL_ADDRESS: proxy.address,
      REKEY_TEMPORAL_NAMESPACE: namespace,
      REKEY_TASK_QUEUE: line.temporal.taskQueue,
      REKEY_WORKER_LISTEN: `127.0.0.1:${await freePort()}`,
    })
    const worker = spawn(process.execPath, [COMMAND_LINE, 'worker'], { env: childEnvironment(settings) })
    const ended = once(worker, 'close')
    let log = ''
    worker.stdout.on('data', (chunk) => (log += String(chunk)))
    try {
      const { eventId } = await request({ ...line.on, client }, asked(environment))
      await wait(line.on, eventId, AbortSignal.timeout(75_000))
      const handle = client.workflow.getHandle(`rotate/${environment.id}`)
      expect(await handle.result()).toMatchObject({ events: [{ outcome: 'succeeded' }] })
      const { events } = await handle.fetchHistory()
      expect(events?.filter((one) => one.workflowTaskFailedEventAttributes)).toEqual([])
      expect(log.match(/"msg":"rotations cannot be searched for/g)).toHaveLength(1)
      expect(log).toContain('this account may not register search attributes')
    } finally {
      worker.kill('SIGTERM')
      await ended
      await client.connection.close()
      await proxy.close()
    }
  }, 120_000)
})

test('a schedule that somebody pauses in Temporal goes on, as its row says', async () => {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  const { client, taskQueue, db } = line.on
  const schedule = await createSchedule(db, {
    environmentId: environment.id,
    cron: '0 3 * * *',
    owner: 'ada',
  })
  await syncSchedule(client, taskQueue, { ...schedule, environmentName: nameOf(environment) })
  const handle = client.schedule.getHandle(temporalScheduleId(schedule.id))
  await handle.pause('by hand')
  const { log } = line.activityServices
  await expect
    .poll(
      async () => {
        await mendProjections({ client, db, taskQueue, log }, 0)
        return (await handle.describe()).state.paused
      },
      { timeout: 15_000 },
    )
    .toBe(false)
  await deleteSchedule(client, schedule.id)
})

/** A namespace in which nothing of ours is registered. */
async function namespaceWithout(): Promise<string> {
  const namespace = uniqueName('namespace')
  const { workflowService, connection } = line.on.client
  await workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  })
  await expect
    .poll(() => connection.operatorService.listSearchAttributes({ namespace }).then(() => true), {
      timeout: 20_000,
    })
    .toBe(true)
  return namespace
}
