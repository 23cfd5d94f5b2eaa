/** Logins that evaluations share: what one of them comes upon, all of them must hear as what it is. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHost, LoginCache } from '../../environments/host.ts'
import { DEFAULT_SETTINGS, type Services } from '../../environments/services.ts'
import { check, load, open } from '../../language/index.ts'
import { findLogin } from '../../rotators/logins/index.ts'
import { connectDatabase, type Database } from '../../store/database.ts'
import { isStoreAway } from '../../store/away.ts'

const TEXT = `values:
  login:
    fn::open::aws-login:
      oidc: { roleArn: 'arn:aws:iam::123456789012:role/rekey', sessionName: rekey }
`
let away: Database
beforeAll(() => {
  away = connectDatabase('postgres://nobody@127.0.0.1:1/none')
})
afterAll(() => away.destroy())

const servicesOf = (db: Database) =>
  ({
    db,
    keeper: { hmac: () => Buffer.from('inputs') } as unknown as Services['keeper'],
    findLogin,
    findRotator: () => undefined,
    settings: DEFAULT_SETTINGS,
    oidc: { issuer: 'https://rekey.example.com', audience: 'aws:{org}', lifetime: 1, lead: 1 },
  }) satisfies Services

test.for([
  // A word that is spelt wrong would give the session more rights than were meant.
  ['policyArn: ["arn:aws:iam::aws:policy/ReadOnlyAccess"]', 'property "policyArn" is not allowed'],
  ['subjectAttributes: []', 'at least 1 items'],
  ['subjectAttributes: [aud]', 'expected one of'],
  [`sessionName: ${'x'.repeat(65)}`, 'at most length 64'],
  ['sessionName: two words', 'must match the pattern'],
])('a login with { %s } is refused when it is saved', async ([part, words]) => {
  const text = `values:
  login:
    fn::open::aws-login:
      oidc: { roleArn: 'arn:aws:iam::123456789012:role/rekey', ${part!.startsWith('sessionName') ? '' : 'sessionName: rekey, '}${part} }
`
  const environment = { organization: 'acme' }
  const host = createHost(servicesOf(away), { environment, login: 'ada', logins: 'unknown' })
  const { diagnostics } = await check(load('app/site', text).document, host)
  expect(diagnostics.map(({ summary }) => summary).join('\n')).toContain(words)
})

test('a store that is away while a token is signed is no fault of the login, for nobody who shares it', async () => {
  const services = servicesOf(away)
  const { document } = load('app/site', TEXT)
  const loginCache = new LoginCache()
  const told = await Promise.all(
    [1, 2, 3].map(async () => {
      const environment = { organization: 'acme' }
      const host = createHost(services, { environment, login: 'ada', logins: 'open', loginCache })
      const { diagnostics } = await open(document, host)
      expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(true)
      try {
        host.throwIfStoreFailed()
      } catch (error) {
        return isStoreAway(error)
      }
      return host.loginFailures.map(({ code }) => code)
    }),
  )
  expect(told).toEqual([true, true, true])
})
