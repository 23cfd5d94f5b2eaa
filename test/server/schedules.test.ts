/** Schedules over HTTP: the row, its copy in a real Temporal, what is refused, and what happens while Temporal is away. */
import { Client, Connection, ScheduleNotFoundError } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectTemporal } from '../../client/connect.ts'
import { deleteSchedule, syncSchedule, temporalScheduleId } from '../../client/schedules.ts'
import { createApp } from '../../server/app.ts'
import { appendRevision } from '../../store/revisions.ts'
import { createEnvironment } from '../../store/environments.ts'
import { completeEvent, insertEvent } from '../../store/events.ts'
import { recordMissed } from '../../store/due-times.ts'
import { insertRequest, markServed } from '../../store/requests.ts'
import { sharedTemporal } from '../support/servers.ts'
import { freshName, startApi, type Api } from './api.ts'

let api: Api
let client: Client

beforeAll(async () => {
  const { address, namespace, taskQueue } = await sharedTemporal()
  client = new Client({ connection: await Connection.connect({ address }), namespace })
  api = await startApi({
    schedules: {
      sync: (schedule, environmentName) => syncSchedule(client, taskQueue, { ...schedule, environmentName }),
      delete: (id) => deleteSchedule(client, id),
    },
  })
})
afterAll(async () => {
  await api.close()
  await client.connection.close()
})

const ROTATING = `values:
  db:
    fn::rotate::postgres:
      inputs: {}
`

/** A new environment's address for schedules. */
async function schedulesOf(text = 'values: {}\n'): Promise<string> {
  const [project, name] = freshName().split('/') as [string, string]
  const made = await createEnvironment(api.db, api.services.keeper, {
    organization: 'main',
    project,
    name,
    creator: 'admin',
  })
  await appendRevision(api.db, { environmentId: made.id, text, creator: 'admin' })
  return `/api/esc/environments/main/${project}/${name}/schedules`
}

const whole = (scheduleCron: string, extra: object = {}) => ({
  body: { scheduleCron, secretRotationRequest: { environmentPath: '' }, ...extra },
})

const once = (scheduleOnce: string, extra: object = {}) => ({
  body: { scheduleOnce, secretRotationRequest: { environmentPath: '' }, ...extra },
})

it('is made, listed, read, edited, paused and removed, and Temporal follows', async () => {
  const path = await schedulesOf()
  expect((await api.call('GET', path)).json).toEqual({ schedules: [] })
  const made = await api.call('POST', path, whole('0 3 * * *'))
  expect(made).toMatchObject({
    status: 200,
    json: {
      kind: 'environment_rotation',
      orgID: 'main',
      paused: false,
      scheduleCron: '0 3 * * *',
      timezone: 'UTC',
      lastExecuted: '',
      definition: { environmentPath: '' },
    },
  })
  expect(made.json.nextExecutions).toHaveLength(10)
  expect(made.json.nextExecution).toBe(made.json.nextExecutions[0])
  expect(made.json.nextExecution).toMatch(/T03:00:00\.000Z$/)
  const { id } = made.json
  expect((await api.call('GET', path)).json.schedules).toEqual([made.json])
  expect((await api.call('GET', `${path}/${id}`)).json).toEqual(made.json)
  const handle = client.schedule.getHandle(temporalScheduleId(id))
  expect((await handle.describe()).spec.calendars?.[0]).toMatchObject({ hour: [{ start: 3 }] })

  for (const [method, scheduleCron, timezone] of [
    ['PATCH', '30 4 * * *', 'Europe/Berlin'],
    ['POST', '30 5 * * *', 'Asia/Tokyo'],
  ] as const) {
    const edited = await api.call(method, `${path}/${id}`, { body: { scheduleCron, timezone } })
    expect(edited).toMatchObject({ status: 200, json: { id, scheduleCron, timezone } })
    expect((await handle.describe()).spec.timezone).toBe(timezone)
  }
  expect((await api.call('POST', `${path}/${id}/pause`)).json).toMatchObject({
    paused: true,
    nextExecution: '',
  })
  expect((await handle.describe()).state.paused).toBe(true)
  expect((await api.call('POST', `${path}/${id}/resume`)).json.paused).toBe(false)
  expect((await handle.describe()).state.paused).toBe(false)
  expect((await api.call('GET', `${path}/${id}/history`)).json).toEqual({ scheduleHistoryEvents: [] })

  expect((await api.call('DELETE', `${path}/${id}`)).status).toBe(204)
  expect((await api.call('GET', `${path}/${id}`)).status).toBe(404)
  await expect(handle.describe()).rejects.toBeInstanceOf(ScheduleNotFoundError)
})

describe('due once', () => {
  const hour = 3_600_000
  const tomorrow = () => new Date(Math.floor(Date.now() / 1000) * 1000 + 24 * hour)
  /** As if it had been made an hour ago for half an hour ago. */
  const letPass = async (id: string) => {
    const past = new Date(Math.floor(Date.now() / 1000) * 1000 - hour / 2)
    await api.db
      .updateTable('schedules')
      .set({ once_at: past, effective_at: new Date(past.getTime() - hour / 2) })
      .where('id', '=', id)
      .execute()
    return past
  }

  it('is made and shown, takes the place of a cron text and gives way to one, and Temporal follows', async () => {
    const path = await schedulesOf()
    const at = tomorrow()
    const made = await api.call('POST', path, once(at.toISOString(), { timezone: 'Asia/Kathmandu' }))
    expect(made).toMatchObject({
      status: 200,
      json: {
        scheduleOnce: at.toISOString(),
        timezone: 'Asia/Kathmandu',
        nextExecution: at.toISOString(),
        nextExecutions: [at.toISOString()],
        nextDueTimes: [{ utc: at.toISOString(), local: expect.stringMatching(/\+05:45$/) }],
        lastExecuted: '',
        ended: false,
      },
    })
    expect(made.json).not.toHaveProperty('scheduleCron')
    const { id } = made.json
    const handle = client.schedule.getHandle(temporalScheduleId(id))
    expect((await handle.describe()).info.nextActionTimes).toEqual([at])

    const cron = await api.call('PATCH', `${path}/${id}`, { body: { scheduleCron: '0 3 * * *' } })
    expect(cron.json).toMatchObject({ scheduleCron: '0 3 * * *', timezone: 'Asia/Kathmandu', ended: false })
    expect(cron.json).not.toHaveProperty('scheduleOnce')
    expect((await handle.describe()).spec.timezone).toBe('Asia/Kathmandu')
    const again = await api.call('PATCH', `${path}/${id}`, { body: { scheduleOnce: at.toISOString() } })
    expect(again.json).toMatchObject({ scheduleOnce: at.toISOString() })
    expect(again.json).not.toHaveProperty('scheduleCron')
    const zone = await api.call('PATCH', `${path}/${id}`, { body: { timezone: 'UTC', scheduleCron: null } })
    expect(zone.json).toMatchObject({ scheduleOnce: at.toISOString(), timezone: 'UTC', ended: false })
    expect((await handle.describe()).info.nextActionTimes).toEqual([at])
    for (const body of [
      { scheduleOnce: '2020-01-01T00:00:00Z' },
      { scheduleOnce: at.toISOString(), scheduleCron: '@daily' },
    ])
      expect((await api.call('PATCH', `${path}/${id}`, { body })).status).toBe(400)
    expect((await api.call('GET', `${path}/${id}`)).json).toEqual(zone.json)
    await api.call('DELETE', `${path}/${id}`)
  })

  it('has ended once it was taken up, and keeps its history', async () => {
    const path = await schedulesOf()
    const { id, definition } = (await api.call('POST', path, once(tomorrow().toISOString()))).json
    const past = await letPass(id)
    const read = async () => (await api.call('GET', `${path}/${id}`)).json
    expect(await read()).toMatchObject({ ended: false, nextExecution: '', lastExecuted: '' })
    const request = await insertRequest(api.db, {
      environmentId: definition.environmentID,
      trigger: 'schedule',
      login: 'admin',
      paths: null,
      force: false,
      requestKey: `schedule/${id}/${past.toISOString()}`,
      schedule: { id, version: 1, dueAt: past },
    })
    expect((await read()).ended).toBe(false)
    await markServed(api.db, request.eventId)
    expect(await read()).toMatchObject({
      ended: true,
      nextExecution: '',
      lastExecuted: past.toISOString(),
      scheduleOnce: past.toISOString(),
    })
    expect((await api.call('GET', `${path}/${id}/history`)).json.scheduleHistoryEvents).toHaveLength(1)
    expect(await api.call('PATCH', `${path}/${id}`, { body: { timezone: 'Asia/Tokyo' } })).toMatchObject({
      status: 400,
      json: { message: expect.stringMatching(/has passed/) },
    })
    const anew = await api.call('PATCH', `${path}/${id}`, {
      body: { scheduleOnce: tomorrow().toISOString() },
    })
    expect(anew.json).toMatchObject({ ended: false, lastExecuted: past.toISOString() })
    await api.call('DELETE', `${path}/${id}`)
  })

  it('that passed while it was paused is not made up for, and says so', async () => {
    const path = await schedulesOf()
    const { id } = (await api.call('POST', path, once(tomorrow().toISOString()))).json
    await letPass(id)
    expect((await api.call('POST', `${path}/${id}/pause`)).json).toMatchObject({ paused: true, ended: true })
    expect(await api.call('POST', `${path}/${id}/resume`)).toMatchObject({
      status: 400,
      json: { message: expect.stringMatching(/has passed.*in the future/) },
    })
    await api.call('DELETE', `${path}/${id}`)
  })
})

it('pausing what is paused and resuming what is not change nothing: a due time that is late stays to be made up for', async () => {
  const path = await schedulesOf()
  const { id } = (await api.call('POST', path, whole('0 3 * * *'))).json
  const effectiveAt = new Date('2026-01-01T00:00:00Z')
  await api.db.updateTable('schedules').set({ effective_at: effectiveAt }).where('id', '=', id).execute()
  const row = async () => {
    const { effective_at, version, paused } = await api.db
      .selectFrom('schedules')
      .select(['effective_at', 'version', 'paused'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    return { effective_at, version, paused }
  }
  const before = await row()
  expect(await api.call('POST', `${path}/${id}/resume`)).toMatchObject({
    status: 200,
    json: { paused: false, version: 1 },
  })
  expect(await row()).toEqual(before)
  await api.call('POST', `${path}/${id}/pause`)
  const paused = await row()
  expect(paused).toMatchObject({ paused: true, version: 2 })
  expect((await api.call('POST', `${path}/${id}/pause`)).json).toMatchObject({ paused: true, version: 2 })
  expect(await row()).toEqual(paused)
  await api.call('DELETE', `${path}/${id}`)
})

it('warns where the clocks move a due time or show it twice', async () => {
  const path = await schedulesOf()
  const skipped = await api.call('POST', path, whole('30 2 * 3 0', { timezone: 'America/New_York' }))
  expect(skipped.json.nextDueTimes).toHaveLength(10)
  const warnings = (json: { nextDueTimes: { warning?: string }[] }) =>
    json.nextDueTimes.flatMap(({ warning }) => warning ?? [])
  expect(warnings(skipped.json).length).toBeGreaterThanOrEqual(2)
  for (const warning of warnings(skipped.json)) expect(warning).toMatch(/skip 02:30 .* due at 03:30 instead/)
  const doubled = await api.call('PATCH', `${path}/${skipped.json.id}`, {
    body: { scheduleCron: '30 1 * 11 0' },
  })
  expect(warnings(doubled.json).length).toBeGreaterThanOrEqual(2)
  for (const warning of warnings(doubled.json)) expect(warning).toMatch(/show 01:30 twice .* first time only/)
  await api.call('DELETE', `${path}/${skipped.json.id}`)
})

it('of two edits at once neither undoes what it does not speak of', async () => {
  const path = await schedulesOf()
  const { id } = (await api.call('POST', path, whole('0 3 * * *'))).json
  const edits = [{ scheduleCron: '0 4 * * *' }, { timezone: 'Asia/Tokyo' }]
  for (const answer of await Promise.all(edits.map((body) => api.call('PATCH', `${path}/${id}`, { body }))))
    expect(answer.status).toBe(200)
  expect((await api.call('GET', `${path}/${id}`)).json).toMatchObject({
    scheduleCron: '0 4 * * *',
    timezone: 'Asia/Tokyo',
    version: 3,
  })
  const { spec } = await client.schedule.getHandle(temporalScheduleId(id)).describe()
  expect(spec).toMatchObject({ timezone: 'Asia/Tokyo', calendars: [{ hour: [{ start: 4 }] }] })
  await api.call('DELETE', `${path}/${id}`)
})

it('that is overdue is told by /readyz, which stays 200', async () => {
  const path = await schedulesOf()
  const { id } = (await api.call('POST', path, whole('@hourly'))).json
  const hour = 3_600_000
  const due = new Date(Math.floor(Date.now() / hour) * hour - hour)
  await api.db
    .updateTable('schedules')
    .set({ effective_at: new Date(due.getTime() - 1) })
    .where('id', '=', id)
    .execute()
  expect(await api.call('GET', '/readyz', { as: null })).toMatchObject({
    status: 200,
    json: { status: 'ok', overdueSchedules: 1, overdueSince: due.toISOString() },
  })
  await api.call('DELETE', `${path}/${id}`)
  const { json } = await api.call('GET', '/readyz', { as: null })
  expect(json).toMatchObject({ overdueSchedules: 0 })
  expect(json).not.toHaveProperty('overdueSince')
})

it.each([
  ['an edit', 'PATCH', '', { timezone: 'Asia/Tokyo' }],
  ['a pause', 'POST', '/pause', undefined],
] as const)('%s tells as missed what was due before and nothing served', async (_, method, suffix, body) => {
  const path = await schedulesOf()
  const HOUR = 3_600_000
  // Half an hour away from now, in every hour.
  const minute = (new Date().getUTCMinutes() + 30) % 60
  const { id, definition } = (await api.call('POST', path, whole(`${minute} * * * *`))).json
  const newest = Math.floor((Date.now() - minute * 60_000) / HOUR) * HOUR + minute * 60_000
  const due = (hours: number) => new Date(newest - hours * HOUR)
  await api.db
    .updateTable('schedules')
    .set({ effective_at: due(3) })
    .where('id', '=', id)
    .execute()
  await insertRequest(api.db, {
    environmentId: definition.environmentID,
    trigger: 'schedule',
    login: 'admin',
    paths: null,
    force: false,
    requestKey: `schedule/${id}/${due(2).toISOString()}`,
    schedule: { id, version: 1, dueAt: due(2) },
  })
  const history = async () =>
    (await api.call('GET', `${path}/${id}/history`)).json.scheduleHistoryEvents.map(
      ({ executed, result, version }: { executed: string; result: string; version: number }) => ({
        executed,
        result,
        version,
      }),
    )
  const expected = [
    { executed: due(0).toISOString(), result: 'missed', version: 2 },
    { executed: due(1).toISOString(), result: 'missed', version: 2 },
    { executed: due(2).toISOString(), result: 'waiting', version: 1 },
  ]
  const since = (effective_at: Date, paused: boolean) =>
    api.db.updateTable('schedules').set({ effective_at, paused }).where('id', '=', id).execute()
  // What would have been due in a pause is no loss.
  await since(due(3), true)
  expect((await api.call('POST', `${path}/${id}/resume`)).status).toBe(200)
  expect(await history()).toEqual(expected.slice(2))
  await since(due(3), false)
  expect((await api.call(method, `${path}/${id}${suffix}`, { ...(body && { body }) })).status).toBe(200)
  expect(await history()).toEqual(expected)
  await api.call('DELETE', `${path}/${id}`)
})

it('tells which due times were served, missed, or are under way', async () => {
  const path = await schedulesOf()
  const { id, definition } = (await api.call('POST', path, whole('@daily'))).json
  const environmentId = definition.environmentID as string
  const due = (day: number) => new Date(Date.UTC(2027, 0, day))
  const tick = (day: number) =>
    insertRequest(api.db, {
      environmentId,
      trigger: 'schedule',
      login: 'admin',
      paths: null,
      force: false,
      requestKey: `schedule/${id}/${due(day).toISOString()}`,
      schedule: { id, version: 1, dueAt: due(day) },
    })
  const served = await tick(1)
  await insertEvent(api.db, {
    id: served.eventId,
    environmentId,
    trigger: 'schedule',
    login: 'admin',
    paths: null,
    force: false,
    scheduleId: id,
    dueAt: due(1),
    baseRevision: 2,
    workflowId: 'w',
    runId: 'r',
  })
  await markServed(api.db, served.eventId)
  await completeEvent(api.db, served.eventId, { outcome: 'failed', message: 'lost it' })
  await recordMissed(api.db, { id, environmentId, version: 1, owner: 'admin' }, [due(2)])
  await tick(3)
  const { scheduleHistoryEvents } = (await api.call('GET', `${path}/${id}/history`)).json
  expect(scheduleHistoryEvents).toEqual(
    [
      [3, 'waiting'],
      [2, 'missed'],
      [1, 'failed'],
    ].map(([day, result]) => ({
      id: expect.any(String),
      scheduledActionID: id,
      executed: due(day as number).toISOString(),
      version: 1,
      result,
    })),
  )
  expect((await api.call('GET', `${path}/${id}`)).json.lastExecuted).toBe(due(1).toISOString())
  const { events } = (await api.call('GET', path.replace('/schedules', '/rotate/history'))).json
  expect(events).toEqual([
    expect.objectContaining({
      scheduledActionID: id,
      trigger: 'schedule',
      status: 'failed',
      errorMessage: 'lost it',
    }),
  ])
  await api.call('DELETE', `${path}/${id}`)
})

it('is one per environment', async () => {
  const path = await schedulesOf()
  const first = await api.call('POST', path, whole('@daily'))
  expect(await api.call('POST', path, whole('@weekly'))).toMatchObject({
    status: 409,
    json: { code: 409, message: expect.stringContaining('has a schedule already') },
  })
  expect((await api.call('GET', path)).json.schedules).toHaveLength(1)
  await api.call('DELETE', `${path}/${first.json.id}`)
})

it('of two made at once one is left, with its copy', async () => {
  const path = await schedulesOf()
  const answers = await Promise.all([1, 2, 3, 4].map(() => api.call('POST', path, whole('@daily'))))
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409, 409])
  const { id } = answers.find(({ status }) => status === 200)!.json
  await client.schedule.getHandle(temporalScheduleId(id)).describe()
  await api.call('DELETE', `${path}/${id}`)
})

it('goes with its environment', async () => {
  const path = await schedulesOf()
  const { json } = await api.call('POST', path, whole('@daily'))
  expect((await api.call('DELETE', path.replace(/\/schedules$/, ''))).status).toBe(200)
  await expect(client.schedule.getHandle(temporalScheduleId(json.id)).describe()).rejects.toBeInstanceOf(
    ScheduleNotFoundError,
  )
})

describe('a bad one is a 400 in words, and nothing is written', () => {
  it.each([
    [whole('* * * *'), /exactly 5 fields/],
    [whole('0 0 3 * * *'), /exactly 5 fields/],
    [whole(''), /empty/],
    [whole('0 0 31 2 *'), /never fires/],
    [whole('*/30 * * * *'), /every 30m at times.*more often than every 1h/],
    [whole('0,59 0,23 * * *'), /every 1m/],
    [whole('0 3 * * *', { timezone: 'Mars/Olympus' }), /no time zone "Mars\/Olympus"/],
    [whole('0 3 * * *', { timezone: '' }), /no time zone/],
    [whole('0 3 * * *', { scheduleOnce: '2030-01-01T00:00:00Z' }), /not both/],
    [once('2020-01-01T00:00:00Z'), /2020-01-01T00:00:00.000Z has passed.*in the future.*ask for a rotation/],
    [once(new Date(Date.now() - 1000).toISOString()), /has passed/],
    [once('2030-01-01'), /not an instant.*2027-01-31T03:00:00Z/],
    [once('2030-01-01T00:00:00'), /not an instant/],
    [once('tomorrow'), /not an instant/],
    [once(''), /not an instant/],
    [once('2030-02-30T00:00:00Z'), /no date and time that exists/],
    [once('2030-01-01T24:00:00Z'), /no date and time that exists/],
    [once('2030-01-01T00:00:00+25:00'), /no date and time that exists/],
    [once('2100-01-01T00:00:00Z'), /too far away/],
    [once('2030-01-01T00:00:00Z', { timezone: 'Mars/Olympus' }), /no time zone/],
    [whole('HH 3 * * *'), /H is written as/],
    [{ body: {} }, /scheduleCron.*scheduleOnce/],
    [{ body: { scheduleCron: null, scheduleOnce: null } }, /scheduleCron.*scheduleOnce/],
    [{ body: { scheduleOnce: 5 } }, /scheduleOnce/],
    [{ body: { scheduleCron: 5 } }, /scheduleCron/],
    [{ body: '' }, /empty/],
    [{ body: '[1]' }, /JSON object/],
    [{ body: 'cron' }, /not JSON/],
  ])('%j', async (options, words) => {
    const path = await schedulesOf()
    const answer = await api.call('POST', path, options)
    expect(answer).toMatchObject({ status: 400, json: { code: 400, message: expect.stringMatching(words) } })
    expect((await api.call('GET', path)).json).toEqual({ schedules: [] })
  })

  it('an edit too', async () => {
    const path = await schedulesOf()
    const { json: before } = await api.call('POST', path, whole('0 3 * * *'))
    for (const body of [{ scheduleCron: '* * * * *' }, { scheduleCron: '' }, { timezone: 'x' }]) {
      expect((await api.call('PATCH', `${path}/${before.id}`, { body })).status).toBe(400)
    }
    expect((await api.call('GET', `${path}/${before.id}`)).json).toEqual(before)
    await api.call('DELETE', `${path}/${before.id}`)
  })
})

it('one path must be a rotate call; it may be spelled in any way', async () => {
  const path = await schedulesOf(ROTATING)
  const asked = (environmentPath: string) => ({
    body: { scheduleCron: '@daily', secretRotationRequest: { environmentPath } },
  })
  for (const wrong of ['other', 'db.x', 'values.db', '.db', 'a["']) {
    expect(await api.call('POST', path, asked(wrong)), wrong).toMatchObject({
      status: 400,
      json: { code: 400 },
    })
  }
  const made = await api.call('POST', path, asked('["db"]'))
  expect(made).toMatchObject({ status: 200, json: { definition: { environmentPath: 'db' } } })
  await api.call('DELETE', `${path}/${made.json.id}`)
})

it('is a 404 under another environment', async () => {
  const [mine, other] = [await schedulesOf(), await schedulesOf()]
  const { json } = await api.call('POST', mine, whole('@daily'))
  for (const [method, suffix] of [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/pause'],
    ['GET', '/history'],
  ] as const) {
    expect((await api.call(method, `${other}/${json.id}${suffix}`)).status).toBe(404)
  }
  expect((await api.call('GET', `${mine}/not-an-id`)).status).toBe(404)
  await api.call('DELETE', `${mine}/${json.id}`)
})

it('while Temporal is away: 503, and nothing changes', async () => {
  const away = connectTemporal({ address: '127.0.0.1:1', namespace: 'default' })
  const app = createApp({
    ...api.services,
    schedules: {
      sync: (schedule, environmentName) => syncSchedule(away, 'none', { ...schedule, environmentName }),
      delete: (id) => deleteSchedule(away, id),
    },
  })
  const cases = [
    ['PATCH', { scheduleCron: '0 4 * * *' }],
    ['DELETE', undefined],
  ] as const
  // At once: each waits for Temporal until its deadline.
  await Promise.all(
    cases.map(async ([method, payload]) => {
      const path = await schedulesOf()
      const { json: before } = await api.call('POST', path, whole('0 3 * * *'))
      const answer = await app.inject({
        method,
        url: `${path}/${before.id}`,
        headers: { authorization: `token ${api.tokens['admin']}` },
        ...(payload && { payload }),
      })
      expect(answer.statusCode).toBe(503)
      expect(answer.json()).toEqual({
        code: 503,
        message: expect.stringContaining('Temporal cannot be reached'),
      })
      expect((await api.call('GET', `${path}/${before.id}`)).json).toEqual(before)
      await api.call('DELETE', `${path}/${before.id}`)
    }),
  )
  await app.close()
  await away.connection.close()
}, 60_000)
