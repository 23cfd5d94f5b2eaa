/** The rotator `mysql` under the contract through our connector function, at a MariaDB. */
import { afterAll, beforeAll } from 'vitest'
import { stopLambda } from '../../support/lambda/target.ts'
import { contractSuite } from '../contract.ts'
import { accounts } from '../mysql/fixture.ts'
import { contractServer } from '../mysql/own-server.ts'
import { connectedFixture, connectedRotator } from './fixture.ts'

let server: Awaited<ReturnType<typeof contractServer>>

beforeAll(async () => {
  server = await contractServer()
})
afterAll(async () => {
  await stopLambda()
  await server?.stop()
})

contractSuite({
  rotator: connectedRotator('mysql'),
  setup: async () => connectedFixture('ours', await accounts(server)),
  // What a change waits for at the server is waited for during nearly half of its time.
  carriesOn: 2_500,
  secretOf: ({ password }) => password,
})
