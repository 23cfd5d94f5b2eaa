/** Dry runs through the whole line: what they say is what then happens, and they leave nothing behind but an audit line. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { connectTemporal } from '../../client/connect.ts'
import { rehearse } from '../../client/rehearsals.ts'
import type { rehearsalJson } from '../../server/rehearsal-json.ts'
import { listAudit } from '../../store/audit.ts'
import type { Environment } from '../../store/environments.ts'
import { gate, rotateCall, rotatedDefinition, targetDatabase } from '../support/line.ts'
import { heldIn, snapshotOf } from '../support/postgres-snapshot.ts'
import { startProxy } from '../support/proxy.ts'
import type { TargetDatabase } from '../support/servers.ts'
import { startLineApi, type LineApi } from './line-api.ts'

vi.setConfig({ testTimeout: 120_000 })

type Told = ReturnType<typeof rehearsalJson>

let api: LineApi
let target: TargetDatabase
let environment: Environment

beforeAll(async () => {
  api = await startLineApi({ minManualAge: 0, targetBudget: 3_000 })
})
afterAll(() => api.close())
beforeEach(async () => {
  target = await targetDatabase()
  environment = await api.line.environment(rotatedDefinition(target))
})
afterEach(() => target.drop())

async function ask(body: object = {}, of = environment): Promise<{ status: number; json: Told }> {
  const { organization, project, name } = of
  const path = `/api/esc/environments/${organization}/${project}/${name}/rotate/plan`
  const answer = await fetch(api.url + path, {
    method: 'POST',
    headers: { authorization: `token ${api.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: answer.status, json: (await answer.json()) as Told }
}

const plan = (body: object = {}, of = environment) => api.line.withWorker(() => ask(body, of))

/** Every row of every table; the audit log tells of it, and a token when it was used. */
async function dump(): Promise<Record<string, unknown[]>> {
  const { db } = api.line.store
  const tables = await db.introspection.getTables()
  const rows: Record<string, unknown[]> = {}
  for (const { name } of tables) {
    if (name === 'audit_log' || name === 'access_tokens') continue
    const found = await db
      .selectFrom(name as 'rotations')
      .selectAll()
      .execute()
    rows[name] = found.map((row) => JSON.stringify(row)).sort()
  }
  expect(Object.keys(rows)).toContain('target_claims')
  return rows
}

/** Asks, and finds everything as it was. */
async function planned(body: object = {}): Promise<Told> {
  const [rows, users] = [await dump(), await snapshotOf(target)]
  const { status, json } = await plan(body)
  expect(status).toBe(200)
  expect(await dump()).toEqual(rows)
  expect(await snapshotOf(target)).toEqual(users)
  await vi.waitFor(async () => expect(await heldIn(target)).toEqual([]))
  const told = JSON.stringify([json, api.line.logged])
  for (const { password } of [target.managing, ...target.rotated]) expect(told).not.toContain(password)
  return json
}

const rotate = (options = {}) => api.line.withWorker(() => api.line.rotate(environment, options))

test('what would succeed does: first rotation, second, third; nothing is left but the line in the audit log', async () => {
  const [one, two] = target.rotated
  for (const [turn, username] of [one.username, two.username, one.username].entries()) {
    expect(await planned()).toEqual({
      status: 'succeeded',
      revision: turn + 2,
      rotations: [
        {
          environmentPath: 'db',
          rotator: 'postgres',
          targets: expect.any(Array),
          expected: 'succeeded',
          firstRotation: turn === 0,
          writes: `user "${username}"`,
          first: [],
          unsettled: [],
          warnings: [],
        },
      ],
    })
    const [line] = await listAudit(api.line.store.db, environment.id, { count: 1 })
    expect(line).toMatchObject({
      actor: 'ada',
      action: 'rotation.plan',
      details: { paths: null, force: false },
    })
    expect(await rotate()).toMatchObject({ outcome: 'succeeded', postRevision: turn + 3 })
    expect((await api.line.state(environment, 'db')).current?.username).toBe(username)
  }
})

test('Temporal gets ids and counts: no path, no words', async () => {
  await target.admin(`alter role ${target.rotated[0].username} nologin`)
  const told = await planned()
  expect(told).toMatchObject({
    status: 'failed',
    rotations: [
      {
        expected: 'failed',
        errorCode: 'TARGET_NOT_FOUND',
        errorMessage: expect.stringContaining('may not log in'),
      },
    ],
  })
  const { client } = api.line.on
  const query = `WorkflowType = 'rehearseRotation' AND WorkflowId STARTS_WITH 'rehearse/${environment.id}/'`
  const runs = await vi.waitFor(
    async () => {
      const found = []
      for await (const run of client.workflow.list({ query })) found.push(run)
      expect(found).toHaveLength(1)
      return found
    },
    { timeout: 20_000 },
  )
  const handle = client.workflow.getHandle(runs[0]!.workflowId)
  expect(await handle.result()).toEqual({ failed: 1 })
  const { events } = await handle.fetchHistory()
  const payloads = (events ?? []).map((event) => Buffer.from(JSON.stringify(event)).toString())
  const text = [...payloads, ...payloads.join().matchAll(/"data":"([^"]+)"/g)]
    .map((part) => (typeof part === 'string' ? part : Buffer.from(part[1]!, 'base64').toString()))
    .join()
  expect(text).toContain('rehearsalId')
  expect(text).not.toMatch(/log in|nologin|target_/)
})

test('what would fail, fails with the same code and words', async () => {
  const refusals: [string, () => Promise<unknown>][] = [
    ['TARGET_DENIED', () => target.admin(`alter role ${target.managing.username} nocreaterole`)],
    ['LOGIN_FAILED', () => target.admin(`alter role ${target.managing.username} password 'another'`)],
    ['TARGET_CHANGED', () => target.admin(`alter role ${target.rotated[0].username} password 'by hand'`)],
  ]
  await rotate()
  for (const [code, spoil] of refusals) {
    await spoil()
    const told = await planned()
    expect(told).toMatchObject({
      status: 'failed',
      rotations: [{ environmentPath: 'db', expected: 'failed', errorCode: code }],
    })
    expect(told.rotations[0]).not.toHaveProperty('writes')
    const { rotations } = await rotate()
    expect(rotations).toMatchObject([
      { outcome: 'failed', failureCode: code, message: told.rotations[0]!.errorMessage },
    ])
  }
})

test('a managing user that is read-only by default can be tried all the same', async () => {
  await target.admin(`alter role ${target.managing.username} set default_transaction_read_only = on`)
  expect(await planned()).toMatchObject({ status: 'succeeded' })
})

test('too soon: until when, and force overrides', async () => {
  await rotate()
  api.line.activityServices.limits.minManualAge = 3_600_000
  try {
    const told = await planned()
    expect(told).toMatchObject({
      status: 'failed',
      rotations: [{ expected: 'failed', errorCode: 'TOO_SOON' }],
    })
    const wait = Date.parse(told.rotations[0]!.notBefore!) - Date.now()
    expect(wait).toBeGreaterThan(3_500_000)
    expect(wait).toBeLessThan(3_660_000)
    expect(await planned({ force: true })).toMatchObject({
      status: 'succeeded',
      rotations: [{ expected: 'succeeded' }],
    })
  } finally {
    api.line.activityServices.limits.minManualAge = 0
  }
})

test('a target that another environment or another path has', async () => {
  await rotate()
  const other = await api.line.environment(rotatedDefinition(target))
  const rows = await dump()
  expect((await plan({}, other)).json).toMatchObject({
    rotations: [{ errorCode: 'TARGET_TAKEN', errorMessage: expect.stringContaining('another environment') }],
  })
  const [mine, free] = [await targetDatabase(), await targetDatabase()]
  const both = await api.line.environment(
    `values:\n${rotateCall('a', mine)}${rotateCall('b', mine)}${rotateCall('c', free)}`,
  )
  const { json } = await plan({}, both)
  expect(
    json.rotations.map(({ environmentPath, expected, errorCode }) => [environmentPath, expected, errorCode]),
  ).toEqual([
    ['a', 'succeeded', undefined],
    ['b', 'failed', 'TARGET_TAKEN'],
    ['c', 'succeeded', undefined],
  ])
  expect((await plan({ paths: ['b'] }, both)).json).toMatchObject({ status: 'succeeded' })
  expect((await dump()).target_claims).toEqual(rows.target_claims)
  await mine.drop()
  await free.drop()
})

test('two at once, and beside a rotation that is under way', async () => {
  await rotate()
  const before = await snapshotOf(target)
  const answers = await api.line.withWorker(() => Promise.all([ask(), ask(), ask()]))
  for (const { json } of answers) expect(json).toMatchObject({ status: 'succeeded' })
  expect(await snapshotOf(target)).toEqual(before)

  const held = gate(api.line.activityServices, 'applied')
  await api.line.withWorker(async () => {
    const rotating = api.line.rotate(environment)
    await held.reached
    const { json } = await ask()
    expect(json).toMatchObject({ underWay: { event: expect.any(String), action: 'rotate' } })
    expect(json.rotations[0]!.unsettled).toEqual([])
    held.open()
    expect(await rotating).toMatchObject({ outcome: 'succeeded' })
  }, held.services)
  const { current } = await api.line.state(environment, 'db')
  expect(await target.canLogIn(current!)).toBe(true)
})

test('what an earlier rotation left in doubt comes first', async () => {
  const proxy = await startProxy(target)
  const through = await api.line.environment(
    rotatedDefinition(target, { host: proxy.host, port: proxy.port }),
  )
  environment = through
  await rotate()
  for (const arrives of [true, false]) {
    let cut = false
    proxy.cutAfter((chunk) => (cut ||= chunk.includes(arrives ? 'COMMIT' : 'ALTER ROLE')))
    const left = await rotate()
    proxy.relay()
    expect(left.outcome).toBe('failed')
    const told = await planned()
    expect(told).toMatchObject({ status: 'succeeded', rotations: [{ expected: 'succeeded' }] })
    const [first] = told.rotations[0]!.unsettled
    expect(first?.words).toMatch(arrives ? /logs in: that would be published/ : /has not arrived/)
    const before = await snapshotOf(target)
    expect(await rotate()).toMatchObject({ outcome: 'succeeded' })
    if (arrives) expect(await snapshotOf(target)).toEqual(before)
  }
  await proxy.close()
})

test('a target that hangs is told of in time, and the other paths beside it', async () => {
  const proxy = await startProxy(target)
  const fine = await targetDatabase()
  const both = await api.line.environment(
    `values:\n${rotateCall('bad', target, { host: proxy.host, port: proxy.port })}${rotateCall('good', fine)}`,
  )
  const held = proxy.hold(() => true)
  const { json } = await plan({}, both)
  expect(json.rotations).toMatchObject([
    { environmentPath: 'bad', expected: 'failed', errorCode: 'TARGET_TIMEOUT' },
    { environmentPath: 'good', expected: 'succeeded' },
  ])
  held.release()
  await proxy.close()
  await fine.drop()
})

test('who may not rotate may not ask; a path that names no call is refused', async () => {
  expect((await ask({ paths: ['other'] })).status).toBe(400)
  expect((await ask({ paths: 'db' })).status).toBe(400)
  const { organization, project, name } = environment
  const anonymous = await fetch(
    `${api.url}/api/esc/environments/${organization}/${project}/${name}/rotate/plan`,
    { method: 'POST' },
  )
  expect(anonymous.status).toBe(401)
})

test('Temporal is away, or no worker is there: said so, and no row is left', async () => {
  const asked = { environmentId: environment.id, login: 'ada', paths: null, force: false }
  const rows = await dump()
  const away = connectTemporal({ address: '127.0.0.1:1', namespace: 'default' })
  const signal = new AbortController().signal
  await expect(rehearse({ ...api.line.on, client: away }, asked, signal)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('Temporal is away'),
  })
  await away.connection.close()
  await expect(rehearse(api.line.on, asked, signal)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('no worker'),
  })
  expect(await dump()).toEqual(rows)
})
