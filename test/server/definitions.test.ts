/** Definitions over HTTP: saved, read back sealed, opened, checked, cloned; and every bad text answered in words. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freshName, startApi, type Answer, type Api } from './api.ts'

let api: Api
let name: string
let path: string

beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.close())
beforeEach(async () => {
  name = freshName()
  path = `/api/esc/environments/main/${name}`
  const [project, env] = name.split('/')
  await api.call('POST', '/api/esc/environments/main', { body: { project, name: env } })
})

const save = (body: string, headers: Record<string, string> = {}) =>
  api.call('PATCH', path, { body, headers: { 'content-type': 'application/json', ...headers } })

describe('saving', () => {
  it('answers with the new revision and tag; secrets come back sealed, and in clear for who may', async () => {
    const saved = await save('# kept\nvalues:\n  plain: 1\n  token:\n    fn::secret: hunter2\n')
    expect(saved).toMatchObject({ status: 200, json: {}, headers: { 'pulumi-esc-revision': '2' } })
    const read = await api.call('GET', path)
    expect(read.headers['etag']).toBe(saved.headers['etag'])
    expect(read.text).toMatch(/^# kept\nvalues:\n {2}plain: 1\n {2}token:\n {4}fn::secret:\n {6}ciphertext: /)
    expect(read.text).not.toContain('hunter2')
    for (const suffix of ['/decrypt', '/versions/2/decrypt', '/versions/latest/decrypt']) {
      const clear = await api.call('GET', path + suffix)
      expect(clear.text).toContain('fn::secret: hunter2')
      expect(clear.headers).toMatchObject({ 'pulumi-esc-revision': '2', etag: read.headers['etag'] })
    }
    // What was read goes back unchanged: an edit elsewhere, and a rollback.
    const edited = await save(read.text.replace('plain: 1', 'plain: 2'), {
      etag: String(read.headers['etag']),
    })
    expect(edited.status).toBe(200)
    expect((await save(read.text)).headers['pulumi-esc-revision']).toBe('4')
    expect((await api.call('GET', `${path}/decrypt`)).text).toContain('fn::secret: hunter2')
  })

  it.each(['etag', 'if-match'])('over a stale %s is a 409, and nothing is written', async (header) => {
    const old = String((await api.call('GET', path)).headers['etag'])
    expect((await save('values: {a: 1}', { [header]: old })).status).toBe(200)
    expect(await save('values: {a: 2}', { [header]: old })).toMatchObject({
      status: 409,
      json: { code: 409, message: expect.stringContaining('revision 2 is the newest') },
    })
    expect((await api.call('GET', path)).text).toBe('values: {a: 1}')
    expect((await save('values: {a: 3}', { [header]: '' })).status).toBe(200)
  })

  it('takes no notice of the content type', async () => {
    for (const type of [
      'application/x-yaml',
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded',
    ]) {
      expect((await save('values: {a: 1}', { 'content-type': type })).status).toBe(200)
    }
  })
})

describe('a bad definition is a 4xx in words, and nothing is written', () => {
  const deep = `values:\n  a: ${'['.repeat(200)}1${']'.repeat(200)}\n`
  it.each<[string, string, RegExp, boolean]>([
    ['nothing', '', /empty/, false],
    ['only space', ' \n', /empty/, false],
    ['no YAML', 'values: {a: [', /line 1/, false],
    ['a list', '- 1\n- 2\n', /./, true],
    ['two mebibytes', `values:\n  a: "${'x'.repeat(2 * 1024 * 1024)}"\n`, /bytes/, false],
    ['two hundred levels', deep, /./, true],
    ['an unknown reference', 'values:\n  a: ${b}\n', /b/, true],
    ['an unknown rotator', 'values:\n  a:\n    fn::rotate::nothing:\n      inputs: {}\n', /nothing/, true],
    ['wrong inputs', 'values:\n  a:\n    fn::rotate::postgres:\n      inputs: {database: 5}\n', /./, true],
    ['an import that is not there', 'imports:\n  - p/absent\nvalues: {}\n', /absent/, true],
  ])('%s', async (_, text, words, hasDiagnostics) => {
    const answer = await save(text)
    expect(answer).toMatchObject({ status: 400, json: { code: 400, message: expect.stringMatching(words) } })
    if (hasDiagnostics) {
      const [first] = answer.json.diagnostics
      expect(first).toMatchObject({ summary: expect.any(String), severity: 'error' })
      expect(first.range).toMatchObject({ environment: name, begin: { line: expect.any(Number) } })
    }
    expect((await api.call('GET', path)).headers['pulumi-esc-revision']).toBe('1')
  })

  const rotating = (users: string, managing = 'manager') => `values:
  a:
    fn::rotate::postgres:
      inputs:
        database:
          host: 127.0.0.1
          port: 5432
          database: app
          managingUser: {username: ${managing}, password: {"fn::secret": x}}
        rotateUsers: {${users}}
`
  it.each([
    ['equal user names', rotating('username1: app, username2: app'), /rotateUsers|equal|same/],
    ['the managing user among the rotated', rotating('username1: manager, username2: app'), /managingUser/],
  ])('%s', async (_, text, words) => {
    expect(await save(rotating('username1: a, username2: b'))).toMatchObject({ status: 200 })
    const answer = await save(text)
    expect(answer).toMatchObject({ status: 400, json: { code: 400, message: expect.stringMatching(words) } })
    expect(answer.json.diagnostics[0].range.begin).toMatchObject({ line: expect.any(Number) })
    expect((await api.call('GET', path)).headers['pulumi-esc-revision']).toBe('2')
  })

  it('bytes that are no UTF-8', async () => {
    const response = await api.app.inject({
      method: 'PATCH',
      url: path,
      headers: { authorization: `token ${api.tokens['admin']}` },
      payload: Buffer.from([0x61, 0xff, 0xfe]),
    })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchObject({ code: 400, message: expect.stringContaining('UTF-8') })
  })

  it('a cycle of imports', async () => {
    expect((await save(`imports:\n  - ${name}\nvalues: {}\n`)).json).toMatchObject({
      code: 400,
      message: expect.stringMatching(/cycl/i),
    })
  })

  it('two mebibytes are answered, not cut off, over a real connection', async () => {
    const url = await api.app.listen({ port: 0, host: '127.0.0.1' })
    const response = await fetch(url + path, {
      method: 'PATCH',
      headers: { authorization: `token ${api.tokens['admin']}` },
      body: `values:\n  a: "${'x'.repeat(2 * 1024 * 1024)}"\n`,
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 400, message: expect.stringContaining('bytes') })
  })
})

describe('opening', () => {
  const open = async (suffix = '/open', options: object = {}) => api.call('POST', path + suffix, options)

  it('gives a session under which all, or one property, is read, with one slash or two', async () => {
    await save('values:\n  a:\n    b: [x, {"k.l": 12345678901234567890}]\n  s:\n    fn::secret: hunter2\n')
    const opened = await open('/open?duration=2h0m0s', {
      body: '',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(opened).toMatchObject({ status: 200, json: { id: expect.any(String) } })
    const session = opened.json.id
    const all = await api.call('GET', `${path}/open/${session}`)
    expect(all.json.properties.s).toMatchObject({ value: 'hunter2', secret: true })
    // The number keeps its digits.
    expect(all.text).toContain('12345678901234567890')
    const one = await api.call(
      'GET',
      `${path}/open//${session}?property=${encodeURIComponent('a.b[1]["k.l"]')}`,
    )
    expect(one.text).toContain('"value":12345678901234567890')
    expect((await api.call('GET', `${path}/open/${session}?property=a.z`)).status).toBe(404)
    expect((await api.call('GET', `${path}/open/${session}?property=a[`)).status).toBe(400)
  })

  it('an empty environment is {}', async () => {
    const { json } = await open()
    expect((await api.call('GET', `${path}/open/${json.id}`)).json).toEqual({})
  })

  it('a session belongs to its person and its environment', async () => {
    await save('values: {a: 1}')
    const { json } = await open()
    await api.person('other', 'admin')
    expect((await api.call('GET', `${path}/open/${json.id}`, { as: 'other' })).status).toBe(404)
    const elsewhere = freshName()
    const [project, env] = elsewhere.split('/')
    await api.call('POST', '/api/esc/environments/main', { body: { project, name: env } })
    expect((await api.call('GET', `/api/esc/environments/main/${elsewhere}/open/${json.id}`)).status).toBe(
      404,
    )
  })

  it('an old revision too', async () => {
    await save('values: {a: old}')
    await save('values: {a: new}')
    const { json } = await open('/versions/2/open?duration=1.5s')
    expect((await api.call('GET', `${path}/open/${json.id}`)).json.properties.a.value).toBe('old')
  })

  it.each(['soon', '0s', '9000h', '-1h', '1d'])('for %s is a 400', async (duration) => {
    expect(await open(`/open?duration=${duration}`)).toMatchObject({ status: 400, json: { code: 400 } })
  })
})

describe('checking', () => {
  const check = (body: string, query = ''): Promise<Answer> =>
    api.call('POST', `/api/esc/environments/main/yaml/check${query}`, { body })

  it('a valid text: its expressions and properties, no diagnostics, secrets blank unless asked for', async () => {
    const text = 'values:\n  a: 1\n  s:\n    fn::secret: hunter2\n'
    const plain = await check(text)
    expect(plain.status).toBe(200)
    expect(plain.json).not.toHaveProperty('diagnostics')
    expect(Object.keys(plain.json.exprs)).toEqual(['a', 's'])
    expect(plain.text).not.toContain('hunter2')
    expect((await check(text, '?showSecrets=true')).text).toContain('hunter2')
  })

  it('an invalid one: 400 with diagnostics about <yaml>, and what there is of the environment', async () => {
    const answer = await check('values:\n  a: 1\n  b: ${nowhere}\n')
    expect(answer).toMatchObject({ status: 400, json: { code: 400, message: expect.any(String) } })
    expect(answer.json.diagnostics[0].range).toMatchObject({ environment: '<yaml>', begin: { line: 3 } })
    expect(answer.json.exprs).toBeDefined()
  })
})

describe('cloning', () => {
  it('copies the newest revision, whose secrets open in the clone', async () => {
    await save('values:\n  s:\n    fn::secret: hunter2\n')
    const body = { name: `clone-of-${name.split('/')[1]}` }
    expect((await api.call('POST', `${path}/clone`, { body })).status).toBe(204)
    const clone = `/api/esc/environments/main/${name.split('/')[0]}/${body.name}`
    expect((await api.call('GET', `${clone}/decrypt`)).text).toContain('hunter2')
    expect(await api.call('POST', `${path}/clone`, { body })).toMatchObject({
      status: 409,
      json: { code: 409 },
    })
    for (const wrong of [{}, { name: '.x' }, { name: 'a', version: 'nosuch' }]) {
      const answer = await api.call('POST', `${path}/clone`, { body: wrong })
      expect([400, 404]).toContain(answer.status)
      expect(answer.json.code).toBe(answer.status)
    }
  })
})
