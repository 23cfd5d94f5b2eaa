/** What goes wrong between a worker and a connector function: each in its own code, in words that hold nothing of the function's. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FailureCode } from '../../../model/failures.ts'
import type { DatabaseUserInputs } from '../../../rotators/database/schema.ts'
import { fault, type LambdaFunction } from '../../support/lambda/endpoint.ts'
import {
  connectorTarget,
  lambdaOfProcess,
  stopLambda,
  type ConnectorKind,
} from '../../support/lambda/target.ts'
import type { ConnectorTarget } from '../../support/lambda/target.ts'
import { NOTHING_YET, failureOf, limits } from '../contract/bench.ts'
import { postgresFixture } from '../postgres/fixture.ts'
import { connectedRotator, type DatabaseFixture } from './fixture.ts'

const postgres = connectedRotator('postgres')

let fixture: DatabaseFixture
let targets: Record<ConnectorKind, ConnectorTarget>
let target: ConnectorTarget
let called: LambdaFunction
let inputs: DatabaseUserInputs
let secrets: string[]

beforeAll(async () => {
  fixture = await postgresFixture()
  targets = { ours: await connectorTarget('ours'), existing: await connectorTarget('existing') }
})
afterAll(async () => {
  await fixture?.dispose()
  await stopLambda()
})
function use(kind: ConnectorKind): void {
  target = targets[kind]
  called = target.called
  inputs = target.through(fixture.inputs)
  secrets = [...fixture.secrets, target.login.secretAccessKey]
}
afterEach(() => {
  for (const { called: one } of Object.values(targets)) {
    one.answer = undefined
    one.events.length = 0
    one.settings.concurrency = 100
  }
})

const prepare = (given = inputs, context = limits()) => postgres.prepare(given, NOTHING_YET, context)

/** Of the fixture's inputs, with another connector. */
function connector(awsLambda: Record<string, unknown>): DatabaseUserInputs {
  return { ...inputs, database: { ...inputs.database, connector: { awsLambda } } }
}

describe('AWS in place of the function', () => {
  beforeEach(() => use('ours'))

  test.for<[string, number, string, string, object, FailureCode, RegExp, boolean]>([
    [
      'at its limit',
      429,
      'TooManyRequestsException',
      'Rate Exceeded.',
      {},
      'TARGET_THROTTLED',
      /limit of concurrency/,
      true,
    ],
    [
      'being updated',
      409,
      'ResourceConflictException',
      'pending',
      {},
      'TARGET_UNREACHABLE',
      /takes no events yet/,
      true,
    ],
    [
      'asleep',
      502,
      'ResourceNotReadyException',
      'inactive',
      {},
      'TARGET_UNREACHABLE',
      /takes no events yet/,
      true,
    ],
    [
      'no addresses',
      502,
      'SubnetIPAddressLimitReachedException',
      'x',
      {},
      'CONNECTOR_FAILED',
      /subnets/,
      true,
    ],
    ['a key that is off', 502, 'KMSDisabledException', 'x', {}, 'CONNECTOR_FAILED', /decrypt/, true],
    [
      'another region',
      403,
      'InvalidSignatureException',
      "Credential should be scoped to a valid Region, not 'x'",
      {},
      'INPUT_INVALID',
      /another region/,
      true,
    ],
    [
      'a clock',
      403,
      'InvalidSignatureException',
      'Signature expired: 20260101T000000Z is now earlier',
      {},
      'TARGET_UNREACHABLE',
      /clock/,
      true,
    ],
    ['a token that expired', 403, 'ExpiredTokenException', 'x', {}, 'LOGIN_FAILED', /awsLambda\.login/, true],
    ['a fault of its own', 500, 'ServiceException', 'x', {}, 'TARGET_UNREACHABLE', /fault of its own/, false],
    [
      'what nobody foresaw',
      400,
      'Sup3r!secret',
      'pa55word',
      {},
      'CONNECTOR_FAILED',
      /an unknown error/,
      true,
    ],
  ])('%s', async ([, status, type, message, more, code, words, unchanged]) => {
    called.answer = fault(status, type, message, more)
    const failure = await failureOf(prepare(), code, [...secrets, 'pa55word', 'Sup3r'])
    expect(failure.message).toMatch(words)
    expect(failure.unchanged).toBe(unchanged)
  })

  test('how long it is to be waited is heeded', async () => {
    const answer = fault(429, 'TooManyRequestsException', 'Rate Exceeded.')
    called.answer = { ...answer, headers: { ...answer.headers, 'retry-after': '7' } }
    expect((await failureOf(prepare(), 'TARGET_THROTTLED')).retryAfter).toBe(7_000)
  })

  test('a function that is switched off is another thing than one that is busy', async () => {
    called.settings.concurrency = 0
    expect((await failureOf(prepare(), 'CONNECTOR_FAILED', secrets)).message).toContain('switched off')
    const login = (await lambdaOfProcess()).loginFor(['lambda:InvokeFunction'])
    await failureOf(prepare(target.through(fixture.inputs, undefined, login)), 'TARGET_THROTTLED', secrets)
  })

  test('a login that is wrong, and one that may not', async () => {
    const lambda = await lambdaOfProcess()
    const lambdaArn = called.arn
    const wrong = { ...target.login, secretAccessKey: 'wrong-secret' }
    await failureOf(prepare(connector({ login: wrong, lambdaArn })), 'LOGIN_FAILED', [
      ...secrets,
      'wrong-secret',
    ])
    const unknown = { ...target.login, accessKeyId: 'AKIANOBODYKNOWSTHIS' }
    await failureOf(prepare(connector({ login: unknown, lambdaArn })), 'LOGIN_FAILED', secrets)
    const login = lambda.loginFor(['lambda:GetFunction'])
    const failure = await failureOf(prepare(connector({ login, lambdaArn })), 'TARGET_DENIED', secrets)
    expect(failure.message).toContain('lambda:InvokeFunction')
  })

  test('a function that is not there, not in this region, or no function at all', async () => {
    for (const lambdaArn of [`${called.arn}x`, called.arn.replace('xx-home-1', 'xx-away-1')]) {
      const failure = await failureOf(
        prepare(connector({ login: target.login, lambdaArn })),
        'INPUT_INVALID',
        secrets,
      )
      expect(failure.message).toMatch(/has no function connector-\S+ in the region xx-/)
    }
    for (const lambdaArn of [
      '',
      7,
      'connector',
      'arn:aws:lambda:eu-central-1:123456789012:layer:x',
      `${called.arn}\n`,
    ])
      expect(() => postgres.targets(connector({ login: target.login, lambdaArn }))).toThrow(
        /lambdaArn must be/,
      )
    expect(() =>
      postgres.targets({ ...inputs, database: { ...inputs.database, connector: { other: {} } } }),
    ).toThrow(/must hold awsLambda/)
    // Whoever only opens an environment has no login, and needs none.
    expect(postgres.targets(connector({ lambdaArn: called.arn }))).toEqual(postgres.targets(inputs))
    await failureOf(prepare(connector({ lambdaArn: called.arn })), 'INPUT_INVALID', secrets)
  })
})

describe('what a function answers', () => {
  beforeEach(() => use('existing'))
  const answer = (body: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    called.answer = { status: 200, headers: { 'x-amzn-requestid': 'one', ...headers }, body: text }
  }
  const error = { 'x-amz-function-error': 'Unhandled' }

  test.for<[string, unknown, Record<string, string>, FailureCode, RegExp]>([
    ['no JSON', '<html>pa55word', {}, 'CONNECTOR_FAILED', /not answer as a connector/],
    ['nothing', 'null', {}, 'CONNECTOR_FAILED', /not answer as a connector/],
    [
      'of another kind',
      { statusCode: 200, body: 'pa55word' },
      {},
      'CONNECTOR_FAILED',
      /not answer as a connector/,
    ],
    [
      'content with an event that it cannot know',
      { code: 200, message: 'ok' },
      {},
      'CONNECTOR_FAILED',
      /not answer as/,
    ],
    [
      'its time is up',
      { errorType: 'Sandbox.Timedout', errorMessage: 'pa55word' },
      error,
      'TARGET_TIMEOUT',
      /time limit/,
    ],
    [
      'its time is up, as older ones say',
      { errorMessage: '2026-01-01 x Task timed out after 3.00 seconds' },
      error,
      'TARGET_TIMEOUT',
      /time limit/,
    ],
    [
      'it broke down',
      { errorType: 'Runtime.ImportModuleError', errorMessage: 'pa55word' },
      error,
      'CONNECTOR_FAILED',
      /broke down \(ImportModuleError\)/,
    ],
    [
      'a failure in words',
      {
        code: 400,
        message: 'x',
        rekey: { failure: { code: 'TARGET_DENIED', words: 'grant it: GRANT a TO b' } },
      },
      {},
      'TARGET_DENIED',
      /GRANT a TO b/,
    ],
    [
      'a failure in many lines',
      { code: 400, message: 'x', rekey: { failure: { code: 'TARGET_DENIED', words: 'pa55word\n' } } },
      {},
      'TARGET_DENIED',
      /managing login/,
    ],
    [
      'a failure of no kind',
      { code: 400, message: 'x', rekey: { failure: { code: 'pa55word', words: 'x' } } },
      {},
      'CONNECTOR_FAILED',
      /not answer as/,
    ],
  ])('%s', async ([, body, headers, code, words]) => {
    answer(body, headers)
    const failure = await failureOf(prepare(), code, [...secrets, 'pa55word'])
    expect(failure.message).toMatch(words)
  })

  test('one that throws at what it does not know is taken for an existing one', async () => {
    answer({ errorType: 'Error', errorMessage: 'unknown event type pa55word' }, error)
    const failure = await failureOf(prepare(), 'CONNECTOR_FAILED', [...secrets, 'pa55word'])
    expect(failure.message).toContain('error of its own')
  })
})

describe('through an existing function', () => {
  beforeEach(() => use('existing'))

  test('it never sees a password that it is not to use, and the database no new password in clear', async () => {
    const prepared = await prepare()
    const made = await postgres.apply(inputs, prepared, limits())
    expect(await postgres.test(inputs, made, limits())).toBe('works')
    expect(called.events.filter(({ type }) => type === 'rekey')).toEqual(
      Array.from({ length: 3 }, () => ({ type: 'rekey', protocol: 1, action: 'about' })),
    )
    const changes = called.events.filter(({ type }) => type === 'postgres')
    const users = changes.map(({ rotateUser }) => rotateUser as { username: string; newPassword: string })
    expect(users.map(({ username }) => username.startsWith('rekey_nobody_'))).toEqual([
      true,
      true,
      false,
      true,
    ])
    expect(users[2]!.newPassword).toMatch(/^SCRAM-SHA-256\$4096:/)
    for (const { newPassword } of users) expect(newPassword).not.toContain(made.password)
  })

  test('trying a log-in leaves everything as it was', async () => {
    const before = await fixture.snapshot()
    const managing = inputs.database.managingUser!
    expect(await postgres.test(inputs, managing, limits())).toBe('works')
    expect(await postgres.test(inputs, { ...managing, password: 'wrong' }, limits())).toBe('refused')
    expect(await postgres.test(inputs, { username: 'nobody', password: 'wrong' }, limits())).toBe('refused')
    expect(await fixture.snapshot()).toEqual(before)
  })

  test('how long a lost change may still land: as long as the function may run, or the most there is', async () => {
    called.settings.timeout = 3_000
    expect(postgres.lingers!(await prepare())).toBe(3_000 + 10 * 60_000)
    const login = (await lambdaOfProcess()).loginFor(['lambda:InvokeFunction'])
    const prepared = await prepare(target.through(fixture.inputs, undefined, login))
    expect(postgres.lingers!(prepared)).toBe(25 * 60_000)
    use('ours')
    expect(postgres.lingers!(await prepare())).toBe(0)
  })

  test('a function that took the place of ours is sent nothing', async () => {
    const { lingers: _, ...prepared } = await prepare()
    called.events.length = 0
    const failure = await failureOf(postgres.apply(inputs, prepared, limits()), 'CONNECTOR_FAILED', secrets)
    expect(failure.unchanged).toBe(true)
    expect(called.events).toEqual([{ type: 'rekey', protocol: 1, action: 'about' }])
  })

  test('what it cannot see is said, in a rotation and in a dry run', async () => {
    const warned: string[] = []
    await prepare(inputs, { ...limits(), warn: (words) => warned.push(words) })
    const { warnings } = await postgres.rehearse!(inputs, NOTHING_YET, limits({ sendBy: 0 }))
    expect(warned).toEqual(warnings)
    expect(warnings.join()).toMatch(/exists and may log in.*without TLS/)
  })

  test('TLS that it does not have is refused, not left out', async () => {
    for (const more of [{ sslmode: 'verify-full' as const }, { ca: 'any' }]) {
      const wanted = { ...inputs, database: { ...inputs.database, ...more } }
      await failureOf(prepare(wanted), 'INPUT_INVALID', secrets)
    }
  })
})
