/** What everybody may read of Rekey as an OpenID provider, and what readyz says of its issuer. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApp } from '../../server/app.ts'
import { Refusal } from '../../model/refusal.ts'
import { registerServerMetrics } from '../../server/metrics.ts'
import { tally } from '../../store/tally.ts'
import { adminCommandLine } from '../cli/command-line.ts'
import { startApi, type Api } from './api.ts'

const times = { audience: 'aws:{org}', lifetime: 90 * 86_400_000, lead: 86_400_000 }
const DOCUMENT = '/.well-known/openid-configuration'
const KEYS = '/.well-known/jwks'

let api: Api
beforeAll(async () => {
  api = await startApi({ oidc: { ...times, issuer: 'https://rekey.invalid/oidc' } })
})
afterAll(() => api.close())

describe('anybody', () => {
  test.for(['', '/oidc'])(
    'finds the issuer and its keys below "%s", and may keep them for a while',
    async (prefix) => {
      const document = await api.call('GET', `${prefix}${DOCUMENT}`, { as: null })
      expect(document.status).toBe(200)
      expect(document.headers['cache-control']).toBe('public, max-age=300')
      expect(document.headers['content-type']).toContain('application/json')
      expect(document.json).toMatchObject({
        issuer: 'https://rekey.invalid/oidc',
        jwks_uri: 'https://rekey.invalid/oidc/.well-known/jwks',
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      })
      const keys = await api.call('GET', `${prefix}${KEYS}`, { as: null })
      expect(keys.headers['cache-control']).toBe('public, max-age=300')
      // Nothing of a private key: those have d, p, q, dp, dq and qi as well.
      expect(keys.json).toEqual({
        keys: [
          { kty: 'RSA', alg: 'RS256', use: 'sig', e: 'AQAB', kid: expect.any(String), n: expect.any(String) },
        ],
      })
      expect(Buffer.from(keys.json.keys[0].n, 'base64url').length * 8).toBeGreaterThanOrEqual(2048)
    },
  )

  test('learns that there is no provider where no issuer is set', async () => {
    const app = createApp({ ...api.services, oidc: undefined as never })
    for (const url of [DOCUMENT, KEYS]) {
      const response = await app.inject({ url })
      expect(response.statusCode).toBe(404)
      expect(response.json().message).toContain('REKEY_OIDC_ISSUER')
      expect(response.headers['cache-control']).toBe('no-store')
    }
    await app.close()
  })

  test('makes no key by asking a server whose own key is not the store’s', async () => {
    await api.db.deleteFrom('oidc_keys').execute()
    const demandKey = () => Promise.reject(new Refusal('unavailable', 'this key file is not the one'))
    const app = createApp({ ...api.services, demandKey })
    expect((await app.inject({ url: KEYS })).statusCode).toBe(503)
    expect(await api.db.selectFrom('oidc_keys').select('id').execute()).toEqual([])
    await app.close()
  })
})

test('the command line says where the issuer leads', async () => {
  const cli = await adminCommandLine(api)
  const { stdout } = await cli.run(['status'])
  expect(stdout).toContain('issuer of identity tokens: not reachable from here')
  await cli.close()
})

describe('readyz', () => {
  const stateAt = async (
    issuer: string,
    prepare?: (app: ReturnType<typeof createApp>) => Promise<string>,
  ) => {
    const oidc = { ...times, issuer }
    const app = createApp({ ...api.services, oidc })
    if (prepare) oidc.issuer = await prepare(app)
    try {
      const response = await app.inject({ url: '/readyz' })
      // Whatever is found: requests can be served.
      expect(response.statusCode).toBe(200)
      return response.json().oidcIssuer as unknown
    } finally {
      await app.close()
    }
  }

  test('says that the issuer leads here', async () => {
    expect(
      await stateAt('http://127.0.0.1', async (app) => {
        const url = await app.listen({ port: 0, host: '127.0.0.1' })
        await app.inject({ url: KEYS })
        return url
      }),
    ).toBe('ok')
  })

  test('says when nobody is there, when somebody else is, and when our keys are not', async () => {
    expect(await stateAt('http://127.0.0.1:1')).toBe('not reachable from here')
    let answer = 'garbage'
    const other = createServer((_request, response) => response.end(answer)).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const issuer = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    expect(await stateAt(issuer)).toBe('another issuer answers there')
    answer = JSON.stringify({ issuer, jwks_uri: `${issuer}/keys`, keys: [{ kid: 'x' }] })
    expect(await stateAt(issuer)).toBe('our keys are not there')
    other.close()
  })
})

test('the keys are counted for whoever watches them', async () => {
  await createApp(api.services).inject({ url: KEYS })
  expect(await tally(api.db)).toMatchObject({ oidcKeys: 1, oidcSigningKeyAge: expect.any(Number) })
  const { registry, oidc, rows } = registerServerMetrics(() => tally(api.db))
  oidc.token('made')
  await rows.refresh()
  const text = await registry.metrics()
  expect(text).toContain('rekey_oidc_tokens_total{outcome="made"} 1')
  expect(text).toMatch(/^rekey_oidc_keys 1$/m)
})
