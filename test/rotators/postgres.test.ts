/** The rotator `postgres` under the contract, on the shared server. */
import { postgres } from '../../rotators/postgres.ts'
import { contractSuite } from './contract.ts'
import { postgresFixture } from './postgres/fixture.ts'

contractSuite({
  rotator: postgres,
  setup: () => postgresFixture(),
  secretOf: (credential) => credential.password,
})
