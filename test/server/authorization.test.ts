/** Who may do what: every route of an environment against every level, and what one may not see at all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LEVELS, type Level } from '../../model/permissions.ts'
import { createApp } from '../../server/app.ts'
import type { Access } from '../../server/authorize.ts'
import { findEnvironment } from '../../store/environments.ts'
import { appendRevision } from '../../store/revisions.ts'
import { startApi, type Api } from './api.ts'

let api: Api
const BASE = '/api/esc/environments/main/p/shared'

beforeAll(async () => {
  api = await startApi()
  await api.call('POST', '/api/esc/environments/main', { body: { project: 'p', name: 'shared' } })
  await api.call('POST', '/api/esc/environments/main', { body: { project: 'q', name: 'other' } })
  const environmentId = await idOf('p', 'shared')
  await appendRevision(api.db, { environmentId, text: 'values: {}\n', creator: 'admin' })
  await api.person('none')
  for (const level of LEVELS) {
    await api.person(level === 'admin' ? 'keeper' : level, level, { project: 'p', environmentId })
  }
  await api.person('projectwide', 'write', { project: 'p' })
})
afterAll(() => api.close())

async function idOf(project: string, name: string): Promise<string> {
  return (await findEnvironment(api.db, { organization: 'main', project, name }))!.id
}

/** Every route of one environment, and the level that the rules ask for. */
const RULES: [string, string, Level][] = [
  ['GET', '', 'read'],
  ['HEAD', '', 'read'],
  ['GET', '/versions', 'read'],
  ['GET', '/versions/1', 'read'],
  ['GET', '/versions/tags', 'read'],
  ['GET', '/versions/tags/latest', 'read'],
  ['GET', '/schedules', 'read'],
  ['GET', '/schedules/x', 'read'],
  ['GET', '/schedules/x/history', 'read'],
  ['GET', '/rotate/history', 'read'],
  ['GET', '/rotate/events/x', 'read'],
  ['GET', '/decrypt', 'open'],
  ['GET', '/versions/1/decrypt', 'open'],
  ['POST', '/open', 'open'],
  ['POST', '/versions/1/open', 'open'],
  ['GET', '/open/x', 'open'],
  ['POST', '/clone', 'open'],
  ['PATCH', '', 'write'],
  ['POST', '/rotate', 'write'],
  ['POST', '/rotate/plan', 'write'],
  ['POST', '/undo', 'write'],
  ['POST', '/forget', 'write'],
  ['POST', '/schedules', 'write'],
  ['PATCH', '/schedules/x', 'write'],
  ['POST', '/schedules/x', 'write'],
  ['POST', '/schedules/x/pause', 'write'],
  ['POST', '/schedules/x/resume', 'write'],
  ['DELETE', '/schedules/x', 'write'],
  ['POST', '/versions/tags', 'write'],
  ['PATCH', '/versions/tags/x', 'write'],
  ['DELETE', '/versions/tags/x', 'write'],
  ['DELETE', '', 'admin'],
]

it('the table below is whole: every route of an environment is in it, with its rule', async () => {
  const declared = new Map<string, Access | undefined>()
  const app = createApp(api.services)
  app.addHook('onRoute', ({ method, url, config }) => {
    const path = url.replace('/api/esc/environments/:org/:project/:name', '')
    if (path !== url) declared.set(`${String(method)} ${path}`, config?.access)
  })
  await app.ready()
  await app.close()
  const inTable = new Map(
    RULES.map(([method, path, level]) => [
      `${method} ${path
        .replace('/versions/1', '/versions/:version')
        .replace('/schedules/x', '/schedules/:id')
        .replace('/events/x', '/events/:id')
        .replace('/open/x', '/open/:session')
        .replace(/\/tags\/\w+/, '/tags/:tag')}`,
      level,
    ]),
  )
  const withoutHeads = [...declared].filter(([name]) => !/^HEAD ./.test(name) || name === 'HEAD ')
  for (const [name, access] of withoutHeads) {
    expect(access, name).toMatchObject({ environment: inTable.get(name) ?? 'missing in the table' })
  }
  expect(withoutHeads).toHaveLength(RULES.length)
})

describe.each(RULES)('%s ~%s needs %s', (method, path, needed) => {
  it.each([...LEVELS])('%s', async (level) => {
    const enough = LEVELS.indexOf(level) >= LEVELS.indexOf(needed)
    if (enough && path === '' && method === 'DELETE') return
    const answer = await api.call(method, BASE + path, { as: level === 'admin' ? 'keeper' : level })
    // With the right, whatever comes is about the request itself: it was sent without a body, for things that are not there.
    if (enough) expect([401, 403]).not.toContain(answer.status)
    else {
      expect(answer.status).toBe(403)
      expect(answer.json.message).toMatch(new RegExp(`"${needed}" on main/p/shared.*you have "${level}"`))
    }
  })

  it('none: it does not exist', async () => {
    const answer = await api.call(method, BASE + path, { as: 'none' })
    const absent = await api.call(method, BASE.replace('shared', 'absent') + path, { as: 'none' })
    expect(answer.status).toBe(404)
    expect(answer.text.replace('shared', 'absent')).toBe(absent.text)
  })
})

describe('what one cannot read is in no list', () => {
  it.each([
    ['none', []],
    ['read', ['shared']],
    ['projectwide', ['shared']],
    ['admin', ['shared', 'other']],
  ])('%s sees %j', async (as, names) => {
    for (const path of ['/api/esc/environments', '/api/esc/environments/main']) {
      const { json } = await api.call('GET', path, { as })
      expect(json.environments.map((item: { name: string }) => item.name)).toEqual(names)
    }
  })
})

describe('making an environment needs "write" on its project', () => {
  it.each([
    ['none', 'p', 403],
    ['write', 'p', 403],
    ['projectwide', 'q', 403],
    ['projectwide', 'p', 200],
    ['admin', 'anything', 200],
  ])('%s in %s: %i', async (as, project, status) => {
    const body = { project, name: `made-by-${as}` }
    expect((await api.call('POST', '/api/esc/environments/main', { as, body })).status).toBe(status)
  })

  it('so does cloning into it', async () => {
    for (const [as, project] of [
      ['open', 'p'],
      ['projectwide', 'q'],
    ]) {
      const body = { project, name: 'copy' }
      expect((await api.call('POST', `${BASE}/clone`, { as: as!, body })).status).toBe(403)
    }
  })
})

describe('other organizations', () => {
  it('are not there for who does not belong to them', async () => {
    for (const [method, path] of [
      ['GET', '/api/esc/environments/theirs'],
      ['POST', '/api/esc/environments/theirs'],
      ['POST', '/api/esc/environments/theirs/yaml/check'],
      ['GET', '/api/esc/grants/theirs'],
      ['GET', '/api/orgs/theirs/members'],
    ] as const) {
      expect(await api.call(method, path, { body: '{}' }), path).toMatchObject({
        status: 404,
        json: { code: 404 },
      })
    }
  })
})

describe('grants', () => {
  const grants = '/api/esc/grants/main'
  const give = (as: string, body: object) => api.call('POST', grants, { as, body })

  it('are given and taken by administrators of what they are on, and work at once', async () => {
    await api.person('guest')
    const scope = { login: 'guest', project: 'p', environment: 'shared' }
    expect((await give('write', { ...scope, level: 'read' })).status).toBe(403)
    expect((await give('none', { ...scope, level: 'read' })).status).toBe(404)
    expect((await api.call('GET', BASE, { as: 'guest' })).status).toBe(404)
    expect((await give('keeper', { ...scope, level: 'read' })).status).toBe(204)
    expect((await api.call('GET', BASE, { as: 'guest' })).status).toBe(200)
    expect((await give('keeper', { ...scope, level: 'write' })).status).toBe(204)
    const own = (await api.call('GET', grants, { as: 'guest' })).json.grants
    expect(own).toEqual([
      {
        login: 'guest',
        level: 'write',
        project: 'p',
        environment: 'shared',
        grantedBy: 'keeper',
        created: expect.any(String),
      },
    ])
    expect((await api.call('DELETE', grants, { as: 'keeper', body: scope })).status).toBe(204)
    expect((await api.call('DELETE', grants, { as: 'keeper', body: scope })).status).toBe(404)
    expect((await api.call('GET', BASE, { as: 'guest' })).status).toBe(404)
  })

  it('wider than what one administers are refused', async () => {
    for (const body of [
      { login: 'none', level: 'read' },
      { login: 'none', level: 'read', project: 'p' },
    ]) {
      expect((await give('keeper', body)).status).toBe(403)
      expect((await give('admin', body)).status).toBe(204)
      expect((await api.call('DELETE', grants, { body: { ...body, level: undefined } })).status).toBe(204)
    }
  })

  it.each([
    [{ login: 'none', level: 'owner' }, 400],
    [{ login: 'none', level: 'read', environment: 'shared' }, 400],
    [{ login: 'nobody', level: 'read' }, 404],
    [{ login: 'none', level: 'read', project: 'p', environment: 'absent' }, 404],
    [{ level: 'read' }, 400],
  ])('%j: %i', async (body, status) => {
    expect(await give('admin', body)).toMatchObject({ status, json: { code: status } })
  })
})

describe('members', () => {
  const members = '/api/orgs/main/members'

  it('are added by administrators of the organization; who is new gets a first token', async () => {
    expect((await api.call('POST', members, { as: 'keeper', body: { login: 'newcomer' } })).status).toBe(403)
    const added = await api.call('POST', members, { body: { login: 'newcomer', name: 'New Comer' } })
    expect(added).toMatchObject({ status: 200, json: { login: 'newcomer', tokenValue: expect.any(String) } })
    const user = await api.call('GET', '/api/user', { as: added.json.tokenValue })
    expect(user.json).toMatchObject({ githubLogin: 'newcomer', name: 'New Comer' })
    // Not a way to get hold of somebody who is there already.
    expect((await api.call('POST', members, { body: { login: 'newcomer' } })).json).toEqual({
      login: 'newcomer',
    })
    const list = (await api.call('GET', members, { as: 'none' })).json.members
    expect(list).toContainEqual({ login: 'newcomer', name: 'New Comer' })
  })

  it.each(['', ' ', 'a b', '../x'])('cannot be called %j', async (login) => {
    expect((await api.call('POST', members, { body: { login } })).status).toBe(400)
  })
})
