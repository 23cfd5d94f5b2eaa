/** What the API says of rotators and login providers, in the shapes that ESC clients read. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JSONSchema } from '../../model/json-schema.ts'
import { schemaRows } from '../../model/schema-rows.ts'
import { findRotator, rotatorNames } from '../../rotators/index.ts'
import { findLogin, loginNames } from '../../rotators/logins/index.ts'
import { startApi, type Api } from './api.ts'

let api: Api
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.close())

const KINDS = [
  ['rotators', rotatorNames(), findRotator],
  ['providers', loginNames(), findLogin],
] as const

describe.each(KINDS)('%s', (kind, names, find) => {
  test('are listed by name, as the registry has them', async () => {
    expect(names.length).toBeGreaterThan(0)
    for (const path of [`/api/esc/${kind}`, `/api/esc/${kind}?orgName=main`, `/api/esc/${kind}?orgName=`]) {
      const { status, json } = await api.call('GET', path)
      expect({ status, json }).toEqual({ status: 200, json: { [kind]: names } })
    }
  })

  test.each(names)('%s: its schema comes through whole, marks included', async (name) => {
    const { status, json } = await api.call('GET', `/api/esc/${kind}/${name}/schema`)
    expect(status).toBe(200)
    const { title, inputs, outputs } = find(name)!
    expect(json).toMatchObject({ name, description: title })
    expect(json.inputs).toEqual(inputs)
    expect(json.outputs).toEqual(outputs)
    expect(json.description).not.toBe('')
    // What is resolved while rotating and what is sealed has to be seen by whoever edits a definition.
    const rows = schemaRows(json.inputs as JSONSchema)
    if (kind === 'rotators') {
      expect(Object.keys(json).sort()).toEqual(
        ['description', 'inputs', 'name', 'outputs', 'permissions', 'slots', 'state', 'withoutTarget'].sort(),
      )
      expect(json.withoutTarget).toBe(['passphrase', 'password'].includes(name))
      const takesSecret = rows.some(({ isSecret }) => isSecret)
      expect(rows.some(({ isRotateOnly }) => isRotateOnly)).toBe(takesSecret)
    } else expect(Object.keys(json).sort()).toEqual(['description', 'inputs', 'name', 'outputs'])
    expect(schemaRows(json.outputs as JSONSchema).some(({ isSecret }) => isSecret)).toBe(true)
  })

  test('one that is not there is 404, and the answer names those that are', async () => {
    for (const name of ['nonsense', '__proto__', 'constructor', 'aws-iam%2F..', '%00']) {
      const { status, json } = await api.call('GET', `/api/esc/${kind}/${name}/schema`)
      expect({ status, code: json.code }).toEqual({ status: 404, code: 404 })
      expect(json.message).toContain(names.join(', '))
    }
  })

  test('nobody without a token, and nothing of an organization that one is not in', async () => {
    for (const path of [`/api/esc/${kind}`, `/api/esc/${kind}/${names[0]}/schema`]) {
      expect((await api.call('GET', path, { as: null })).status).toBe(401)
      expect((await api.call('GET', `${path}?orgName=foreign`)).status).toBe(404)
      expect((await api.call('POST', path, { body: {} })).status).toBe(404)
    }
  })

  test('somebody without any grant may ask', async () => {
    await api.person(`reader-of-${kind}`)
    const { status } = await api.call('GET', `/api/esc/${kind}`, { as: `reader-of-${kind}` })
    expect(status).toBe(200)
  })
})

test('the marks are those that ESC has', async () => {
  const { json } = await api.call('GET', '/api/esc/rotators/postgres/schema')
  expect(json.inputs.properties.database.rotateOnly).toEqual(['managingUser'])
  expect(json.state.properties.current.properties.password.secret).toBe(true)
  expect(json.slots).toBe(2)
  expect(json.permissions[0]).toEqual({
    who: expect.any(String) as string,
    grant: expect.any(String) as string,
    why: expect.any(String) as string,
  })
})
