/** Accounts to rotate on a MariaDB or MySQL, with whoever manages them, and how they are from outside. */
import { randomBytes } from 'node:crypto'
import { createConnection } from 'mysql2/promise'
import type { MysqlCredential, MysqlInputs } from '../../../rotators/mysql/schema.ts'
import { mariadbAdmin } from '../../support/mariadb.ts'
import type { SharedMariadb } from '../../support/mariadb.ts'
import { uniqueName } from '../../support/servers.ts'
import type { Fixture } from '../contract/bench.ts'

export interface Accounts extends Fixture<MysqlInputs, MysqlCredential, MysqlCredential> {
  managing: MysqlCredential
  one: MysqlCredential
  two: MysqlCredential
  database: string
  admin(statements: string | string[]): Promise<Record<string, unknown>[]>
}

/** Ports of the servers that have a password policy for the moment. */
const policies = new Set<number>()

const secret = () => randomBytes(12).toString('hex')

/** @param identified how the two accounts log in, given a password */
export async function accounts(
  server: SharedMariadb,
  identified = (password: string) => `IDENTIFIED BY '${password}'`,
): Promise<Accounts> {
  const database = uniqueName('target')
  const short = `t${database.slice(-8)}`
  const login = (role: string): MysqlCredential => ({ username: `${short}_${role}`, password: secret() })
  const [managing, powerless, one, two] = [login('manager'), login('none'), login('a'), login('b')]
  const admin = (statements: string | string[]) => mariadbAdmin(server, statements)
  await admin([
    `CREATE DATABASE ${database}`,
    ...[managing, powerless].map(
      ({ username, password }) => `CREATE USER ${username}@'%' IDENTIFIED BY '${password}'`,
    ),
    ...[one, two].flatMap(({ username, password }) => [
      `CREATE USER ${username}@'%' ${identified(password)}`,
      `GRANT SELECT, INSERT ON ${database}.* TO ${username}@'%'`,
    ]),
    `GRANT CREATE USER ON *.* TO ${managing.username}@'%'`,
    `GRANT SELECT ON mysql.* TO ${managing.username}@'%'`,
  ])
  const { host, port } = server
  const inputs: MysqlInputs = {
    database: { host, port, database, managingUser: managing },
    rotateUsers: { username1: one.username, username2: two.username },
  }
  const managedBy = (managingUser: MysqlCredential): MysqlInputs => ({
    ...inputs,
    database: { ...inputs.database, managingUser },
  })
  const wrong = { ...managing, password: secret() }
  return {
    inputs,
    managing,
    one,
    two,
    database,
    admin,
    address: { host, port },
    via: (address) => ({ ...inputs, database: { ...inputs.database, ...address } }),
    wrongManager: managedBy(wrong),
    powerless: managedBy(powerless),
    logsIn: (credential) => canLogIn(server, credential),
    snapshot: () =>
      admin(
        `SELECT * FROM mysql.${server.mysql ? 'user' : 'global_priv'} WHERE User LIKE '${short}%' ORDER BY User`,
      ),
    async changeByHand({ username }) {
      await admin(`ALTER USER ${username}@'%' IDENTIFIED BY 'Somebody-else-1'`)
    },
    async block() {
      const { superuser: user, password } = server
      const connection = await createConnection({ host, port, user, password })
      await connection.query(
        server.mysql
          ? 'LOCK TABLES mysql.user WRITE'
          : 'LOCK TABLES mysql.global_priv WRITE, mysql.user WRITE',
      )
      return async () => {
        await connection.query('UNLOCK TABLES')
        await connection.end()
      }
    },
    async refusedValue(prepared) {
      await admin(
        server.mysql
          ? `INSTALL COMPONENT 'file://component_validate_password'`
          : `INSTALL SONAME 'simple_password_check'`,
      )
      policies.add(server.port)
      return { ...prepared, password: 'onlylowercaseletters' }
    },
    secrets: [managing, powerless, wrong, one, two].map(({ password }) => password),
    async dispose() {
      await admin([
        ...(policies.delete(server.port)
          ? [
              server.mysql
                ? `UNINSTALL COMPONENT 'file://component_validate_password'`
                : `UNINSTALL SONAME 'simple_password_check'`,
            ]
          : []),
        ...[managing, powerless, one, two].map(({ username }) => `DROP USER ${username}@'%'`),
        `DROP DATABASE ${database}`,
      ])
    },
  }
}

/** Without the rotator. @throws on anything but a refused password */
export async function canLogIn(
  { host, port }: { host: string; port: number },
  { username, password }: MysqlCredential,
): Promise<boolean> {
  try {
    const connection = await createConnection({ host, port, user: username, password })
    await connection.end()
    return true
  } catch (error) {
    if ((error as { errno?: number }).errno === 1045) return false
    throw error
  }
}
