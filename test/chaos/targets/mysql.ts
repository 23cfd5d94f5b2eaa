/** MariaDB users to rotate: a server of their own, two users behind a wire, and a third that is nobody's business. */
import { randomUUID } from 'node:crypto'
import { createConnection } from 'mysql2/promise'
import { nativeHash } from '../../../rotators/mysql/password.ts'
import type { MysqlCredential } from '../../../rotators/mysql/schema.ts'
import { mariadbAdmin, startMariadb, type MariadbServer } from '../../support/mariadb.ts'
import { startWire } from '../wire.ts'
import {
  now,
  type ChaosTarget,
  type Conversation,
  type Ground,
  type Seen,
  type TargetKind,
} from './target.ts'

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
      make: () => makeTarget(ground, server, `fire_mysql_${++count}`),
      stop: () => server.stop(),
    }
  },
}

async function makeTarget(ground: Ground, server: MariadbServer, name: string): Promise<ChaosTarget> {
  const login = (role: string): MysqlCredential => ({ username: `${name}_${role}`, password: randomUUID() })
  const [managing, first, second, bystander] = [login('manager'), login('a'), login('b'), login('other')]
  await mariadbAdmin(server, [
    ...[managing, first, second, bystander].map(
      ({ username, password }) => `CREATE USER ${username}@'%' IDENTIFIED BY '${password}'`,
    ),
    ...[first, second].map(({ username }) => `GRANT SELECT ON ${DATABASE}.* TO ${username}@'%'`),
    `GRANT CREATE USER ON *.* TO ${managing.username}@'%'`,
    `GRANT SELECT ON mysql.* TO ${managing.username}@'%'`,
  ])
  const wire = await startWire({
    target: server,
    converse: () => converse(ground.seen, name),
    struck: (fault) => ground.struck(fault.name),
  })
  const users = [first.username, second.username]
  const madeByPeople = [first, second]
  const hashes = async (names: string[]) =>
    (await mariadbAdmin(
      server,
      `SELECT User AS name, JSON_VALUE(Priv, '$.authentication_string') AS hash FROM mysql.global_priv
        WHERE User IN (${names.map((user) => `'${user}'`).join()}) ORDER BY User`,
    )) as { name: string; hash: string }[]
  return {
    kind: 'mysql',
    name,
    claims: users.map((user) => `mysql://localhost:${wire.port}/${encodeURIComponent(`${user}@%`)}`).sort(),
    wire,
    handedOver: users,
    yaml: (key) => `  ${key}:
    fn::rotate::mysql:
      inputs:
        database:
          host: ${wire.host}
          port: ${wire.port}
          database: ${DATABASE}
          managingUser:
            username: ${managing.username}
            password: { fn::secret: ${managing.password} }
        rotateUsers: { username1: ${users[0]}, username2: ${users[1]} }
`,
    identity: (credential) => (credential as MysqlCredential).username,
    works: (credential) => logsIn(server, credential as MysqlCredential),
    holdings: async () =>
      (await hashes(users)).map((row) => ({
        identity: row.name,
        foreign: madeByPeople.some(
          ({ username, password }) => username === row.name && nativeHash(password) === row.hash,
        ),
        is: (credential) => isOf(credential, row.name, row.hash),
      })),
    says: (seen, row) =>
      [row.prepared, row.credential].some((said) => isOf(said, seen.identity ?? '', seen.value ?? '')),
    bystanders: async () => JSON.stringify(await hashes([managing.username, bystander.username])),
    ofOnesOwn: (username) => ({ username, password: randomUUID() }),
    setByHand: async (credential) => {
      const { username, password } = credential as MysqlCredential
      madeByPeople.push({ username, password })
      await mariadbAdmin(server, `ALTER USER ${username}@'%' IDENTIFIED BY '${password}'`)
    },
    secrets: [managing.password, first.password, second.password],
    secretsOf: (credential) => [(credential as MysqlCredential).password],
  }
}

function isOf(credential: unknown, name: string, hash: string): boolean {
  const { username, password } = (credential ?? {}) as Partial<MysqlCredential>
  return username === name && password !== undefined && nativeHash(password) === hash
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
      const seen: Seen = {
        target,
        what: 'set',
        at: now(),
        deliveredAt: null,
        identity,
        value,
        effectiveAt: null,
      }
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
        log.push({
          target,
          what: 'login',
          at: now(),
          deliveredAt: now(),
          identity: user ?? '',
          value: null,
          effectiveAt: now(),
        })
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
