/** A database of the shared PostgreSQL as the contract suite wants it. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { endRestingSessions } from '../../../rotators/postgres/managing-sessions.ts'
import type { PostgresCredential, PostgresInputs } from '../../../rotators/postgres/schema.ts'
import { snapshotOf } from '../../support/postgres-snapshot.ts'
import { sharedPostgres, targetDatabase } from '../../support/servers.ts'
import type { Fixture } from '../contract/bench.ts'

const quote = pg.escapeIdentifier

/** @param managerSettings as in `ALTER ROLE … SET` */
export async function postgresFixture<Prepared extends PostgresCredential = PostgresCredential>(
  managerSettings: string[] = [],
): Promise<Fixture<PostgresInputs, PostgresCredential, Prepared>> {
  const target = await targetDatabase()
  const [one, two] = target.rotated
  const inputs: PostgresInputs = {
    database: {
      host: target.host,
      port: target.port,
      database: target.database,
      managingUser: { ...target.managing },
    },
    rotateUsers: { username1: one.username, username2: two.username },
  }
  const managedBy = (managingUser: PostgresCredential): PostgresInputs => ({
    ...inputs,
    database: { ...inputs.database, managingUser },
  })
  const powerless = { username: `${target.database}_none`, password: randomBytes(12).toString('hex') }
  await target.admin(`create role ${powerless.username} login password '${powerless.password}'`)
  for (const setting of managerSettings)
    await target.admin(`alter role ${target.managing.username} set ${setting}`)
  const wrong = { ...target.managing, password: randomBytes(12).toString('hex') }
  return {
    inputs,
    address: { host: target.host, port: target.port },
    via: (address) => ({ ...inputs, database: { ...inputs.database, ...address } }),
    wrongManager: managedBy(wrong),
    powerless: managedBy(powerless),
    logsIn: (credential) => target.canLogIn(credential),
    snapshot: () => snapshotOf(target),
    async changeByHand({ username }) {
      await target.admin(`alter role ${quote(username)} password 'somebody-else'`)
    },
    async block({ username }) {
      const { superuser, password, host, port } = await sharedPostgres()
      const client = new pg.Client({ user: superuser, password, host, port, database: target.database })
      await client.connect()
      await client.query('begin')
      await client.query(`alter role ${quote(username)} connection limit 100`)
      return async () => {
        await client.query('rollback')
        await client.end()
      }
    },
    async refusedValue(prepared) {
      // The server's own module for password policies: of a verifier it can tell that the password is the name.
      await target.admin(
        `alter role ${target.managing.username} set session_preload_libraries = 'passwordcheck'`,
      )
      // Read at log-in.
      endRestingSessions()
      return { ...prepared, password: prepared.username }
    },
    secrets: [target.managing.password, powerless.password, wrong.password, one.password, two.password],
    async dispose() {
      await target.admin(`drop role ${powerless.username}`)
      await target.drop()
    },
  }
}
