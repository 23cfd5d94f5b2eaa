/** `aws-login` by oidc against an STS that checks tokens: every way in which AWS says no, in its code and in words to act on. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPair, exportJWK, SignJWT, type CryptoKey } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { RotationFailure } from '../../../model/failures.ts'
import { Secret } from '../../../model/secret.ts'
import { awsLogin } from '../../../rotators/logins/aws-login.ts'
import type { OidcInputs } from '../../../rotators/logins/aws-login/schema.ts'
import { oidcRole, type OidcRole } from '../../support/oidc-role.ts'
import { sharedMoto } from '../../support/servers.ts'
import { startWebIdentity, type WebIdentityFront } from '../../support/web-identity.ts'

const SUBJECT = 'pulumi:environments:org:acme:env:billing/aws'
const AUDIENCE = 'aws:acme'

let front: WebIdentityFront
let role: OidcRole
let issuer: string
let provider: Server
let keys: { privateKey: CryptoKey; publicKey: CryptoKey }

beforeAll(async () => {
  keys = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }
  provider = createServer((request, response) => {
    const isKeys = request.url === '/keys'
    response.end(JSON.stringify(isKeys ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/keys` }))
  }).listen(0, '127.0.0.1')
  await once(provider, 'listening')
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
  const moto = await sharedMoto()
  front = await startWebIdentity(moto)
  vi.stubEnv('AWS_ENDPOINT_URL_STS', front.endpoint)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAOFTHEWORKERITSELF')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'of-the-worker-itself')
  role = await oidcRole(moto, {
    issuer,
    audiences: [AUDIENCE],
    trusted: { audience: AUDIENCE, subject: SUBJECT },
    actions: ['iam:ListAccessKeys'],
  })
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await role.dispose()
  await front.close()
  provider.close()
})
beforeEach(() => {
  front.fault = undefined
  front.sessionsEndAfter = undefined
  front.sessions.length = 0
  front.forgetKeys()
})

interface Said {
  subject?: string
  audience?: string
  issuer?: string
  expiresIn?: number
  key?: CryptoKey
}

const secrets: string[] = []

async function logIn(inputs: Partial<OidcInputs> = {}, said: Said = {}, timeout = 5_000) {
  const {
    subject = SUBJECT,
    audience = AUDIENCE,
    issuer: by = issuer,
    expiresIn = 300,
    key = keys.privateKey,
  } = said
  const now = Math.floor(Date.now() / 1000)
  const token = await new SignJWT({
    sub: subject,
    aud: audience,
    iss: by,
    iat: now,
    exp: now + expiresIn,
    jti: 'x',
  })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .sign(key)
  secrets.push(token, ...token.split('.').slice(1))
  return await awsLogin.open(
    { oidc: { roleArn: role.arn, sessionName: 'rekey', duration: '1h', ...inputs } },
    {
      signal: new AbortController().signal,
      timeout,
      identity: () => Promise.resolve({ token: new Secret(token), issuer: by, subject, audience }),
    },
  )
}

async function refusal(...given: Parameters<typeof logIn>): Promise<RotationFailure> {
  const error: unknown = await logIn(...given).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(RotationFailure)
  const { message } = error as RotationFailure
  for (const secret of secrets) expect(message).not.toContain(secret)
  // In words of ours: nothing of what AWS wrote.
  expect(message).not.toMatch(/not authorized to perform|Incorrect token|Couldn't retrieve|verification key/i)
  return error as RotationFailure
}

test('a token that the role trusts is exchanged for credentials that say until when they are good', async () => {
  const before = Date.now()
  const { outputs, expiresAt } = await logIn()
  expect(outputs).toEqual({
    accessKeyId: expect.stringMatching(/^ASIA/),
    secretAccessKey: expect.any(String),
    sessionToken: expect.any(String),
  })
  expect(expiresAt! - before).toBeGreaterThan(3_500_000)
  expect(expiresAt! - before).toBeLessThan(3_700_000)
})

test('the duration is two hours unless it is given, and a role that allows less is told so', async () => {
  const words = await refusal({ duration: '2h' })
  expect(words).toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringMatching(/120 minutes.*duration to 1h/),
  })
  expect((await refusal({ duration: undefined as never })).message).toBe(words.message)
  await logIn({ duration: '45m' })
  expect(front.sessions[0]!.seconds).toBe(2_700)
})

test.for<[string, Partial<OidcInputs>, Said, RotationFailure['code'], RegExp]>([
  [
    'another subject',
    {},
    { subject: 'pulumi:environments:org:acme:env:x/y' },
    'TARGET_DENIED',
    /:sub is "pulumi:environments:org:acme:env:x\/y"/,
  ],
  [
    'a role that is not there',
    { roleArn: 'arn:aws:iam::123456789012:role/nobody' },
    {},
    'TARGET_DENIED',
    /role\/nobody does not exist or does not trust/,
  ],
  [
    'another audience',
    {},
    { audience: 'aws:other' },
    'LOGIN_FAILED',
    /does not know the audience "aws:other"/,
  ],
  [
    'an issuer that the account does not know',
    {},
    { issuer: 'http://127.0.0.1:1' },
    'LOGIN_FAILED',
    /no identity provider for http:\/\/127\.0\.0\.1:1/,
  ],
  ['a token that is out of date', {}, { expiresIn: -60 }, 'LOGIN_FAILED', /expired.*clock/],
])('%s is refused in its code', async ([, inputs, said, code, words]) => {
  const error = await refusal(inputs, said)
  expect(error).toMatchObject({ code, message: expect.stringMatching(words) })
})

test('a signature of somebody else is refused', async () => {
  const { privateKey } = await generateKeyPair('RS256')
  expect(await refusal({}, { key: privateKey })).toMatchObject({
    code: 'LOGIN_FAILED',
    message: expect.stringContaining(`find the keys of this Rekey there`),
  })
})

test.for<[string, number, RotationFailure['code'], RegExp, string?]>([
  ['IDPCommunicationError', 400, 'TARGET_UNREACHABLE', /from the internet/],
  ['IDPRejectedClaim', 403, 'LOGIN_FAILED', /rejects a claim/],
  ['Throttling', 400, 'TARGET_THROTTLED', /slow down/],
  ['RegionDisabledException', 403, 'INPUT_INVALID', /us-east-1.*oidc\.region/],
  ['PackedPolicyTooLarge', 400, 'INPUT_INVALID', /policyArns/],
  ['MalformedPolicyDocument', 400, 'INPUT_INVALID', /policyArns/],
  ['ValidationError', 400, 'INPUT_INVALID', /roleArn, sessionName/],
  ['InternalFailure', 500, 'TARGET_UNREACHABLE', /fault of its own/],
  ['InvalidIdentityToken', 400, 'LOGIN_FAILED', /must reach that URL/],
  [
    'InvalidIdentityToken',
    400,
    'LOGIN_FAILED',
    /does not trust the certificate of http.*public authority/,
    "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint",
  ],
  ['OptInRequired', 403, 'LOGIN_FAILED', /^AWS refused the identity token/],
])('%s of AWS', async ([code, status, failure, words, text = '']) => {
  front.fault = { code, status, message: `${text} secret of AWS` }
  const error = await refusal()
  expect(error).toMatchObject({ code: failure, message: expect.stringMatching(words) })
  expect(error.message).not.toContain('secret of AWS')
})

test('an STS that says nothing, or is not there, is not waited for', async () => {
  front.fault = 'hang'
  expect(await refusal({}, {}, 300)).toMatchObject({ code: 'TARGET_TIMEOUT' })
  vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:1')
  expect(await refusal()).toMatchObject({ code: 'TARGET_UNREACHABLE' })
  vi.stubEnv('AWS_ENDPOINT_URL_STS', issuer)
  expect(await refusal()).toMatchObject({ code: 'TARGET_UNREACHABLE' })
  vi.stubEnv('AWS_ENDPOINT_URL_STS', front.endpoint)
})
