/** What AWS answers, turned into codes: by a server that answers as it is told, since moto never throttles. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { awsIam } from '../../../rotators/aws-iam.ts'
import { retryAfterOf } from '../../../rotators/aws-iam/failures.ts'
import { NOTHING_YET, failureOf, limits } from '../contract/bench.ts'

let answer: { status: number; code: string; message?: string; headers?: Record<string, string> }
let asked: string[] = []
let seen: string[] = []

const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => (body += chunk))
  request.on('end', () => {
    asked.push(new URLSearchParams(body).get('Action') ?? '')
    seen.push(String(request.headers.authorization))
    const { status, code, message = 'words with SECRET-WORDS', headers } = answer
    response.writeHead(status, { 'content-type': 'text/xml', ...headers })
    response.end(
      `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
    )
  })
})

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  process.env.AWS_ACCESS_KEY_ID = 'AKIAOFTHEWORKERITSELF'
  process.env.AWS_SECRET_ACCESS_KEY = 'of-the-worker'
  process.env.AWS_REGION = 'eu-worker-1'
  process.env.AWS_MAX_ATTEMPTS = '5'
})
afterAll(() => void server.close())

const inputs = {
  userArn: 'arn:aws:iam::123456789012:user/app',
  login: { accessKeyId: 'AKIAMANAGER', secretAccessKey: 'manager-secret' },
}
const prepared = { manager: 'AKIAMANAGER', current: 'A', previous: 'B', seen: ['A', 'B'], remove: 'B' }
const key = { accessKeyId: 'AKIAROTATED', secretAccessKey: 'rotated-secret' }
const secrets = ['manager-secret', 'rotated-secret', 'SECRET-WORDS']

function answers(status: number, code: string, more: Partial<typeof answer> = {}): void {
  answer = { status, code, ...more }
  asked = []
  seen = []
}

describe.for(['Throttling', 'ThrottlingException', 'RequestLimitExceeded', 'TooManyRequestsException'])(
  '%s',
  (code) => {
    test('is throttling, asked once, and says for how long', async () => {
      answers(400, code, { headers: { 'retry-after': '7' } })
      const failure = await failureOf(
        awsIam.prepare(inputs, NOTHING_YET, limits()),
        'TARGET_THROTTLED',
        secrets,
      )
      expect(failure.retryAfter).toBe(7_000)
      expect(asked).toEqual(['GetCallerIdentity'])
    })
  },
)

test.for([
  [400, 'InvalidClientTokenId', 'LOGIN_FAILED'],
  [403, 'SignatureDoesNotMatch', 'LOGIN_FAILED'],
  [403, 'ExpiredToken', 'LOGIN_FAILED'],
  [403, 'AccessDenied', 'TARGET_DENIED'],
  [403, 'AccessDeniedException', 'TARGET_DENIED'],
  [404, 'NoSuchEntity', 'TARGET_NOT_FOUND'],
  [409, 'EntityTemporarilyUnmodifiable', 'TARGET_THROTTLED'],
  [503, 'ServiceUnavailable', 'TARGET_THROTTLED'],
  [500, 'InternalFailure', 'TARGET_UNREACHABLE'],
  [400, 'SomethingNew', 'INTERNAL'],
] as const)('%i %s of the first change is %s, and nothing more is sent', async ([status, code, expected]) => {
  answers(status, code)
  const change = { ...prepared, remove: null }
  const failure = await failureOf(awsIam.apply(inputs, change, limits()), expected, secrets)
  expect(failure.unchanged).toBe(status < 500)
  expect(asked).toEqual(['ListAccessKeys'])
})

describe('a key that is tried', () => {
  test.for(['InvalidClientTokenId', 'SignatureDoesNotMatch', 'UnrecognizedClientException'])(
    '%s: refused',
    async (code) => {
      answers(403, code)
      expect(await awsIam.test(inputs, key, limits())).toBe('refused')
      expect(seen.join()).toContain('Credential=AKIAROTATED/')
      expect(asked).toHaveLength(1)
    },
  )

  test.for([
    [403, 'AccessDenied', 'TARGET_DENIED'],
    [403, 'RequestExpired', 'TARGET_UNREACHABLE'],
    [400, 'Throttling', 'TARGET_THROTTLED'],
    [500, 'InternalFailure', 'TARGET_UNREACHABLE'],
  ] as const)('%i %s says nothing of the key: %s', async ([status, code, expected]) => {
    answers(status, code)
    await failureOf(awsIam.test(inputs, key, limits()), expected, secrets)
  })

  test("a wrong clock is the worker's fault, not the key's", async () => {
    const message = 'Signature expired: 20260101T000000Z is now earlier than 20260101T010000Z'
    answers(403, 'SignatureDoesNotMatch', { message })
    const failure = await failureOf(awsIam.test(inputs, key, limits()), 'TARGET_UNREACHABLE', secrets)
    expect(failure.message).toMatch(/clock/)
  })
})

test("neither the worker's own credentials nor its region nor its retries are used", async () => {
  answers(500, 'InternalFailure')
  await failureOf(awsIam.prepare(inputs, NOTHING_YET, limits()), 'TARGET_UNREACHABLE')
  await failureOf(awsIam.test({ ...inputs, region: 'eu-central-1' }, key, limits()), 'TARGET_UNREACHABLE')
  expect(seen).toHaveLength(2)
  expect(seen[0]).toMatch(/Credential=AKIAMANAGER\/\d+\/us-east-1\/sts\//)
  expect(seen[1]).toMatch(/Credential=AKIAROTATED\/\d+\/eu-central-1\/sts\//)
})

test('AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL_IAM name one service each', async () => {
  const usual = process.env.AWS_ENDPOINT_URL!
  try {
    process.env.AWS_ENDPOINT_URL = 'http://127.0.0.1:1'
    process.env.AWS_ENDPOINT_URL_IAM = usual
    answers(404, 'NoSuchEntity')
    await failureOf(awsIam.apply(inputs, { ...prepared, remove: null }, limits()), 'TARGET_NOT_FOUND')
    await failureOf(awsIam.test(inputs, key, limits()), 'TARGET_UNREACHABLE')
    process.env.AWS_ENDPOINT_URL_STS = usual
    answers(403, 'InvalidClientTokenId')
    expect(await awsIam.test(inputs, key, limits())).toBe('refused')
  } finally {
    process.env.AWS_ENDPOINT_URL = usual
    delete process.env.AWS_ENDPOINT_URL_IAM
    delete process.env.AWS_ENDPOINT_URL_STS
  }
})

test.for([
  [{}, undefined],
  [{ 'retry-after': '3' }, 3_000],
  [{ 'Retry-After': '3' }, 3_000],
  [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }, 30_000],
  [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, undefined],
  [{ 'retry-after': 'soon' }, undefined],
  [{ 'retry-after': '999999' }, 300_000],
  [{ 'x-amz-retry-after': '1500', 'retry-after': '9' }, 1_500],
] as const)('%j is a wait of %s ms', ([headers, wait]) => {
  expect(retryAfterOf(headers, Date.parse('2026-01-01T00:00:00Z'))).toBe(wait)
})
