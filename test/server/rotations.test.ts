/** Rotating over HTTP: what is asked, how the answer waits, and how an event's rows are told to ESC clients. */
import { setTimeout as sleep } from 'node:timers/promises'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Refusal } from '../../model/refusal.ts'
import { createApp } from '../../server/app.ts'
import { createEnvironment } from '../../store/environments.ts'
import { completeEvent, insertEvent } from '../../store/events.ts'
import { insertRotations, type NewRotation } from '../../store/journal.ts'
import { findByKey, insertRequest } from '../../store/requests.ts'
import { appendRevision } from '../../store/revisions.ts'
import type { Rotations } from '../../server/services.ts'
import { freshName, startApi, type Api } from './api.ts'

type Asked = Parameters<Rotations['request']>[0]

let api: Api
let asked: Asked[] = []
/** What happens to an event while somebody waits for it. */
let meanwhile: (eventId: string, signal: AbortSignal) => Promise<void>

beforeAll(async () => {
  api = await startApi({
    rotations: {
      request: async (options) => {
        asked.push(options)
        const { eventId } = await insertRequest(api.db, options)
        return { eventId }
      },
      isKnown: async (environmentId, key) => (await findByKey(api.db, environmentId, key)) !== undefined,
      wait: (eventId, signal) => meanwhile(eventId, signal),
    },
  })
})
afterAll(() => api.close())

const TEXT = `values:
  db:
    fn::rotate::postgres:
      inputs: {}
  other:
    - fn::rotate::postgres:
        inputs: {}
`

async function environment(text = TEXT) {
  const [project, name] = freshName().split('/') as [string, string]
  const made = await createEnvironment(api.db, api.services.keeper, {
    organization: 'main',
    project,
    name,
    creator: 'admin',
  })
  await appendRevision(api.db, { environmentId: made.id, text, creator: 'admin' })
  asked = []
  return { id: made.id, path: `/api/esc/environments/main/${project}/${name}` }
}

type Outcome = 'succeeded' | 'failed' | 'unknown' | 'skipped' | null

/** An event as a worker would leave it. */
async function runEvent(
  environmentId: string,
  eventId: string,
  rotations: Record<string, { outcome: Outcome; code?: string; message?: string; warnings?: string[] }>,
  result?: Parameters<typeof completeEvent>[2],
) {
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
    workflowId: `rotate/${environmentId}`,
    runId: 'run',
  })
  const rows = Object.entries(rotations).map(([path]): NewRotation => ({
    id: randomUUID(),
    eventId,
    environmentId,
    path,
    rotator: 'postgres',
    targets: [],
    dependsOn: [],
    warnings: rotations[path]!.warnings ?? [],
  }))
  await insertRotations(api.db, rows)
  for (const { id, path } of rows) {
    const { outcome, code, message } = rotations[path]!
    await api.db
      .updateTable('rotations')
      .set({ outcome, failure_code: code ?? null, message: message ?? null })
      .where('id', '=', id)
      .execute()
  }
  if (result) await completeEvent(api.db, eventId, result)
}

describe('what is asked', () => {
  it.each([
    [{ Paths: [] }, null],
    [{}, null],
    [{ Paths: null }, null],
    [{ Paths: ['db'] }, ['db']],
    [{ paths: ['["db"]', 'db', 'other[0]'] }, ['db', 'other[0]']],
  ])('%j asks for %j', async (body, paths) => {
    const { id, path } = await environment()
    meanwhile = (eventId) => runEvent(id, eventId, {}, { outcome: 'succeeded' })
    const answer = await api.call('POST', `${path}/rotate`, { body })
    expect(answer.status).toBe(200)
    expect(asked).toEqual([
      { environmentId: id, login: 'admin', trigger: 'manual', paths, force: false, requestKey: null },
    ])
  })

  it('force and Idempotency-Key are passed on', async () => {
    const { id, path } = await environment()
    meanwhile = (eventId) => runEvent(id, eventId, {}, { outcome: 'succeeded' })
    const headers = { 'idempotency-key': 'deploy-17' }
    await api.call('POST', `${path}/rotate`, { body: { force: true }, headers })
    expect(asked[0]).toMatchObject({ force: true, requestKey: 'deploy-17' })
  })

  it('the same key with another body is a 422', async () => {
    const { id, path } = await environment()
    meanwhile = (eventId) => runEvent(id, eventId, {}, { outcome: 'succeeded' })
    const headers = { 'idempotency-key': 'once' }
    await api.call('POST', `${path}/rotate`, { body: { Paths: ['db'] }, headers })
    expect(await api.call('POST', `${path}/rotate`, { body: {}, headers })).toMatchObject({
      status: 422,
      json: { code: 422, message: expect.stringContaining('Idempotency-Key') },
    })
  })

  it.each([
    ['', /empty/],
    ['null', /JSON object/],
    [{ Paths: 'db' }, /Paths/],
    [{ Paths: [''] }, /Paths/],
    [{ force: 'yes' }, /force/],
    [{ Paths: ['nowhere'] }, /"nowhere" names no rotate call.*db, other\[0\]/],
    [{ Paths: ['db', 'db.current'] }, /"db\.current" names no rotate call/],
    [{ Paths: ['other'] }, /names no rotate call/],
    [{ Paths: ['a['] }, /not a property path/],
  ])('%j is a 400 in words, and nothing is asked for', async (body, words) => {
    const { path } = await environment()
    const answer = await api.call('POST', `${path}/rotate`, { body })
    expect(answer).toMatchObject({ status: 400, json: { code: 400, message: expect.stringMatching(words) } })
    expect(asked).toEqual([])
  })

  it('a repeat is answered from what it began, also when the call is gone by then', async () => {
    const { id, path } = await environment()
    meanwhile = (eventId) => runEvent(id, eventId, {}, { outcome: 'succeeded' })
    const headers = { 'idempotency-key': 'before-the-edit' }
    const first = await api.call('POST', `${path}/rotate`, { headers, body: { paths: ['["db"]'] } })
    await appendRevision(api.db, { environmentId: id, text: 'values: {}\n', creator: 'admin' })
    meanwhile = () => Promise.resolve()
    const again = await api.call('POST', `${path}/rotate`, { headers, body: { paths: ['["db"]'] } })
    expect([first.status, again.status]).toEqual([200, 200])
    expect(again.json.id).toBe(first.json.id)
    expect(await api.call('POST', `${path}/rotate`, { body: { paths: ['db'] } })).toMatchObject({
      status: 400,
    })
  })

  it('an Idempotency-Key that is empty or too long is a 400', async () => {
    const { path } = await environment()
    for (const key of ['', 'x'.repeat(201)]) {
      const answer = await api.call('POST', `${path}/rotate`, {
        body: {},
        headers: { 'idempotency-key': key },
      })
      expect(answer.status).toBe(400)
    }
    expect(asked).toEqual([])
  })
})

describe('what is answered', () => {
  it('a success, with its new revision', async () => {
    const { id, path } = await environment()
    meanwhile = (eventId) =>
      runEvent(
        id,
        eventId,
        { db: { outcome: 'succeeded', warnings: ['cut off whoever held the one before'] } },
        { outcome: 'succeeded', postRevision: 3 },
      )
    const { json } = await api.call('POST', `${path}/rotate`, { body: {} })
    expect(json.secretRotationEvent).toEqual({
      id: json.id,
      environmentId: id,
      created: expect.any(String),
      completed: expect.any(String),
      preRotationRevision: 2,
      postRotationRevision: 3,
      userID: 'admin',
      status: 'succeeded',
      trigger: 'manual',
      rotations: [
        {
          id: expect.any(String),
          environmentPath: 'db',
          status: 'succeeded',
          warnings: ['cut off whoever held the one before'],
        },
      ],
    })
    expect((await api.call('GET', `${path}/rotate/history`)).json.events).toEqual([json.secretRotationEvent])
  })

  it('a partial failure: failed, with the words of each path and still a revision', async () => {
    const { id, path } = await environment()
    meanwhile = (eventId) =>
      runEvent(
        id,
        eventId,
        {
          a: { outcome: 'succeeded' },
          b: { outcome: 'failed', code: 'TARGET_DENIED', message: 'role app may not be altered' },
          c: { outcome: 'failed', code: 'TARGET_UNREACHABLE' },
          d: { outcome: 'unknown', code: 'OUTCOME_UNKNOWN' },
          e: { outcome: 'skipped', code: 'TOO_SOON' },
        },
        { outcome: 'failed', postRevision: 3 },
      )
    const event = (await api.call('POST', `${path}/rotate`, { body: {} })).json.secretRotationEvent
    expect(event).toMatchObject({ status: 'failed', postRotationRevision: 3 })
    // A message of the event itself would hide the paths from the `esc` command.
    expect(event).not.toHaveProperty('errorMessage')
    expect(event.rotations).toEqual([
      { id: expect.any(String), environmentPath: 'a', status: 'succeeded' },
      {
        id: expect.any(String),
        environmentPath: 'b',
        status: 'failed',
        errorMessage: 'role app may not be altered',
        errorCode: 'TARGET_DENIED',
      },
      {
        id: expect.any(String),
        environmentPath: 'c',
        status: 'failed',
        errorMessage: expect.stringContaining('could not be reached'),
        errorCode: 'TARGET_UNREACHABLE',
      },
      {
        id: expect.any(String),
        environmentPath: 'd',
        status: 'failed',
        outcome: 'unknown',
        errorMessage: expect.stringContaining('not known'),
        errorCode: 'OUTCOME_UNKNOWN',
      },
    ])
    expect(event.skipped).toEqual([
      { environmentPath: 'e', reason: expect.stringContaining('a moment ago'), errorCode: 'TOO_SOON' },
    ])
  })

  it('an event that failed as a whole says why', async () => {
    const { id, path } = await environment()
    meanwhile = (eventId) =>
      runEvent(
        id,
        eventId,
        {},
        { outcome: 'failed', failureCode: 'PERMISSION_DENIED', message: 'admin lost it' },
      )
    const event = (await api.call('POST', `${path}/rotate`, { body: {} })).json.secretRotationEvent
    expect(event).toMatchObject({
      status: 'failed',
      errorMessage: 'admin lost it',
      errorCode: 'PERMISSION_DENIED',
      rotations: [],
    })
  })

  it('without waiting: 202 and in_progress, then each step under the event’s own address', async () => {
    const { id, path } = await environment()
    const begun = await api.call('POST', `${path}/rotate?wait=false`, { body: {} })
    expect(begun).toMatchObject({ status: 202, json: { secretRotationEvent: { status: 'in_progress' } } })
    const eventId = begun.json.id
    const event = `${path}/rotate/events/${eventId}`
    expect((await api.call('GET', event)).json).toMatchObject({ progress: [] })
    await runEvent(id, eventId, { db: { outcome: null }, x: { outcome: 'succeeded' } })
    expect((await api.call('GET', event)).json).toMatchObject({
      secretRotationEvent: { status: 'in_progress', rotations: [{ environmentPath: 'x' }] },
      progress: [
        { environmentPath: 'db', rotator: 'postgres', step: 'planned', status: 'in_progress' },
        { environmentPath: 'x', status: 'succeeded' },
      ],
    })
    await completeEvent(api.db, eventId, { outcome: 'succeeded' })
    expect((await api.call('GET', event)).json.secretRotationEvent.status).toBe('succeeded')
    const other = await environment()
    for (const wrong of [`${other.path}/rotate/events/${eventId}`, `${path}/rotate/events/nope`]) {
      expect(await api.call('GET', wrong)).toMatchObject({ status: 404, json: { code: 404 } })
    }
  })

  it('a request that expired before it began, and a Temporal that is away: 503', async () => {
    const { path } = await environment()
    meanwhile = () =>
      Promise.reject(new Refusal('unavailable', 'the rotation was not begun in time; ask again'))
    expect(await api.call('POST', `${path}/rotate`, { body: {} })).toMatchObject({
      status: 503,
      json: { code: 503, message: expect.stringContaining('ask again') },
    })
  })
})

/** Also when it has been before. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
}

describe('waiting', () => {
  it('ends when the client has gone', async () => {
    const { path } = await environment()
    const ended = new Promise<void>((resolve) => {
      meanwhile = async (_, signal) => {
        await aborted(signal)
        resolve()
        throw signal.reason
      }
    })
    const url = await api.app.listen({ port: 0, host: '127.0.0.1' })
    const client = new AbortController()
    const answer = fetch(`${url}${path}/rotate`, {
      method: 'POST',
      headers: { authorization: `token ${api.tokens['admin']}` },
      body: '{}',
      signal: client.signal,
    })
    await expect.poll(() => asked.length).toBe(1)
    client.abort()
    await expect(answer).rejects.toThrow()
    await ended
  })

  it('ends in words when the server stops; the rotation goes on', async () => {
    const { path } = await environment()
    const app = createApp(api.services)
    meanwhile = async (_, signal) => {
      await aborted(signal)
      // Answered after the server has closed the connections that were idle.
      await sleep(200)
      throw signal.reason
    }
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const answer = fetch(`${url}${path}/rotate`, {
      method: 'POST',
      headers: { authorization: `token ${api.tokens['admin']}` },
      body: '{}',
    })
    await expect.poll(() => asked.length).toBe(1)
    await app.close()
    const response = await answer
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({
      code: 503,
      message: expect.stringMatching(/rotation \S+ goes on/),
    })
  })
})
