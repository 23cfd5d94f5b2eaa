import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkDefinition } from '../../environments/check.ts'
import { definition, rotateCall, testEnvironments, type TestEnvironments } from '../support/environments.ts'

let at: TestEnvironments
beforeAll(async () => {
  at = await testEnvironments()
})
afterAll(() => at.store.close())

const check = (text: string, { showSecrets = false, login = 'ada' } = {}) =>
  checkDefinition(at.services, { organization: 'acme', text, login, showSecrets })

const CANARY = 'canary-7f3a'

/** Every way for a plaintext secret to get into values, schema and exprs. */
const LEAKY = definition(
  {
    plain: '{ fn::secret: canary-7f3a }',
    nested: '{ deep: [1, { fn::secret: canary-7f3a }], open: seen }',
    copied: '${plain}',
    text: '"<${plain}>"',
    json: `{ fn::toJSON: { inner: { fn::secret: canary-7f3a }, copy: "\${plain}" } }`,
    parsed: `{ fn::fromJSON: { fn::secret: '{"a": "canary-7f3a", "b": ["canary-7f3a"]}' } }`,
    part: '${parsed.b}',
    rejoined: `{ fn::toJSON: { fn::fromJSON: { fn::secret: '{"a": "canary-7f3a"}' } } }`,
    split: `{ fn::split: [",", { fn::secret: "canary-7f3a,canary-7f3a" }] }`,
    base: '{ fn::toBase64: "${plain}" }',
    final: '{ fn::final: { x: "${plain}" } }',
    over: '{ fn::secret: canary-7f3a }',
    creds: rotateCall({ state: { current: { username: 'app_a', password: CANARY } } }),
  },
  ['app/base'],
)

test('nothing secret is in the answer, wherever it came from', async () => {
  await at.make(
    'base',
    definition({ over: '{ fn::secret: canary-7f3a }', beside: '{ fn::secret: canary-7f3a }' }),
  )
  const { wire, diagnostics } = await check(LEAKY)
  expect(diagnostics).toEqual([])
  expect(wire).not.toContain(CANARY)
  expect(wire).not.toContain(Buffer.from(CANARY).toString('base64').slice(0, -2))
  const { properties, exprs, schema } = JSON.parse(wire) as Record<string, Record<string, unknown>>
  expect(properties).toMatchObject({
    plain: { value: '[secret]', secret: true },
    nested: { value: { open: { value: 'seen' } } },
  })
  expect(schema).toMatchObject({
    properties: { nested: { properties: { open: { type: 'string', const: 'seen' } } } },
  })
  expect(exprs).toMatchObject({
    nested: { object: { open: { literal: 'seen', schema: { const: 'seen' } } } },
  })
  expect(Object.keys(exprs!)).toContain('creds')
})

test('what was asked for with secrets has them, imported ones too', async () => {
  const { wire } = await check(definition({ mine: '{ fn::secret: own-secret }' }, ['app/base']), {
    showSecrets: true,
  })
  const { properties } = JSON.parse(wire) as { properties: Record<string, unknown> }
  expect(properties).toMatchObject({
    mine: { value: 'own-secret', secret: true },
    beside: { value: CANARY, secret: true },
  })
})

test('what is wrong is said with its place, beside what could be evaluated', async () => {
  const { wire, diagnostics } = await check(definition({ good: '1', bad: '${bad_ref}' }))
  expect(diagnostics).toMatchObject([
    {
      severity: 'error',
      summary: expect.stringContaining('unknown property "bad_ref"'),
      range: { environment: '<yaml>', begin: { line: 3 } },
    },
  ])
  expect(JSON.parse(wire)).toMatchObject({ properties: { good: { value: 1 } } })
})

test('nobody is logged in to, and what a login would give is unknown', async () => {
  const { wire } = await check(definition({ l: '{ fn::open::test-login: { user: u } }' }))
  expect(at.logins()).toBe(0)
  expect(JSON.parse(wire)).toMatchObject({ properties: { l: { unknown: true } } })
})

test('what the checker may not open, he may not check', async () => {
  const { diagnostics } = await check(definition({ a: '1' }, ['app/base']), {
    login: 'bob',
    showSecrets: true,
  })
  expect(diagnostics).toMatchObject([{ summary: expect.stringContaining('app/base does not exist') }])
})

test('a text of its own opens no secret that was sealed elsewhere', async () => {
  const environment = await at.make('sealed', definition({ pw: `{ fn::secret: ${CANARY} }` }))
  const { wire, diagnostics } = await check((await at.newest(environment)).text, { showSecrets: true })
  expect(diagnostics).toMatchObject([{ summary: expect.stringContaining('opens only there') }])
  expect(wire).not.toContain(CANARY)
})

test('an organization of others does not exist; a text that is too large is refused', async () => {
  await expect(
    checkDefinition(at.services, {
      organization: 'other',
      text: 'values: {}',
      login: 'ada',
      showSecrets: false,
    }),
  ).rejects.toMatchObject({ kind: 'not-found' })
  await expect(check(`values: {a: ${'x'.repeat(2 ** 21)}}`)).rejects.toMatchObject({ kind: 'too-large' })
})
