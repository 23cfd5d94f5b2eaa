/** PostgreSQL users to rotate: a server of their own, two users behind a wire, and a third that is nobody's business. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../../embedded/postgres.ts'
import type { PostgresCredential } from '../../../rotators/postgres/schema.ts'
import { databaseUsers, loggedIn, sending, type Database } from './database-users.ts'
import {
  now,
  type Conversation,
  type Ground,
  type Seen,
  type TargetKind,
  type TargetServer,
} from './target.ts'

const DATABASE = 'postgres'

export const postgresKind: TargetKind = { name: 'postgres', start: (ground) => startPostgresTargets(ground) }

/** @param prefix of the names of users */
export async function startPostgresTargets(ground: Ground, prefix = 'fire'): Promise<TargetServer> {
  const server = await startPostgres({
    dataDir: join(ground.folder, 'target'),
    settings: {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      max_connections: '400',
      // The checker tells from a verifier which password it is of, many times over.
      scram_iterations: '64',
    },
    signal: ground.signal,
  })
  let count = 0
  return {
    env: {},
    make: () => databaseUsers(ground, databaseAt(server), `${prefix}_${++count}`),
    stop: () => server.stop(),
  }
}

function databaseAt(server: { host: string; port: number; url(): string }): Database {
  return {
    kind: 'postgres',
    host: server.host,
    port: server.port,
    database: DATABASE,
    claimed: (username) => username,
    create: ({ managing, rotated, bystander }) =>
      query(server.url(), async (client) => {
        for (const { username, password } of [managing, ...rotated, bystander])
          await client.query(`create role ${username} login password '${password}'`)
        await client.query(`alter role ${managing.username} createrole`)
        for (const { username } of [...rotated, bystander])
          await client.query(
            `grant ${username} to ${managing.username} with admin option, inherit false, set false`,
          )
      }),
    set: ({ username, password }) =>
      query(server.url(), async (client) => {
        await client.query(`alter role ${username} password '${password}'`)
      }),
    stored: (usernames) =>
      query(server.url(), async (client) => {
        const { rows } = await client.query<{ name: string; value: string }>(
          'select rolname as name, rolpassword as value from pg_authid where rolname = any($1) order by 1',
          [usernames],
        )
        return rows
      }),
    isOf,
    logsIn: (credential) => logsIn(server, credential),
    converse,
  }
}

const CHANGE = /ALTER ROLE "([^"]+)" WITH PASSWORD '([^']+)'/
/** What the server says of a log-in that it accepts, and of a transaction that it keeps. */
const AUTHENTICATED = Buffer.from('520000000800000000', 'hex')
const COMMITTED = Buffer.from('COMMIT\0')

function converse(log: Seen[], target: string): Conversation {
  let user: string | undefined
  let change: Seen | undefined
  let committing = false
  return {
    sent(chunk) {
      user ??= /user\0([^\0]+)\0/.exec(chunk.toString('latin1'))?.[1]
      const [, identity, value] = CHANGE.exec(chunk.toString('latin1')) ?? []
      if (identity !== undefined && value !== undefined) {
        const seen = sending(target, identity, value)
        log.push((change = seen))
        return {
          moments: ['change'],
          refused: errorAnswer('P0001', 'the value is too weak'),
          delivered: () => (seen.deliveredAt = now()),
        }
      }
      if (!chunk.includes(COMMITTED)) return undefined
      return { moments: ['commit'], delivered: () => (committing = true) }
    },
    answered(chunk) {
      if (user !== undefined && chunk.includes(AUTHENTICATED)) log.push(loggedIn(target, user))
      if (change && committing && chunk.includes(COMMITTED)) change.effectiveAt = now()
    },
  }
}

/** An ErrorResponse, and that the transaction has failed. */
function errorAnswer(state: string, words: string): Buffer {
  const fields = Buffer.from(`SERROR\0VERROR\0C${state}\0M${words}\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields, Buffer.from('5a0000000545', 'hex')])
}

const known = new Map<string, boolean>()

/** Whether a SCRAM verifier is of this password (RFC 5803). */
function isOf(verifier: string, password: string): boolean {
  const key = `${verifier} ${password}`
  const before = known.get(key)
  if (before !== undefined) return before
  const [, iterations, salt, stored] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):/.exec(verifier) ?? []
  if (!iterations || !salt || !stored) return false
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256')
  const client = createHmac('sha256', salted).update('Client Key').digest()
  const answer = createHash('sha256').update(client).digest('base64') === stored
  known.set(key, answer)
  return answer
}

async function logsIn(
  { host, port }: { host: string; port: number },
  { username: user, password }: PostgresCredential,
): Promise<boolean> {
  const client = new pg.Client({ host, port, user, password, database: DATABASE })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch (error) {
    if ((error as { code?: string }).code === '28P01') return false
    throw error
  } finally {
    await client.end().catch(() => {})
  }
}

async function query<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
