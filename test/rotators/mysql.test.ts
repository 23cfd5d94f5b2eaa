/** The rotator `mysql` under the contract, on a MariaDB with a password policy. */
import { afterAll, beforeAll } from 'vitest'
import { mysql } from '../../rotators/mysql.ts'
import { mariadbAdmin } from '../support/mariadb.ts'
import type { MariadbServer } from '../support/mariadb.ts'
import { contractSuite } from './contract.ts'
import { accounts } from './mysql/fixture.ts'
import { ownMariadb } from './mysql/own-server.ts'

let server: MariadbServer

beforeAll(async () => {
  server = await ownMariadb()
})
afterAll(() => server.stop())

contractSuite({
  rotator: mysql,
  async setup() {
    const made = await accounts(server)
    return {
      ...made,
      async refusedValue(prepared) {
        await mariadbAdmin(server, `INSTALL SONAME 'simple_password_check'`)
        return { ...prepared, password: 'onlylowercaseletters' }
      },
      async dispose() {
        await mariadbAdmin(server, `UNINSTALL SONAME IF EXISTS 'simple_password_check'`)
        await made.dispose()
      },
    }
  },
  secretOf: (credential) => credential.password,
})
