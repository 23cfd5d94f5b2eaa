/** The rotator `postgres` under the contract through a connector function that was deployed for ESC. */
import { afterAll, beforeAll } from 'vitest'
import { lambdaOfProcess, stopLambda } from '../../support/lambda/target.ts'
import { contractSuite } from '../contract.ts'
import { postgresFixture } from '../postgres/fixture.ts'
import { connectedFixture, connectedRotator } from './fixture.ts'

/** Milliseconds. AWS has five minutes: whatever was held back for longer than this is refused here as it is there. */
const SIGNATURE_LIFETIME = 4_000

beforeAll(async () => {
  const lambda = await lambdaOfProcess()
  lambda.signatureLifetime = SIGNATURE_LIFETIME
})
afterAll(stopLambda)

contractSuite({
  rotator: connectedRotator('postgres'),
  // As documented for such functions: what they wait for at the server ends there.
  setup: async () => connectedFixture('existing', await postgresFixture(["lock_timeout = '1200ms'"])),
  secretOf: ({ password }) => password,
  blind: true,
  carriesOn: 2_500,
  expires: SIGNATURE_LIFETIME,
})
