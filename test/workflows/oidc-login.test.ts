/**
 * A rotation whose managing login is a role of AWS, assumed with an identity token: over the real line, at moto behind
 * an STS that fetches discovery and keys from the server and checks the token as AWS would.
 */
import { sql } from 'kysely'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { AccessKey } from '../../rotators/aws-iam/schema.ts'
import type { Environment } from '../../store/environments.ts'
import { awsTarget, LEAST_ACTIONS, type AwsTarget } from '../support/aws.ts'
import { oidcRole, type OidcRole } from '../support/oidc-role.ts'
import { sharedMoto, uniqueName } from '../support/servers.ts'
import { startWebIdentity, type WebIdentityFront } from '../support/web-identity.ts'
import { startLineApi, type LineApi } from '../server/line-api.ts'

const AUDIENCE = 'aws:acme'
const DAY = 24 * 3_600_000

const THROTTLED = { status: 400, code: 'Throttling', message: 'Rate exceeded' }

let api: LineApi
let front: WebIdentityFront
let role: OidcRole
let targets: AwsTarget[]

beforeAll(async () => {
  const oidc = { audience: 'aws:{org}', lifetime: 90 * DAY, lead: DAY }
  api = await startLineApi({ targetBudget: 3_000 }, { oidc })
  targets = [await awsTarget(), await awsTarget()]
  const moto = await sharedMoto()
  front = await startWebIdentity({ ...moto, endpoint: process.env.AWS_ENDPOINT_URL! })
  vi.stubEnv('AWS_ENDPOINT_URL_STS', front.endpoint)
  role = await oidcRole(moto, {
    issuer: api.url,
    audiences: [AUDIENCE],
    trusted: { audience: AUDIENCE, subject: 'pulumi:environments:org:acme:env:app/*' },
    actions: LEAST_ACTIONS,
  })
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await role.dispose()
  for (const target of targets) await target.dispose()
  await front.close()
  await api.close()
})
beforeEach(() => {
  front.fault = undefined
  front.sessions.length = 0
  front.tokens.length = 0
})

async function loginEnvironment(more = ''): Promise<{ name: string; environment: Environment }> {
  const name = uniqueName('aws')
  const environment = await api.line.environment(
    `values:
  login:
    fn::open::aws-login:
      oidc: { roleArn: ${role.arn}, sessionName: rekey-test, duration: 1h${more} }
`,
    name,
  )
  return { name, environment }
}

async function rotating(login: string, count = 1): Promise<Environment> {
  const calls = targets.slice(0, count).map(
    ({ inputs }, index) => `
  key${index}:
    fn::rotate::aws-iam:
      inputs: { login: '\${environments.app.${login}.login}', userArn: '${inputs.userArn}' }
`,
  )
  return await api.line.environment(`values:${calls.join('')}`)
}

/** A target belongs to one environment; each test has its own. */
async function release(): Promise<void> {
  await api.line.store.db.deleteFrom('target_claims').execute()
  for (const target of targets) for (const id of await target.keys()) await target.deleteKey(id)
}

test('two paths of one event share one session, though STS asks to slow down at first; their keys work; the token says who asks and is nowhere afterwards', async () => {
  const { name } = await loginEnvironment()
  const environment = await rotating(name, 2)
  front.fault = THROTTLED
  const relieving = setInterval(() => {
    if (front.tokens.length > 0) front.fault = undefined
  }, 20)
  const event = await api.line.withWorker(() => api.line.rotate(environment))
  clearInterval(relieving)
  expect(event.rotations.map(({ outcome, message }) => message ?? outcome)).toEqual([
    'succeeded',
    'succeeded',
  ])
  for (const [index, target] of targets.entries()) {
    const { current } = await api.line.state(environment, `key${index}`)
    expect(await target.logsIn(current as unknown as AccessKey)).toBe(true)
  }
  const subject = `pulumi:environments:org:acme:env:app/${environment.name}`
  expect(front.sessions).toEqual([
    { roleArn: role.arn, sessionName: 'rekey-test', seconds: 3600, subject, policyArns: [] },
  ])
  const [refused = '', token = ''] = front.tokens
  expect(decodeJwt(refused).jti).not.toBe(decodeJwt(token).jti)
  const claims = decodeJwt(token)
  expect(claims).toEqual({
    iss: api.url,
    sub: subject,
    aud: AUDIENCE,
    iat: expect.any(Number),
    nbf: claims.iat! - 30,
    exp: claims.iat! + 300,
    jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    org: 'acme',
    project: 'app',
    environment: environment.name,
    root_env: `app/${environment.name}`,
    current_env: `app/${name}`,
    trigger_user: 'ada',
  })
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', typ: 'JWT', kid: expect.any(String) })
  const signature = token.split('.')[2]!
  for (const place of [await everyRow(), api.line.logged.join('\n')]) {
    expect(place.length).toBeGreaterThan(100)
    expect(place).not.toContain(signature)
  }
  await release()
})

async function everyRow(): Promise<string> {
  const { db } = api.line.store
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public'`.execute(db)
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await sql<{ text: string }>`select t::text as text from ${sql.table(name)} t`.execute(db)
    texts.push(...rows.map(({ text }) => text))
  }
  return texts.join('\n')
}

test('the subject is made of what the login asks for: the environment that holds it, whoever imports it at whatever revision', async () => {
  const { name, environment } = await loginEnvironment(
    ', subjectAttributes: [currentEnvironment.name, pulumi.user.login], policyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"]',
  )
  const subject = `pulumi:environments:pulumi.organization.login:acme:currentEnvironment.name:app/${name}:pulumi.user.login:ada`
  await role.trust({ audience: AUDIENCE, subject })
  const importing = await api.line.environment(
    `imports: [app/${name}@${environment.newestRevision}]\nvalues: {}\n`,
  )
  for (const { name: opened } of [environment, importing]) {
    const { status, json } = await open(opened)
    expect({ opened, status, ...json }).toMatchObject({ status: 200 })
    const { login } = await read(opened, json['id'] as string)
    expect(login).toEqual({
      accessKeyId: expect.any(String),
      secretAccessKey: expect.any(String),
      sessionToken: expect.any(String),
    })
  }
  expect(front.sessions.map((session) => session.subject)).toEqual([subject, subject])
  expect(front.sessions[0]!.policyArns).toEqual(['arn:aws:iam::aws:policy/ReadOnlyAccess'])
  await role.trust({ audience: AUDIENCE, subject: 'pulumi:environments:org:acme:env:app/*' })
})

const headers = () => ({ authorization: `token ${api.token}` })
async function open(name: string): Promise<{ status: number; json: Record<string, unknown> }> {
  const url = `${api.url}/api/esc/environments/acme/app/${name}/open?duration=1h`
  const response = await fetch(url, { method: 'POST', headers: headers() })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}
async function read(name: string, session: string): Promise<Record<string, unknown>> {
  const url = `${api.url}/api/esc/environments/acme/app/${name}/open/${session}`
  const { properties } = (await (await fetch(url, { headers: headers() })).json()) as {
    properties: { login: { value: Record<string, { value: unknown }> } }
  }
  const parts = Object.entries(properties.login.value).map(([key, { value }]) => [key, value])
  return { login: Object.fromEntries(parts) as unknown }
}

test('a rotation that the role does not trust ends in its code, with the subject to trust; nothing is made at the target', async () => {
  const { name } = await loginEnvironment()
  const environment = await rotating(name)
  await role.trust({ audience: AUDIENCE, subject: 'pulumi:environments:org:acme:env:other/*' })
  const event = await api.line.withWorker(() => api.line.rotate(environment))
  expect(event.rotations[0]).toMatchObject({
    outcome: 'failed',
    failureCode: 'TARGET_DENIED',
    message: expect.stringContaining(`:sub is "pulumi:environments:org:acme:env:app/${environment.name}"`),
  })
  expect(await targets[0]!.keys()).toEqual([])
  await role.trust({ audience: AUDIENCE, subject: 'pulumi:environments:org:acme:env:app/*' })
  await release()
})

test('an STS that keeps asking to slow down is asked again, until the rotation ends in its code', async () => {
  const { name } = await loginEnvironment()
  const environment = await rotating(name)
  front.fault = THROTTLED
  const event = await api.line.withWorker(() => api.line.rotate(environment))
  expect(event.rotations[0]).toMatchObject({ outcome: 'failed', failureCode: 'TARGET_THROTTLED' })
  expect(front.tokens.length).toBeGreaterThan(1)
  await release()
})
