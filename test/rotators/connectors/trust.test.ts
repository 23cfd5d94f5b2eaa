/** A server that lets users in whatever their password is, through a function that has no log-in check of its own. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DatabaseUserInputs } from '../../../rotators/database/schema.ts'
import type { PostgresCredential } from '../../../rotators/postgres/schema.ts'
import { connectorTarget, stopLambda, type ConnectorTarget } from '../../support/lambda/target.ts'
import { failureOf, limits, NOTHING_YET } from '../contract/bench.ts'
import { tunedServer, type TunedServer } from '../postgres/tuned-server.ts'
import { connectedRotator } from './fixture.ts'

const postgres = connectedRotator('postgres')
let server: TunedServer
let target: ConnectorTarget
let inputs: DatabaseUserInputs
let user: PostgresCredential
let secrets: string[]

beforeAll(async () => {
  server = await tunedServer()
  const users = await server.users('trusting')
  ;({ user, secrets } = users)
  target = await connectorTarget('existing')
  inputs = target.through(users.inputs)
})
afterAll(async () => {
  await stopLambda()
  await server?.stop()
})

test('it is noticed before anything is changed, and nothing is when passwords are asked for', async () => {
  expect(inputs.rotateUsers.username1).toBe(user.username)
  const changes = () => target.called.events.filter(({ type }) => type === 'postgres')
  await server.rules(`host all ${user.username} 127.0.0.1/32 trust`)
  for (const work of [
    () => postgres.prepare(inputs, NOTHING_YET, limits()),
    () => postgres.rehearse!(inputs, NOTHING_YET, limits({ sendBy: 0 })),
  ]) {
    const failure = await failureOf(work(), 'VERIFY_FAILED', secrets)
    expect(failure.message).toMatch(/wrong password.*pg_hba\.conf/)
    expect(failure.unchanged).toBe(true)
  }
  for (const { rotateUser } of changes())
    expect((rotateUser as PostgresCredential).username).toMatch(/^rekey_nobody_/)
  await server.rules()
  const made = await postgres.apply(inputs, await postgres.prepare(inputs, NOTHING_YET, limits()), limits())
  expect(await postgres.test(inputs, made, limits())).toBe('works')
})
