/** The frame of the API: rules on every route, errors in one shape, tokens, health. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createApp } from '../../server/app.ts'
import { connectDatabase } from '../../store/database.ts'
import { createToken, revokeToken, listTokens } from '../../store/tokens.ts'
import { startApi, type Api } from './api.ts'

let api: Api
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.close())

describe('every route', () => {
  it('declares who may use it', async () => {
    const seen: [string, unknown][] = []
    const app = createApp(api.services)
    app.addHook('onRoute', (route) => {
      seen.push([`${String(route.method)} ${route.url}`, route.config?.access])
    })
    await app.ready()
    expect(seen.length).toBeGreaterThan(25)
    expect(seen.filter(([, access]) => access === undefined)).toEqual([])
    const open = seen.filter(([, access]) => access === 'anyone').map(([name]) => name)
    expect(open.sort()).toEqual([
      'GET /.well-known/jwks',
      'GET /.well-known/openid-configuration',
      'GET /api/agents/signup',
      'GET /healthz',
      'GET /readyz',
      'HEAD /.well-known/jwks',
      'HEAD /.well-known/openid-configuration',
      'HEAD /api/agents/signup',
      'HEAD /healthz',
      'HEAD /readyz',
    ])
    await app.close()
  })

  it('cannot be registered without a rule', async () => {
    const app = createApp(api.services)
    expect(() => app.get('/api/free', () => 'x')).toThrow(/GET \/api\/free does not say who may use it/)
    await app.close()
  })

  it('answers 401 with words without a token, whatever else is wrong', async () => {
    const app = createApp(api.services)
    const urls: [string, string][] = []
    app.addHook('onRoute', ({ method, url, config }) => {
      if (config?.access !== 'anyone') urls.push([String(method), url])
    })
    await app.ready()
    await app.close()
    for (const [method, url] of urls) {
      const answer = await api.call(method, url.replaceAll(/:\w+/g, 'x'), { as: null })
      expect(answer.status, `${method} ${url}`).toBe(401)
      if (method !== 'HEAD')
        expect(answer.json).toEqual({ code: 401, message: expect.stringContaining('access token') })
    }
  })
})

describe('errors have one shape', () => {
  it.each([
    ['GET', '/nowhere', 404],
    ['GET', '/api/nowhere', 404],
    ['POST', '/healthz', 404],
    ['GET', '/api/agents/signup', 404],
    ['GET', '/api/esc/environments/elsewhere', 404],
    ['GET', '/api/esc/environments?continuationToken=rubbish', 400],
    ['GET', '/api/esc/environments/%ff', 400],
    ['GET', '/api/esc/environments?maxResults=many', 400],
    ['GET', '/api/esc/environments/main/p/%00x', 400],
  ])('%s %s', async (method, path, status) => {
    const answer = await api.call(method, path)
    expect(answer.status).toBe(status)
    expect(answer.json).toEqual({ code: status, message: expect.stringMatching(/\w+ \w+/) })
  })

  it('a defect of ours says nothing but where to look', async () => {
    const app = createApp({ ...api.services, keeper: undefined as never })
    const response = await app.inject({
      method: 'POST',
      url: '/api/esc/environments/main',
      headers: { authorization: `token ${api.tokens['admin']}` },
      payload: { project: 'p', name: 'defect' },
    })
    expect(response.statusCode).toBe(500)
    expect(response.json()).toEqual({
      code: 500,
      message: expect.stringMatching(/^an unexpected error in Rekey/),
    })
    expect(response.payload).not.toMatch(/undefined|wrap|TypeError/)
    await app.close()
  })
})

describe('access tokens', () => {
  it.each([
    ['token rkp_wrong', /not known/],
    ['Basic abc', /needs an access token/],
    ['token', /needs an access token/],
    ['', /needs an access token/],
  ])('%j is refused', async (authorization, words) => {
    const { status, json } = await api.call('GET', '/api/user', { as: null, headers: { authorization } })
    expect(status).toBe(401)
    expect(json.message).toMatch(words)
  })

  it('is refused once expired or revoked', async () => {
    const expiring = await createToken(api.db, { login: 'admin', name: 'short', expiresInMs: 1 })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await api.call('GET', '/api/user', { as: expiring.token.reveal() })).toMatchObject({
      status: 401,
      json: { code: 401, message: expect.stringContaining('expired') },
    })
    const revoked = await createToken(api.db, { login: 'admin', name: 'gone' })
    await revokeToken(api.db, { id: revoked.id, login: 'admin' })
    expect(await api.call('GET', '/api/user', { as: revoked.token.reveal() })).toMatchObject({
      status: 401,
      json: { message: expect.stringContaining('revoked') },
    })
  })

  it('may be written as Bearer too', async () => {
    const headers = { authorization: `Bearer ${api.tokens['admin']}` }
    expect((await api.call('GET', '/api/user', { as: null, headers })).status).toBe(200)
  })

  it('is made, shown once, listed without its text, and ended', async () => {
    const made = await api.call('POST', '/api/user/tokens', { body: { name: 'ci', expiresIn: 60 } })
    expect(made.status).toBe(200)
    expect(made.json.tokenValue).toMatch(/^rkp_/)
    const list = await api.call('GET', '/api/user/tokens', { as: made.json.tokenValue })
    expect(list.text).not.toContain(made.json.tokenValue)
    expect(list.json.tokens.some((token: { id: string }) => token.id === made.json.id)).toBe(true)
    expect((await api.call('DELETE', `/api/user/tokens/${made.json.id}`)).status).toBe(204)
    expect((await api.call('GET', '/api/user', { as: made.json.tokenValue })).status).toBe(401)
    expect((await listTokens(api.db, 'admin')).find(({ id }) => id === made.json.id)?.revokedAt).toBeTruthy()
  })

  it.each([{}, { name: '' }, { name: 'x', expiresIn: 0 }, { name: 'x', expiresIn: '60' }])(
    'is not made from %j',
    async (body) => {
      expect(await api.call('POST', '/api/user/tokens', { body })).toMatchObject({
        status: 400,
        json: { code: 400, message: expect.stringMatching(/body/) },
      })
    },
  )

  it('of somebody else cannot be ended', async () => {
    await api.person('eve')
    const [token] = await listTokens(api.db, 'admin')
    expect((await api.call('DELETE', `/api/user/tokens/${token!.id}`, { as: 'eve' })).status).toBe(404)
  })
})

describe('bodies', () => {
  it('an empty one, one that is no JSON, one that is no object: 400 in words', async () => {
    for (const [body, words] of [
      ['', /empty/],
      ['{', /not JSON/],
      ['[]', /JSON object/],
      [Buffer.from([0xff, 0xfe]).toString('latin1'), /not JSON/],
    ] as const) {
      const answer = await api.call('POST', '/api/esc/environments/main', {
        body,
        headers: { 'content-type': 'application/json' },
      })
      expect(answer).toMatchObject({
        status: 400,
        json: { code: 400, message: expect.stringMatching(words) },
      })
    }
  })

  it('is read whatever its content type says', async () => {
    const body = JSON.stringify({ name: 'any' })
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'application/x-yaml']) {
      const answer = await api.call('POST', '/api/user/tokens', { body, headers: { 'content-type': type } })
      expect(answer.status).toBe(200)
    }
  })
})

describe('who sends a body and never ends it', () => {
  it.each([
    ['/nowhere', 404],
    ['/api/esc/environments/main', 401],
  ])(
    'to %s without a token: answered %i before it is read, and cut off when the server ends',
    async (path, status) => {
      const app = createApp(api.services, { patience: 100 })
      const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
      expect(app.server.requestTimeout).toBeGreaterThan(0)
      const caller = connect(Number(port), '127.0.0.1')
      caller.on('error', () => {})
      caller.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\nx`)
      const [answer] = (await once(caller, 'data')) as [Buffer]
      expect(answer.toString()).toMatch(`HTTP/1.1 ${status} `)
      const ended = once(caller, 'close')
      await app.close()
      await ended
    },
  )
})

describe('health', () => {
  it('readyz looks once for all who ask at the same time, and again for who asks later', async () => {
    let looks = 0
    let arrived = 0
    const { promise: looked, resolve } = Promise.withResolvers<void>()
    const checks = { database: () => (looks++, looked) }
    const app = createApp({ ...api.services, checks })
    app.addHook('preHandler', async () => void arrived++)
    const asked = Array.from({ length: 20 }, () => app.inject('/readyz'))
    await vi.waitFor(() => expect(arrived).toBe(asked.length), 20_000)
    resolve()
    for (const { statusCode } of await Promise.all(asked)) expect(statusCode).toBe(200)
    expect(looks).toBe(1)
    await app.inject('/readyz')
    expect(looks).toBe(2)
    await app.close()
  })

  it('healthz is up while everything else is away; readyz and routes say what is missing, then recover', async () => {
    let temporal = false
    const app = createApp({
      ...api.services,
      db: connectDatabase('postgres://rekey:x@127.0.0.1:1/none'),
      checks: {
        database: () => Promise.reject(new Error('secret text of a driver')),
        Temporal: () => (temporal ? Promise.resolve() : Promise.reject(new Error('down'))),
      },
    })
    expect((await app.inject('/healthz')).statusCode).toBe(200)
    const before = await app.inject('/readyz')
    expect(before.statusCode).toBe(503)
    expect(before.json()).toEqual({
      code: 503,
      message: 'not ready: database, Temporal',
      checks: { database: 'away', Temporal: 'away' },
    })
    temporal = true
    expect((await app.inject('/readyz')).json().message).toBe('not ready: database')
    const user = await app.inject({ url: '/api/user', headers: { authorization: 'token x' } })
    expect(user.statusCode).toBe(503)
    expect(user.json()).toEqual({
      code: 503,
      message: expect.stringContaining('the database cannot be reached right now'),
    })
    await app.close()
    expect((await api.call('GET', '/readyz')).json).toEqual({
      status: 'ok',
      checks: {},
      overdueSchedules: 0,
    })
  })
})

describe('who one is', () => {
  it('in the words of ESC clients', async () => {
    const user = await api.call('GET', '/api/user')
    expect(user.json).toMatchObject({ githubLogin: 'admin', organizations: [{ githubLogin: 'main' }] })
    const org = await api.call('GET', '/api/user/organizations/default')
    expect(org).toMatchObject({ status: 200, json: { gitHubLogin: 'main' } })
  })
})

describe('the log', () => {
  it('names requests and errors, and holds no token, query, body or foreign text', async () => {
    const lines: string[] = []
    const app = createApp(
      {
        ...api.services,
        keeper: {
          ...api.services.keeper,
          wrap: () =>
            Promise.reject(Object.assign(new TypeError('canary-driver-text'), { detail: 'canary-detail' })),
        },
      },
      { logLevel: 'trace', logTo: { write: (line) => void lines.push(line) } },
    )
    const token = api.tokens['admin']!
    for (const [method, url, payload] of [
      ['GET', '/api/user?note=canary-query', undefined],
      ['POST', '/api/user/tokens', { name: 'canary-body' }],
      ['POST', '/api/user/tokens', { nothing: 'canary-body' }],
      ['POST', '/api/esc/environments/main', { project: 'p', name: 'logged' }],
    ] as const) {
      await app.inject({
        method,
        url,
        headers: { authorization: `token ${token}`, 'x-other': 'canary-header' },
        ...(payload && { payload }),
      })
    }
    await app.close()
    const log = lines.join('')
    expect(log).toContain('"path":"/api/user"')
    expect(log).toContain('"type":"TypeError"')
    expect(log).not.toContain(token)
    expect(log).not.toContain('canary')
  })
})
