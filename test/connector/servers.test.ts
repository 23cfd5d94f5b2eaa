/** Our connector function at servers as they are set up in earnest: TLS with an authority of RDS's kind, statements that are logged, `trust`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PostgresCredential, PostgresInputs } from '../../rotators/postgres/schema.ts'
import { tunedServer, type TunedServer } from '../rotators/postgres/tuned-server.ts'
import { certificateAuthority, type Authority } from '../support/certificates.ts'
import { builtConnector } from '../support/lambda/connector.ts'
import { ALL_ACTIONS, REGION, startLambda, type LambdaEndpoint } from '../support/lambda/endpoint.ts'
import type { LambdaFunction } from '../support/lambda/endpoint.ts'

let lambda: LambdaEndpoint
let client: LambdaClient
let server: TunedServer
let authority: Authority
let folder: string
let inputs: PostgresInputs
let user: PostgresCredential
/** Knows the authority, as one with the setting of our template knows those of RDS; the other knows nobody's. */
let knowing: LambdaFunction
let plain: LambdaFunction

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekey-connector-'))
  authority = certificateAuthority()
  await writeFile(join(folder, 'ca.pem'), authority.certificate)
  server = await tunedServer({ log_statement: 'all' })
  ;({ inputs, user } = await server.users('connected'))
  lambda = await startLambda()
  const [endpoint, credentials] = [`http://${lambda.host}:${lambda.port}`, lambda.loginFor(ALL_ACTIONS)]
  client = new LambdaClient({ endpoint, region: REGION, credentials, maxAttempts: 1 })
  const handler = await builtConnector()
  plain = lambda.make({ handler })
  knowing = lambda.make({ handler, environment: { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') } })
})
afterAll(async () => {
  client?.destroy()
  await lambda?.close()
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

let count = 0

async function change(called: LambdaFunction, more: object = {}): Promise<string> {
  user = { ...user, password: `Of-the-application-${++count}` }
  const { username, password: newPassword } = user
  const event = { type: 'postgres', ...inputs.database, rotateUser: { username, newPassword }, ...more }
  const { Payload } = await client.send(
    new InvokeCommand({ FunctionName: called.arn, Payload: JSON.stringify(event) }),
  )
  return (JSON.parse(Buffer.from(Payload!).toString()) as { message: string }).message
}

test('a server is checked against what the function knows, or what the event says; nothing is sent to another', async () => {
  const ca = authority.certificate
  await server.tls(authority.issue(['localhost', '127.0.0.1']))
  expect(await change(knowing, { sslmode: 'verify-full' })).toBe('ok')
  expect(await change(plain, { sslmode: 'verify-full', ca })).toBe('ok')
  expect(await change(plain, { sslmode: 'verify-full' })).toMatch(/^INPUT_INVALID: .*not trusted/)
  const other = certificateAuthority('Another authority').certificate
  expect(await change(knowing, { sslmode: 'verify-full', ca: other })).toMatch(
    /^INPUT_INVALID: .*not trusted/,
  )
  await server.tls(authority.issue(['db.example.com']))
  expect(await change(knowing, { sslmode: 'verify-full' })).toMatch(/^INPUT_INVALID: .*another name/)
})

test('no password is in the log of a server that logs every statement', async () => {
  expect(await change(plain, { sslmode: 'disable' })).toBe('ok')
  const log = await server.log()
  expect(log).toMatch(/ALTER ROLE "connected_user" WITH PASSWORD 'SCRAM-SHA-256\$/)
  expect(log).not.toContain('Of-the-application')
})

test('what a server lets in without asking is not reported as set', async () => {
  await server.rules(`host all ${user.username} 127.0.0.1/32 trust`)
  expect(await change(plain, { sslmode: 'disable' })).toMatch(/^VERIFY_FAILED: .*pg_hba\.conf/)
  await server.rules()
})
