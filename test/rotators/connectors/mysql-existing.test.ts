/** The rotator `mysql` under the contract through a connector function that was deployed for ESC, at a MariaDB. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { lambdaOfProcess, stopLambda } from '../../support/lambda/target.ts'
import { contractSuite } from '../contract.ts'
import { failureOf, limits, NOTHING_YET } from '../contract/bench.ts'
import { accounts } from '../mysql/fixture.ts'
import { contractServer } from '../mysql/own-server.ts'
import { connectedFixture, connectedRotator, type DatabaseFixture } from './fixture.ts'

/** Milliseconds. AWS has five minutes: whatever was held back for longer than this is refused here as it is there. */
const SIGNATURE_LIFETIME = 4_000

const rotator = connectedRotator('mysql')

let server: Awaited<ReturnType<typeof contractServer>>

beforeAll(async () => {
  server = await contractServer()
  const lambda = await lambdaOfProcess()
  lambda.signatureLifetime = SIGNATURE_LIFETIME
})
afterAll(async () => {
  await stopLambda()
  await server?.stop()
})

async function setup(): Promise<DatabaseFixture> {
  const made = await accounts(server)
  // It opens the database as whoever manages; the set-up of ESC grants just this.
  for (const { database } of [made.inputs, made.powerless])
    await made.admin(`GRANT ALTER ON ${made.database}.* TO ${database.managingUser!.username}@'%'`)
  // As documented for such functions: what they wait for at the server ends there. At a MySQL it does not.
  if (!server.mysql) await made.admin(`ALTER USER ${made.managing.username}@'%' WITH MAX_STATEMENT_TIME 1.2`)
  return await connectedFixture('existing', made)
}

contractSuite({
  rotator,
  setup,
  secretOf: ({ password }) => password,
  blind: true,
  carriesOn: 2_500,
  expires: SIGNATURE_LIFETIME,
})

test('an account of some hosts only is none that it can change, and nothing is sent', async () => {
  const fixture = await setup()
  const { username1, username2 } = fixture.inputs.rotateUsers
  const rotateUsers = { username1: `${username1}@10.%`, username2 }
  const inputs = { ...fixture.inputs, rotateUsers }
  const failure = await failureOf(rotator.prepare(inputs, NOTHING_YET, limits()), 'INPUT_INVALID')
  expect(failure.message).toContain('@10.%')
  await fixture.dispose()
})
