/** Environments, revisions and tags as ESC clients walk through them. Texts come from the store: nothing is evaluated. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appendRevision } from '../../store/revisions.ts'
import { freshName, startApi, type Api } from './api.ts'

let api: Api
let base: string
let environmentId: string

beforeAll(async () => {
  api = await startApi()
  ;({ base, environmentId } = await environment())
  for (const text of ['values:\n  a: 1\n', '# two\nvalues:\n  a: 2\n', 'values:\n  größe: 3\n']) {
    await appendRevision(api.db, { environmentId, text, creator: 'admin' })
  }
})
afterAll(() => api.close())

async function environment() {
  const name = freshName()
  const [project, env] = name.split('/')
  const made = await api.call('POST', '/api/esc/environments/main', { body: { project, name: env } })
  expect(made).toMatchObject({ status: 200, json: {} })
  const list = await api.call('GET', '/api/esc/environments/main')
  const row = list.json.environments.find((item: { name: string }) => item.name === env)
  return { base: `/api/esc/environments/main/${name}`, environmentId: row.id as string }
}

describe('an environment', () => {
  it('begins as revision 1 with an empty text', async () => {
    const fresh = await environment()
    const answer = await api.call('GET', fresh.base)
    expect(answer).toMatchObject({ status: 200, text: '' })
    expect(answer.headers['pulumi-esc-revision']).toBe('1')
    expect(answer.headers['etag']).toMatch(/^[0-9a-f]{32}$/)
  })

  it('is there once', async () => {
    const [, , , , , project, name] = base.split('/')
    expect(await api.call('POST', '/api/esc/environments/main', { body: { project, name } })).toMatchObject({
      status: 409,
      json: { code: 409, message: expect.stringContaining('already exists') },
    })
  })

  it.each([
    [{ project: 'yaml', name: 'x' }, /reserved/],
    [{ project: 'p', name: '.x' }, /cannot name/],
    [{ project: 'p', name: 'open' }, /reserved/],
    [{ project: 'p' }, /name/],
    [{ project: 1, name: 'x' }, /string/],
  ])('cannot be called %j', async (body, words) => {
    expect(await api.call('POST', '/api/esc/environments/main', { body })).toMatchObject({
      status: 400,
      json: { code: 400, message: expect.stringMatching(words) },
    })
  })

  it('is made and deleted with the status that the SDK’s version wants', async () => {
    for (const [agent, status] of [
      ['esc-sdk/ts/v0.12.4', 200],
      ['esc-sdk/ts/v0.13.0', 204],
      ['esc-sdk/ts/v1.0.0', 204],
      ['esc-cli/1 (; linux)', 200],
    ] as const) {
      const [project, name] = freshName().split('/')
      const headers = { 'user-agent': agent }
      expect(
        (await api.call('POST', '/api/esc/environments/main', { body: { project, name }, headers })).status,
      ).toBe(status)
      const path = `/api/esc/environments/main/${project}/${name}`
      expect((await api.call('DELETE', path, { headers })).status).toBe(status)
      expect((await api.call('GET', path)).status).toBe(404)
    }
  })

  it('is listed page by page, its token given back as it came', async () => {
    for (let count = 0; count < 3; count += 1) await environment()
    const seen: string[] = []
    let token = ''
    for (let pages = 0; pages < 20; pages += 1) {
      const answer = await api.call(
        'GET',
        `/api/esc/environments?maxResults=2&continuationToken=${encodeURIComponent(token)}`,
      )
      expect(answer.status).toBe(200)
      seen.push(...answer.json.environments.map((item: { name: string }) => item.name))
      token = answer.json.nextToken
      if (token === '') break
    }
    expect(token).toBe('')
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.length).toBeGreaterThanOrEqual(4)
  })
})

describe('a definition', () => {
  it('comes as its own bytes, with revision and tag, by number, tag and latest', async () => {
    const newest = await api.call('GET', base)
    expect(newest.text).toBe('values:\n  größe: 3\n')
    expect(newest.headers).toMatchObject({ 'pulumi-esc-revision': '4' })
    expect(newest.headers['content-type']).toMatch(/^application\/x-yaml/)
    const latest = await api.call('GET', `${base}/versions/latest`)
    expect(latest.headers['etag']).toBe(newest.headers['etag'])
    const third = await api.call('GET', `${base}/versions/3`)
    expect(third).toMatchObject({ text: '# two\nvalues:\n  a: 2\n', headers: { 'pulumi-esc-revision': '3' } })
    expect(third.headers['etag']).not.toBe(newest.headers['etag'])
  })

  it('has a head', async () => {
    const head = await api.call('HEAD', base)
    expect(head).toMatchObject({ status: 200, text: '' })
    expect(head.headers).toMatchObject({ 'pulumi-esc-revision': '4', etag: expect.any(String) })
  })

  it.each(['9', 'nosuch', '99999999999'])('has no revision %s', async (version) => {
    const answer = await api.call('GET', `${base}/versions/${version}`)
    expect([400, 404]).toContain(answer.status)
    expect(answer.json.code).toBe(answer.status)
  })
})

describe('the history', () => {
  it('ends on an empty list for a client that asks below the last number', async () => {
    const numbers: number[] = []
    let before = 0
    for (let asked = 0; asked < 10; asked += 1) {
      const { json } = await api.call('GET', `${base}/versions?before=${before}&count=2`)
      if (json.length === 0) break
      numbers.push(...json.map((item: { number: number }) => item.number))
      before = numbers.at(-1)!
    }
    expect(numbers).toEqual([4, 3, 2, 1])
    expect((await api.call('GET', `${base}/versions?before=1`)).json).toEqual([])
    const [first] = (await api.call('GET', `${base}/versions?before=8&count=1`)).json
    expect(first).toMatchObject({ number: 4, creatorLogin: 'admin', tags: ['latest'] })
    expect(first.created).toMatch(/^\d{4}-\d\d-\d\dT/)
  })
})

describe('revision tags', () => {
  it('are tried with PATCH, made with POST, listed by name, moved and removed', async () => {
    const tags = `${base}/versions/tags`
    const body = { revision: 2 }
    expect(await api.call('PATCH', `${tags}/stable`, { body })).toMatchObject({
      status: 404,
      json: { code: 404 },
    })
    expect((await api.call('POST', tags, { body: { name: 'stable', ...body } })).status).toBe(204)
    expect((await api.call('POST', tags, { body: { name: 'stable', ...body } })).status).toBe(409)
    expect((await api.call('GET', `${base}/versions/stable`)).headers['pulumi-esc-revision']).toBe('2')
    expect((await api.call('PATCH', `${tags}/stable`, { body: { revision: 3 } })).status).toBe(204)
    expect((await api.call('GET', `${tags}/stable`)).json).toMatchObject({ name: 'stable', revision: 3 })
    expect((await api.call('GET', `${tags}/latest`)).json).toMatchObject({ name: 'latest', revision: 4 })

    const names: string[] = []
    for (let after = '', asked = 0; asked < 10; asked += 1) {
      const { json } = await api.call('GET', `${tags}?after=${after}&count=1`)
      if (json.tags.length === 0) break
      after = json.tags[0].name
      names.push(after)
    }
    expect(names).toEqual(['latest', 'stable'])

    expect((await api.call('DELETE', `${tags}/stable`)).status).toBe(204)
    expect((await api.call('GET', `${tags}/stable`)).status).toBe(404)
  })

  it.each([
    ['POST', '', { name: 'latest', revision: 1 }, 400],
    ['PATCH', '/latest', { revision: 1 }, 400],
    ['DELETE', '/latest', undefined, 400],
    ['POST', '', { name: '1st', revision: 1 }, 400],
    ['POST', '', { name: 'x', revision: 99 }, 404],
    ['POST', '', { name: 'x', revision: '2' }, 400],
    ['POST', '', {}, 400],
  ])('%s tags%s %j is refused', async (method, path, body, status) => {
    const answer = await api.call(method, `${base}/versions/tags${path}`, { ...(body && { body }) })
    expect(answer).toMatchObject({ status, json: { code: status, message: expect.any(String) } })
  })
})
