/** What failed, again; what is too young; what was left alone: the same on the API, in text and in JSON. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pathOutcomes, type RotationAnswer, type RotationEvent } from '../../cli/rotation.ts'
import { createSchedule } from '../../store/schedules.ts'
import { reconcile } from '../../worker/reconcile.ts'
import { startLineApi, type LineApi } from '../server/line-api.ts'
import { rotateCall } from '../support/line.ts'
import { uniqueName, type TargetDatabase } from '../support/servers.ts'
import { commandLine, type CommandLine } from './command-line.ts'

const MINUTE = 60_000
const DUE = new Date(Math.floor(Date.now() / MINUTE) * MINUTE - MINUTE)

let api: LineApi
let cli: CommandLine

beforeAll(async () => {
  api = await startLineApi({ minManualAge: MINUTE, minRotationAge: 30 * MINUTE })
  cli = await commandLine({ REKEY_URL: api.url, REKEY_TOKEN: api.token })
})
afterAll(async () => {
  await cli.close()
  await api.close()
})

const shut = ({ admin, rotated }: TargetDatabase) => admin(`alter role ${rotated[0].username} nologin`)
const mend = ({ admin, rotated }: TargetDatabase) => admin(`alter role ${rotated[0].username} login`)

/** Two calls, `bad` at a target that refuses. */
async function environment(): Promise<{ name: string; id: string; bad: TargetDatabase }> {
  const [bad, good] = [await api.line.target(), await api.line.target()]
  await shut(bad)
  const name = `app/${uniqueName('retry')}`
  const text = `values:\n${rotateCall('bad', bad)}${rotateCall('good', good)}`
  expect(await cli.run(['env', 'init', name, '-f', '-'], { input: text })).toMatchObject({ code: 0 })
  const row = await api.line.store.db
    .selectFrom('environments')
    .select('id')
    .where('name', '=', name.split('/')[1]!)
    .executeTakeFirstOrThrow()
  return { name, id: row.id, bad }
}

async function call(path: string, options: { body?: object; key?: string } = {}) {
  const answer = await fetch(`${api.url}/api/esc/environments/acme/${path}`, {
    ...(options.body && { method: 'POST', body: JSON.stringify(options.body) }),
    headers: {
      authorization: `token ${api.token}`,
      ...(options.key !== undefined && { 'idempotency-key': options.key }),
    },
  })
  return { status: answer.status, json: (await answer.json()) as RotationAnswer & { message?: string } }
}

async function history(name: string): Promise<RotationEvent[]> {
  return JSON.parse((await cli.run(['env', 'history', name, '--json'])).stdout) as RotationEvent[]
}

const outcomes = (event: RotationEvent) =>
  pathOutcomes(event).map(({ path, outcome, code }) => [path, outcome, code])

test(
  'env rotate --failed rotates what failed in the newest rotation, alone and once',
  { timeout: 120_000 },
  async () => {
    await api.line.withWorker(async () => {
      const { name, bad } = await environment()
      expect((await cli.run(['env', 'rotate', name, '--failed'])).stderr).toContain('nothing was rotated in')
      expect((await cli.run(['env', 'rotate', name])).code).toBe(2)
      const [first] = await history(name)
      await mend(bad)
      const ran = await cli.run(['env', 'rotate', name, '--failed', '--json'])
      expect(ran.code).toBe(0)
      const { secretRotationEvent: event } = JSON.parse(ran.stdout) as RotationAnswer
      expect(outcomes(event)).toEqual([['bad', 'succeeded', '']])
      expect(event).toMatchObject({ trigger: 'manual', retryOf: first!.id })
      expect(event).not.toHaveProperty('retry')
      const shown = await cli.run(['env', 'history', name, event.id])
      expect(shown.stdout).toContain(`It tried again what failed in ${first!.id}`)

      const again = await cli.run(['env', 'rotate', name, '--failed'])
      expect(again).toMatchObject({ code: 1, stdout: '' })
      expect(again.stderr).toContain(`no path of the rotation ${event.id} failed`)
      const taken = await cli.run(['env', 'rotate', name, '--failed', '--event', first!.id])
      expect(taken).toMatchObject({ code: 1, stdout: '' })
      expect(taken.stderr).toContain(`the rotation ${event.id} has taken up bad since`)
      for (const args of [
        ['bad', '--failed'],
        ['--event', first!.id],
      ])
        expect(await cli.run(['env', 'rotate', name, ...args])).toMatchObject({ code: 1, stdout: '' })
      expect(await history(name)).toHaveLength(2)
    })
  },
)

test(
  'failedOf in the API: bound to its event, the same for the same key, refused in words',
  { timeout: 120_000 },
  async () => {
    const { name, bad } = await environment()
    const begun = await call(`${name}/rotate?wait=false`, { body: {} })
    const failedOf = begun.json.id
    expect(await call(`${name}/rotate`, { body: { failedOf } })).toMatchObject({ status: 404 })
    await api.line.withWorker(async () => {
      await expect.poll(async () => (await history(name))[0]?.status, { timeout: 30_000 }).toBe('failed')
      await mend(bad)
      const body = { failedOf }
      const answer = await call(`${name}/rotate`, { body, key: 'again' })
      expect(answer).toMatchObject({ status: 200, json: { secretRotationEvent: { retryOf: failedOf } } })
      expect(outcomes(answer.json.secretRotationEvent)).toEqual([['bad', 'succeeded', '']])
      expect((await call(`${name}/rotate`, { body, key: 'again' })).json.id).toBe(answer.json.id)
      expect(await call(`${name}/rotate`, { body: {}, key: 'again' })).toMatchObject({ status: 422 })
      expect(await call(`${name}/rotate`, { body, key: 'anew' })).toMatchObject({ status: 409 })
      expect(await call(`${name}/rotate`, { body: { failedOf, paths: ['bad'] } })).toMatchObject({
        status: 400,
      })
      expect(await call(`${name}/rotate`, { body: { failedOf: randomUUID() } })).toMatchObject({
        status: 404,
      })
      const other = await environment()
      expect(await call(`${other.name}/rotate`, { body })).toMatchObject({ status: 404 })
      expect(await history(name)).toHaveLength(2)
    })
  },
)

test('a rotation that is under way has no failed paths yet', { timeout: 120_000 }, async () => {
  const { name, id } = await environment()
  const eventId = randomUUID()
  await api.line.store.db
    .insertInto('rotation_events')
    .values({
      id: eventId,
      environment_id: id,
      trigger: 'manual',
      login: 'ada',
      base_revision: 2,
      workflow_id: 'none',
      run_id: 'none',
    })
    .execute()
  const refused = await call(`${name}/rotate`, { body: { failedOf: eventId } })
  expect(refused).toMatchObject({ status: 409, json: { message: expect.stringContaining('is under way') } })
})

test(
  'too soon, forced, warned about, skipped: API, text and JSON say the same',
  { timeout: 120_000 },
  async () => {
    await api.line.withWorker(async () => {
      const { name, id } = await environment()
      expect((await cli.run(['env', 'rotate', name, 'good'])).code).toBe(0)
      const refused = await cli.run(['env', 'rotate', name, 'good'])
      expect(refused.code).toBe(2)
      expect(refused.stdout).toMatch(
        /^good {2}failed {3}TOO_SOON {2}it was rotated \d+ s ago; .*force overrides/m,
      )
      const direct = await call(`${name}/rotate`, { body: { paths: ['good'] } })
      expect(direct.json.secretRotationEvent).toMatchObject({
        status: 'failed',
        rotations: [
          {
            environmentPath: 'good',
            status: 'failed',
            errorCode: 'TOO_SOON',
            errorMessage: expect.stringContaining('ago'),
          },
        ],
      })
      const forced = await cli.run(['env', 'rotate', name, 'good', '--force', '--json'])
      expect(forced.code).toBe(0)
      expect(outcomes((JSON.parse(forced.stdout) as RotationAnswer).secretRotationEvent)).toEqual([
        ['good', 'succeeded', ''],
      ])

      await api.line.store.db
        .updateTable('rotations')
        .set({ settled_at: sql<Date>`now() - interval '2 minutes'` })
        .where('environment_id', '=', id)
        .where('path', '=', 'good')
        .execute()
      const warned = await cli.run(['env', 'rotate', name, 'good'])
      expect(warned.code).toBe(0)
      expect(warned.stderr).toMatch(/^warning: good: it was rotated 12\d s ago: whoever still holds/m)
      const [event] = await history(name)
      expect(event!.rotations).toMatchObject([
        { status: 'succeeded', warnings: [expect.stringContaining('cut off')] },
      ])

      const schedule = await createSchedule(api.line.store.db, {
        environmentId: id,
        once: DUE,
        owner: 'ada',
        path: 'good',
      })
      await api.line.store.db
        .updateTable('schedules')
        .set({ effective_at: new Date(Date.now() - 10 * MINUTE) })
        .where('id', '=', schedule.id)
        .execute()
      const dueAt = DUE.toISOString()
      await api.line.on.client.workflow.execute('rotateEnvironment', {
        workflowId: `rotate/${id}-${randomUUID()}`,
        taskQueue: api.line.on.taskQueue,
        args: [{ environmentId: id, scheduleId: schedule.id, dueAt }],
      })
      const [skipped] = await history(name)
      expect(skipped).toMatchObject({
        status: 'succeeded',
        rotations: [],
        skipped: [{ environmentPath: 'good', errorCode: 'TOO_SOON', reason: expect.stringContaining('ago') }],
      })
      expect(skipped).not.toHaveProperty('nextRetry')
      const whole = await cli.run(['env', 'history', name, skipped!.id])
      expect(whole.stdout).toMatch(/^good {2}skipped {2}TOO_SOON {2}it was rotated/m)
    })
  },
)

test(
  'what is tried again by itself is shown: when, why not, and as which rotation',
  { timeout: 120_000 },
  async () => {
    await api.line.withWorker(async () => {
      const { name, id } = await environment()
      const schedule = await createSchedule(api.line.store.db, {
        environmentId: id,
        once: DUE,
        owner: 'ada',
      })
      await api.line.store.db
        .updateTable('schedules')
        .set({ effective_at: new Date(Date.now() - 10 * MINUTE) })
        .where('id', '=', schedule.id)
        .execute()
      await api.line.on.client.workflow.execute('rotateEnvironment', {
        workflowId: `rotate/${id}-${randomUUID()}`,
        taskQueue: api.line.on.taskQueue,
        args: [
          {
            environmentId: id,
            scheduleId: schedule.id,
            dueAt: DUE.toISOString(),
          },
        ],
      })
      const [event] = await history(name)
      expect(event).toMatchObject({
        status: 'failed',
        nextRetry: { number: 1, paths: ['bad'], status: 'waiting', due: expect.any(String) },
      })
      const wait = Date.parse(event!.nextRetry!.due) - Date.parse(event!.completed!)
      expect(Math.round(wait / 1000)).toBe(600)
      expect((await cli.run(['env', 'history', name])).stdout).toMatch(/^bad: tried again at .+ \(try 1\)$/m)
      const one = await call(`${name}/rotate/events/${event!.id}`)
      expect(one.json.secretRotationEvent.nextRetry).toEqual(event!.nextRetry)

      const { db } = api.line.store
      const retries = db.updateTable('rotation_retries').where('failed_event_id', '=', event!.id)
      await retries.set({ due_at: new Date() }).execute()
      await reconcile({ ...api.line.on, log: pino({ level: 'silent' }), requestExpiry: 0 })
      await expect
        .poll(async () => (await history(name)).map(({ status }) => status), { timeout: 30_000 })
        .toEqual(['failed', 'failed'])
      const [retry, failed] = (await history(name)) as [RotationEvent, RotationEvent]
      expect(retry).toMatchObject({
        trigger: 'retry',
        retryOf: event!.id,
        retry: 1,
        nextRetry: { number: 2 },
      })
      expect(failed.nextRetry).toMatchObject({ status: 'begun', event: retry.id })
      expect((await cli.run(['env', 'history', name])).stdout).toMatch(/ retry 1 +ada +failed /)
      const shown = await cli.run(['env', 'history', name, retry.id])
      expect(shown.stdout).toContain(
        `It is try 1 after the scheduled rotation ${event!.id}\nbad: tried again at `,
      )

      await cli.run(['env', 'schedule', 'pause', name])
      await reconcile({ ...api.line.on, log: pino({ level: 'silent' }), requestExpiry: 0 })
      const ended = await cli.run(['env', 'history', name, retry.id])
      expect(ended.stdout).toContain('bad: not tried again by itself: its schedule was paused')
    })
  },
)
