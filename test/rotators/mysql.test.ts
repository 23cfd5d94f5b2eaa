/** The rotator `mysql` under the contract, on a MariaDB. */
import { afterAll, beforeAll } from 'vitest'
import { mysql } from '../../rotators/mysql.ts'
import { contractSuite } from './contract.ts'
import { accounts } from './mysql/fixture.ts'
import { contractServer } from './mysql/own-server.ts'

let server: Awaited<ReturnType<typeof contractServer>>

beforeAll(async () => {
  server = await contractServer()
})
afterAll(() => server.stop())

contractSuite({
  rotator: mysql,
  setup: () => accounts(server),
  secretOf: (credential) => credential.password,
})
