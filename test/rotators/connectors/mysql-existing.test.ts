/**
 * The rotator `mysql` under the contract through a connector function that was deployed for ESC, at a MariaDB. All but the
 * deadlines: such a function has none, and what it waits for at a MySQL has no end of its own.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stopLambda } from '../../support/lambda/target.ts'
import { bench, failureOf, limits, NOTHING_YET } from '../contract/bench.ts'
import { interruptedCases } from '../contract/interrupted.ts'
import { refusedCases } from '../contract/refused.ts'
import { rehearsingCases } from '../contract/rehearsing.ts'
import { rotatingCases } from '../contract/rotating.ts'
import { accounts } from '../mysql/fixture.ts'
import { contractServer } from '../mysql/own-server.ts'
import { connectedFixture, connectedRotator, type DatabaseFixture } from './fixture.ts'

const rotator = connectedRotator('mysql')

let server: Awaited<ReturnType<typeof contractServer>>

beforeAll(async () => {
  server = await contractServer()
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
  return await connectedFixture('existing', made)
}

const subject = {
  rotator,
  setup,
  blind: true as const,
  secretOf: ({ password }: { password: string }) => password,
}
describe('rotating', () => rotatingCases(bench(subject)))
describe('rehearsing', () => rehearsingCases(bench(subject)))
describe('answers that get lost', () => interruptedCases(bench(subject)))
describe('what cannot work', () => refusedCases(bench(subject)))

test('an account of some hosts only is none that it can change, and nothing is sent', async () => {
  const fixture = await setup()
  const { username1, username2 } = fixture.inputs.rotateUsers
  const rotateUsers = { username1: `${username1}@10.%`, username2 }
  const inputs = { ...fixture.inputs, rotateUsers }
  const failure = await failureOf(rotator.prepare(inputs, NOTHING_YET, limits()), 'INPUT_INVALID')
  expect(failure.message).toContain('@10.%')
  await fixture.dispose()
})
