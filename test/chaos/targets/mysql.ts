/** MariaDB users to rotate: a server of their own, two users behind a wire, and a third that is nobody's business. */
import { createConnection } from 'mysql2/promise'
import { nativeHash } from '../../../rotators/mysql/password.ts'
import type { MysqlCredential } from '../../../rotators/mysql/schema.ts'
import { mariadbAdmin, startMariadb, type MariadbServer } from '../../support/mariadb.ts'
import { databaseUsers, loggedIn, sending, type Database } from './database-users.ts'
import { now, type Conversation, type Seen, type TargetKind } from './target.ts'

const DATABASE = 'fire'

export const mysqlKind: TargetKind = {
  name: 'mysql',
  async start(ground) {
    const server = await startMariadb({
      folder: ground.folder,
      settings: { 'max-connections': '400' },
      signal: ground.signal,
    })
    await mariadbAdmin(server, `CREATE DATABASE ${DATABASE}`)
    let count = 0
    return {
      env: {},
      make: () => databaseUsers(ground, databaseAt(server), `fire_mysql_${++count}`),
      stop: () => server.stop(),
    }
  },
}

function databaseAt(server: MariadbServer): Database {
  return {
    kind: 'mysql',
    host: server.host,
    port: server.port,
    database: DATABASE,
    claimed: (username) => `${username}@%`,
    async create({ managing, rotated, bystander }) {
      await mariadbAdmin(server, [
        ...[managing, ...rotated, bystander].map(
          ({ username, password }) => `CREATE USER ${username}@'%' IDENTIFIED BY '${password}'`,
        ),
        ...rotated.map(({ username }) => `GRANT SELECT ON ${DATABASE}.* TO ${username}@'%'`),
        `GRANT CREATE USER ON *.* TO ${managing.username}@'%'`,
        `GRANT SELECT ON mysql.* TO ${managing.username}@'%'`,
      ])
    },
    async set({ username, password }) {
      await mariadbAdmin(server, `ALTER USER ${username}@'%' IDENTIFIED BY '${password}'`)
    },
    stored: async (usernames) =>
      (await mariadbAdmin(
        server,
        `SELECT User AS name, JSON_VALUE(Priv, '$.authentication_string') AS value FROM mysql.global_priv
          WHERE User IN (${usernames.map((user) => `'${user}'`).join()}) ORDER BY User`,
      )) as { name: string; value: string }[],
    isOf: (value, password) => nativeHash(password) === value,
    logsIn: (credential) => logsIn(server, credential),
    converse,
  }
}

const CHANGE = /ALTER USER '([^']+)'@'%' IDENTIFIED VIA mysql_native_password USING '(\*[0-9A-F]{40})'/
/** Of each message, behind its length and number: what it is. */
const KIND = 4
const OK = 0
const GREETING = 10
/** In the answer to the greeting: behind flags, sizes and a character set. */
const USER_AT = 36

function converse(log: Seen[], target: string): Conversation {
  let greeted = false
  let user: string | undefined
  let authenticated = false
  let change: Seen | undefined
  return {
    sent(chunk) {
      if (greeted && user === undefined)
        user = chunk.toString('latin1', USER_AT, Math.max(USER_AT, chunk.indexOf(0, USER_AT)))
      const [, identity, value] = CHANGE.exec(chunk.toString('latin1')) ?? []
      if (identity === undefined || value === undefined) return undefined
      const seen = sending(target, identity, value)
      log.push((change = seen))
      return {
        // In one step: there is nothing to commit.
        moments: ['change', 'commit'],
        refused: errorAnswer(1819, 'the value is too weak'),
        delivered: () => (seen.deliveredAt = now()),
      }
    },
    answered(chunk) {
      const kind = chunk[KIND]
      if (!greeted) greeted = kind === GREETING
      else if (!authenticated && kind === OK) {
        authenticated = true
        log.push(loggedIn(target, user ?? ''))
      } else if (change?.deliveredAt && change.effectiveAt === null && kind === OK) change.effectiveAt = now()
    },
  }
}

/** An error in answer to a statement. */
function errorAnswer(code: number, words: string): Buffer {
  const body = Buffer.concat([Buffer.from([0xff, code & 255, code >> 8]), Buffer.from(`#HY000${words}`)])
  return Buffer.concat([Buffer.from([body.length, 0, 0, 1]), body])
}

async function logsIn(
  { host, port }: MariadbServer,
  { username, password }: MysqlCredential,
): Promise<boolean> {
  try {
    const connection = await createConnection({ host, port, user: username, password, database: DATABASE })
    await connection.end()
    return true
  } catch (error) {
    if ((error as { errno?: number }).errno === 1045) return false
    throw error
  }
}
