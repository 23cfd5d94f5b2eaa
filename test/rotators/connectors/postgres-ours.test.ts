/** The rotator `postgres` under the contract through our connector function, as it is deployed. */
import { afterAll } from 'vitest'
import { stopLambda } from '../../support/lambda/target.ts'
import { contractSuite } from '../contract.ts'
import { postgresFixture } from '../postgres/fixture.ts'
import { connectedFixture, connectedRotator } from './fixture.ts'

afterAll(stopLambda)

contractSuite({
  rotator: connectedRotator('postgres'),
  setup: async () => connectedFixture('ours', await postgresFixture()),
  // A lock is waited for during nearly half of the time that a change may take.
  carriesOn: 2_500,
  secretOf: ({ password }) => password,
})
