/** What rotations left behind, over HTTP: who sees it, what is told, what is asked for. Rows as a worker would leave them. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Rotations } from '../../server/services.ts'
import { claimTargets } from '../../store/claims.ts'
import { createEnvironment, dataKeyOf, deleteEnvironment } from '../../store/environments.ts'
import { completeEvent, insertEvent } from '../../store/events.ts'
import { advance, enterRotation, insertRotations } from '../../store/journal.ts'
import { findByKey, insertRequest } from '../../store/requests.ts'
import { appendRevision } from '../../store/revisions.ts'
import { settleRotation } from '../../store/unsettled.ts'
import { freshName, startApi, type Api } from './api.ts'

type Asked = Parameters<Rotations['request']>[0]

const SECRET = 'never-to-be-shown'
const TEXT = 'values:\n  db:\n    fn::rotate::postgres:\n      inputs: {}\n'

let api: Api
let asked: Asked[] = []

beforeAll(async () => {
  api = await startApi({
    rotations: {
      request: async (options) => {
        asked.push(options)
        return { eventId: (await insertRequest(api.db, options)).eventId }
      },
      isKnown: async (environmentId, key) => (await findByKey(api.db, environmentId, key)) !== undefined,
      wait: () => Promise.resolve(),
    },
  })
  await api.person('nobody')
})
afterAll(() => api.close())

interface Left {
  environmentId: string
  project: string
  name: string
  rotation: string
  target: string
  reader: string
  writer: string
}

/** An environment with one rotation that was left in doubt. */
async function left(more: { credential?: unknown; text?: string } = {}): Promise<Left> {
  const [project, name] = freshName().split('/') as [string, string]
  const organization = 'main'
  const environment = await createEnvironment(api.db, api.services.keeper, {
    organization,
    project,
    name,
    creator: 'admin',
  })
  const environmentId = environment.id
  await appendRevision(api.db, { environmentId, text: more.text ?? TEXT, creator: 'admin' })
  const [eventId, rotation, target] = [randomUUID(), randomUUID(), `postgres://db:5432/${name}`]
  await insertEvent(api.db, {
    id: eventId,
    environmentId,
    trigger: 'manual',
    login: 'admin',
    paths: null,
    force: false,
    scheduleId: null,
    dueAt: null,
    baseRevision: 2,
    workflowId: 'w',
    runId: 'r',
  })
  await insertRotations(api.db, [
    {
      id: rotation,
      eventId,
      environmentId,
      path: 'db',
      rotator: 'postgres',
      targets: [target],
      dependsOn: [],
      warnings: [],
    },
  ])
  await claimTargets(api.db, {
    environmentId,
    path: 'db',
    rotationId: rotation,
    targets: [target],
    published: [],
  })
  const dataKey = await dataKeyOf(api.db, api.services.keeper, environmentId)
  const credential = 'credential' in more ? more.credential : { username: 'app_2', password: SECRET }
  const sealed =
    credential === null ? null : dataKey.seal('journal', rotation, Buffer.from(JSON.stringify(credential)))
  const entered = (await enterRotation(api.db, rotation))!
  const prepared = await advance(api.db, entered, {
    step: 'prepared',
    credential: sealed,
    landsWithin: 'now',
  })
  await advance(api.db, prepared, {
    outcome: 'unknown',
    failureCode: 'OUTCOME_UNKNOWN',
    message: 'the connection was lost',
  })
  await completeEvent(api.db, eventId, { outcome: 'failed' })
  const [reader, writer] = [`reader-${name}`, `writer-${name}`]
  await api.person(reader, 'read', { project, environmentId })
  await api.person(writer, 'write', { project, environmentId })
  asked = []
  return { environmentId, project, name, rotation, target, reader, writer }
}

const list = async (as: string, query = '') =>
  (await api.call('GET', `/api/esc/rotations/main${query}`, { as })).json.rotations as { id: string }[]

describe('listing', () => {
  it('shows what is unsettled to who may read the environment, and to nobody else; never a secret', async () => {
    const { rotation, reader, project, name, target } = await left()
    const other = await left()
    expect(await list(reader)).toEqual([
      {
        id: rotation,
        organization: 'main',
        environment: `${project}/${name}`,
        environmentPath: 'db',
        rotator: 'postgres',
        targets: [target],
        eventID: expect.any(String),
        action: 'rotate',
        trigger: 'manual',
        userID: 'admin',
        created: expect.any(String),
        step: 'prepared',
        status: 'unknown',
        errorCode: 'OUTCOME_UNKNOWN',
        errorMessage: 'the connection was lost',
        unsettled: true,
        leftover: 'value',
        landsUntil: expect.any(String),
      },
    ])
    expect(await list('nobody')).toEqual([])
    const all = (await list('admin')).map(({ id }) => id)
    expect(all).toEqual(expect.arrayContaining([rotation, other.rotation]))
    expect((await api.call('GET', '/api/esc/rotations/main')).text).not.toContain(SECRET)
    expect((await api.call('GET', '/api/esc/rotations/elsewhere')).status).toBe(404)
  })

  it('of one environment; settled ones with all=true alone', async () => {
    const { rotation, project, name } = await left()
    const of = `?environment=${project}/${name}`
    expect(await list('admin', of)).toHaveLength(1)
    await settleRotation(api.db, rotation, rotation)
    expect(await list('admin', of)).toEqual([])
    const all = await list('admin', `${of}&all=true`)
    expect(all).toMatchObject([{ id: rotation, unsettled: false, settledBy: rotation }])
    expect((await api.call('GET', '/api/esc/rotations/main?environment=p/absent')).status).toBe(404)
  })

  it('of a deleted environment: for administrators of the organization alone', async () => {
    const { rotation, environmentId, reader, writer, target } = await left()
    await deleteEnvironment(api.db, { id: environmentId, login: 'admin' })
    for (const as of [reader, writer]) {
      expect(await list(as)).toEqual([])
      for (const [method, path] of [
        ['GET', `/${rotation}`],
        ['POST', `/${rotation}/discard`],
      ] as const)
        expect((await api.call(method, `/api/esc/rotations/main${path}`, { as })).status).toBe(404)
      expect((await api.call('GET', '/api/esc/targets/main', { as })).json.targets).toEqual([])
      const release = { as, body: { target } }
      expect((await api.call('POST', '/api/esc/targets/main/release', release)).status).toBe(404)
    }
    const [seen] = (await list('admin')).filter(({ id }) => id === rotation)
    expect(seen).toMatchObject({ environmentDeleted: expect.any(String) })
    const { json } = await api.call('GET', `/api/esc/rotations/main/${rotation}`)
    const commands = json.next.map(({ command }: { command: string }) => command)
    expect(commands).toEqual([
      `rekey rotation discard ${rotation}`,
      `rekey rotation discard ${rotation} --give-up`,
    ])
    const discarded = await api.call('POST', `/api/esc/rotations/main/${rotation}/discard?wait=false`)
    expect(discarded.status).toBe(202)
    const event = await api.call('GET', `/api/esc/rotations/main/events/${discarded.json.id}`)
    expect(event.json).toMatchObject({ secretRotationEvent: { action: 'discard', status: 'in_progress' } })
  })
})

describe('looking into one', () => {
  const show = async (rotation: string, as = 'admin') =>
    await api.call('GET', `/api/esc/rotations/main/${rotation}`, { as })

  it('tells its timeline, whose it is, and what can be done next; never the secret', async () => {
    const { rotation, reader } = await left()
    const { json, text } = await show(rotation, reader)
    expect(text).not.toContain(SECRET)
    expect(json.rotation).toMatchObject({ id: rotation, leftover: 'value', holds: 'app_2' })
    expect(json.timeline).toEqual([
      { at: expect.any(String), attempt: 1, step: 'prepared' },
      { at: expect.any(String), attempt: 1, step: 'unknown', code: 'OUTCOME_UNKNOWN' },
    ])
    expect(json.next.map(({ command }: { command: string }) => command)).toEqual([
      expect.stringMatching(/^rekey env rotate p\/\S+ db$/),
      `rekey rotation adopt ${rotation}`,
      `rekey rotation discard ${rotation}`,
      `rekey rotation discard ${rotation} --give-up`,
    ])
  })

  it('where nobody knows what was made, a key has to be handed over; where the call was moved, its target released', async () => {
    const suspect = await left({ credential: null })
    const { json } = await show(suspect.rotation)
    expect(json.rotation.leftover).toBe('suspect')
    expect(json.next.map(({ command }: { command: string }) => command)).toEqual([
      expect.stringContaining('env rotate'),
      `rekey rotation discard ${suspect.rotation} --key <key id>`,
      `rekey rotation discard ${suspect.rotation} --give-up`,
    ])
    const moved = await left({ text: TEXT.replace('db:', 'moved:') })
    expect((await show(moved.rotation)).json.next[0].command).toBe(`rekey target release ${moved.target}`)
  })

  it.each(['x', randomUUID()])('there is none called %s', async (id) => {
    expect((await show(id)).status).toBe(404)
  })

  it('who may not read its environment does not learn that it exists', async () => {
    const { rotation } = await left()
    const hidden = await show(rotation, 'nobody')
    const absent = await show(randomUUID(), 'nobody')
    expect(hidden.status).toBe(404)
    expect(hidden.json.message.replace(/[0-9a-f-]{36}/, '')).toBe(
      absent.json.message.replace(/[0-9a-f-]{36}/, ''),
    )
  })
})

describe('deciding', () => {
  it.each([
    ['adopt', {}, {}],
    ['discard', {}, {}],
    ['discard', { giveUp: true }, { giveUp: true }],
    ['discard', { key: 'AKIAEXAMPLE' }, { key: 'AKIAEXAMPLE' }],
  ] as const)('%s %j is asked for once, by who may write', async (action, body, subject) => {
    const { rotation, reader, writer, environmentId } = await left()
    const path = `/api/esc/rotations/main/${rotation}/${action}?wait=false`
    expect((await api.call('POST', path, { as: reader, body })).status).toBe(403)
    expect((await api.call('POST', path, { as: 'nobody', body })).status).toBe(404)
    expect(asked).toEqual([])
    const headers = { 'idempotency-key': 'k' }
    const first = await api.call('POST', path, { as: writer, body, headers })
    expect(first).toMatchObject({ status: 202, json: { secretRotationEvent: { action } } })
    expect(asked).toEqual([
      {
        environmentId,
        login: writer,
        trigger: 'manual',
        paths: null,
        force: false,
        requestKey: 'k',
        action,
        subject: { rotation, ...subject },
      },
    ])
    // A repeat is answered even when that has settled it; anything new is refused.
    await settleRotation(api.db, rotation, rotation)
    const again = await api.call('POST', path, { as: writer, body, headers })
    expect(again.json.id).toBe(first.json.id)
    const late = await api.call('POST', path, { as: writer, body })
    expect(late).toMatchObject({ status: 409, json: { message: expect.stringContaining('settled already') } })
  })

  it.each([{ key: 'a b' }, { key: '' }, { giveUp: 'yes' }])('discard refuses %j', async (body) => {
    const { rotation } = await left()
    expect((await api.call('POST', `/api/esc/rotations/main/${rotation}/discard`, { body })).status).toBe(400)
  })
})

describe('targets', () => {
  it('are listed with their owners and what is in doubt, and released by who may write there', async () => {
    const { target, reader, writer, rotation, project, name, environmentId } = await left()
    const { json } = await api.call('GET', '/api/esc/targets/main', { as: reader })
    expect(json.targets).toEqual([
      {
        target,
        organization: 'main',
        environment: `${project}/${name}`,
        environmentPath: 'db',
        claimed: expect.any(String),
        unsettled: [rotation],
      },
    ])
    expect((await api.call('GET', '/api/esc/targets/main', { as: 'nobody' })).json.targets).toEqual([])
    const release = (as: string, body: object) =>
      api.call('POST', '/api/esc/targets/main/release?wait=false', { as, body })
    expect((await release(reader, { target })).status).toBe(403)
    expect((await release('nobody', { target })).status).toBe(404)
    expect((await release(writer, { target: `${target}x` })).status).toBe(404)
    expect((await release(writer, {})).status).toBe(400)
    expect((await release(writer, { target, giveUp: true })).status).toBe(202)
    expect(asked).toMatchObject([{ environmentId, action: 'release', subject: { target, giveUp: true } }])
  })
})

describe('going back', () => {
  it('undo is asked for all paths or some, with the revision that was looked at', async () => {
    const { project, name, writer } = await left()
    const path = `/api/esc/environments/main/${project}/${name}`
    for (const body of [{}, { paths: ['["db"]'], revision: 2, force: true }])
      expect((await api.call('POST', `${path}/undo?wait=false`, { as: writer, body })).status).toBe(202)
    expect(asked).toMatchObject([
      { action: 'undo', paths: null, subject: {}, force: false },
      { action: 'undo', paths: ['db'], subject: { revision: 2 }, force: true },
    ])
    const wrong = await api.call('POST', `${path}/undo`, { as: writer, body: { paths: ['nope'] } })
    expect(wrong.status).toBe(400)
  })

  it('forget names its paths', async () => {
    const { project, name, writer } = await left()
    const path = `/api/esc/environments/main/${project}/${name}/forget?wait=false`
    const all = await api.call('POST', path, { as: writer })
    expect(all).toMatchObject({ status: 400, json: { message: expect.stringContaining('name the paths') } })
    expect((await api.call('POST', path, { as: writer, body: { paths: ['db'] } })).status).toBe(202)
    expect(asked).toMatchObject([{ action: 'forget', paths: ['db'], subject: {} }])
  })
})
