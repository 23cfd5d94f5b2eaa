/**
 * The requests of the `esc` command line, byte for byte what it sends: its headers, its content type on everything,
 * its empty bodies, its loops; and of the answers exactly what it reads.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findEnvironment } from '../../store/environments.ts'
import { rotatedDefinition, targetDatabase } from '../support/line.ts'
import type { TargetDatabase } from '../support/servers.ts'
import { startLineApi, type LineApi } from './line-api.ts'

let api: LineApi
let target: TargetDatabase
const ENV = '/api/esc/environments/acme/shop/prod'

beforeAll(async () => {
  ;[api, target] = await Promise.all([startLineApi(), targetDatabase()])
})
afterAll(async () => {
  await api.close()
  await target.drop()
})

/** What the answers of one command look like to it: it fails on an error's `code`, not on the status line. */
async function esc(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const response = await fetch(api.url + path, {
    method,
    headers: {
      'User-Agent': 'esc-cli/1 (; linux)',
      Accept: 'application/vnd.pulumi+8',
      'Content-Type': 'application/json',
      'Accept-Encoding': 'gzip',
      Authorization: `token ${api.token}`,
      ...headers,
    },
    ...(body !== undefined && { body }),
  })
  const text = await response.text()
  const json = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined
  if (!response.ok) expect(json.code).toBe(response.status)
  return { ok: response.ok, status: response.status, headers: response.headers, text, json }
}

const revisionOf = ({ headers }: { headers: Headers }) =>
  Number.parseInt(headers.get('Pulumi-ESC-Revision') ?? '', 10)

it('login', async () => {
  const validation = { 'User-Agent': 'pulumi-cli/1 (; linux)', Accept: 'application/vnd.pulumi+9' }
  for (const headers of [validation, {}]) {
    const { json } = await esc('GET', '/api/user', undefined, headers)
    expect(json.githubLogin).toBe('ada')
    expect(json.organizations.every((item: { githubLogin: string }) => item.githubLogin !== '')).toBe(true)
  }
  expect((await esc('GET', '/api/user/organizations/default')).json.gitHubLogin).toBe('acme')
  const wrong = await esc('GET', '/api/user', undefined, { Authorization: 'token nonsense' })
  expect(wrong.status).toBe(401)
})

it('env init -f, ls, get, set, edit -f', async () => {
  const init = await esc(
    'POST',
    '/api/esc/environments/acme',
    JSON.stringify({ project: 'shop', name: 'prod' }),
  )
  expect(init.ok).toBe(true)
  expect(revisionOf(await esc('PATCH', ENV, rotatedDefinition(target)))).toBe(2)

  const list = await esc('GET', '/api/esc/environments')
  expect(list.json.environments).toContainEqual(
    expect.objectContaining({ organization: 'acme', project: 'shop', name: 'prod' }),
  )
  expect(list.json.nextToken || '').toBe('')
  expect((await esc('GET', '/api/esc/environments/acme')).ok).toBe(true)

  const read = await esc('GET', ENV)
  const etag = read.headers.get('ETag')!
  expect(revisionOf(read)).toBe(2)
  const checked = await esc('POST', '/api/esc/environments/acme/yaml/check?showSecrets=false', read.text)
  expect(checked.ok).toBe(true)
  expect(checked.json.exprs.db).toBeDefined()

  const set = await esc('PATCH', ENV, `${read.text}  note: 1\n`, { ETag: etag })
  expect(revisionOf(set)).toBe(3)
  const stale = await esc('PATCH', ENV, `${read.text}  note: 2\n`, { ETag: etag })
  expect(stale.status).toBe(409)
  const invalid = await esc('PATCH', ENV, 'values:\n  a: ${nowhere}\n')
  expect(invalid.status).toBe(400)
  expect(invalid.json.diagnostics[0]).toMatchObject({
    summary: expect.any(String),
    range: {
      environment: 'shop/prod',
      begin: { line: 2, column: expect.any(Number), byte: expect.any(Number) },
    },
  })
})

it('open before the first rotation says so at its line; env rotate; open logs in', async () => {
  const early = await esc('POST', `${ENV}/open?duration=2h0m0s`, '')
  expect(early.json.diagnostics[0].summary).toMatch(/not rotated yet|not been rotated/)

  await api.line.withWorker(async () => {
    for (const paths of ['[]', '["db"]']) {
      const before = revisionOf(await esc('GET', ENV))
      const { json } = await esc('POST', `${ENV}/rotate`, `{"Paths":${paths}}`)
      expect(json.secretRotationEvent).toMatchObject({
        status: 'succeeded',
        preRotationRevision: before,
        postRotationRevision: before + 1,
        rotations: [{ environmentPath: 'db', status: 'succeeded' }],
      })
      const session = await esc('POST', `${ENV}/open?duration=2h0m0s`, '')
      const opened = await esc('GET', `${ENV}/open/${session.json.id}`)
      const { username, password } = opened.json.properties.db.value.current.value
      expect(password.secret).toBe(true)
      expect(await target.canLogIn({ username: username.value, password: password.value })).toBe(true)
    }
  })
  const wrong = await esc('POST', `${ENV}/rotate`, '{"Paths":["nothing.here"]}')
  expect(wrong).toMatchObject({ status: 400, json: { code: 400 } })
  const history = await esc('GET', `${ENV}/rotate/history`)
  expect(history.json.events).toHaveLength(2)
}, 90_000)

it('env schedule new, list, get, edit, history, remove', async () => {
  const base = `${ENV}/schedules`
  expect((await esc('GET', base)).json.schedules ?? []).toEqual([])
  const body = { scheduleCron: '0 3 * * *', secretRotationRequest: { environmentPath: '' } }
  const made = await esc('POST', base, JSON.stringify(body))
  const { id } = made.json
  expect(id).not.toBe('')
  const [listed] = (await esc('GET', base)).json.schedules
  expect(listed).toMatchObject({ id, kind: 'environment_rotation', scheduleCron: '0 3 * * *', paused: false })
  expect(new Date(listed.nextExecution).getTime()).toBeGreaterThan(Date.now())
  expect((await esc('GET', `${base}/${id}`)).json.id).toBe(id)
  const edited = await esc('PATCH', `${base}/${id}`, JSON.stringify({ scheduleCron: '0 4 * * *' }))
  expect(edited.json.scheduleCron).toBe('0 4 * * *')
  const once = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_600_000).toISOString()
  const single = await esc('PATCH', `${base}/${id}`, JSON.stringify({ scheduleOnce: once }))
  expect(single.json).toMatchObject({ scheduleOnce: once, nextExecution: once })
  expect(single.json.scheduleCron ?? '').toBe('')
  expect((await esc('GET', `${base}/${id}/history`)).json).toEqual({ scheduleHistoryEvents: [] })
  expect((await esc('DELETE', `${base}/${id}`)).ok).toBe(true)
  expect((await esc('GET', `${base}/${id}`)).status).toBe(404)
})

it('env version, version history, version rollback', async () => {
  const newest = revisionOf(await esc('GET', ENV))
  const [version] = (await esc('GET', `${ENV}/versions?before=${newest + 1}&count=1`)).json
  expect(version).toMatchObject({ number: newest, creatorLogin: 'ada', tags: ['latest'] })
  expect((await esc('GET', `${ENV}/versions/tags/latest`)).json.revision).toBe(newest)

  const numbers: number[] = []
  for (let before = 0; ; before = numbers.at(-1)!) {
    const { json } = await esc('GET', `${ENV}/versions?before=${before}&count=500`)
    if (json.length === 0) break
    numbers.push(...json.map((item: { number: number }) => item.number))
  }
  expect(numbers).toEqual(Array.from({ length: newest }, (_, index) => newest - index))

  // Rolled back to the text from before any rotation: the credential that works stays.
  const before = await api.line.state(await environment(), 'db')
  const old = await esc('GET', `${ENV}/versions/2`)
  expect(revisionOf(await esc('PATCH', ENV, old.text))).toBe(newest + 1)
  expect(await api.line.state(await environment(), 'db')).toEqual(before)
})

it('version tag: PATCH first, POST when that says 404', async () => {
  const tags = `${ENV}/versions/tags`
  expect((await esc('PATCH', `${tags}/v1`, '{"revision":2}')).json.code).toBe(404)
  expect((await esc('POST', tags, '{"name":"v1","revision":2}')).ok).toBe(true)
  expect(revisionOf(await esc('GET', `${ENV}/versions/v1`))).toBe(2)
  expect((await esc('DELETE', `${tags}/v1`)).ok).toBe(true)
})

it('env rm', async () => {
  expect((await esc('DELETE', ENV)).ok).toBe(true)
  expect((await esc('GET', ENV)).json.code).toBe(404)
})

async function environment() {
  const { db } = api.line.store
  return (await findEnvironment(db, { organization: 'acme', project: 'shop', name: 'prod' }))!
}
