/**
 * A connector function as those that are deployed for ESC behave, weak points included: no TLS, the parts of the address
 * put together as they are, no deadline, no log-in check, every error an answer, and the database's own words in it.
 */
import mysql from 'mysql2/promise'
import pg from 'pg'

interface User {
  username: string
  password: string
  newPassword?: string
}

interface Event {
  type?: string
  host: string
  port: number
  database: string
  managingUser: User
  rotateUser: User
}

const RUN: Record<string, (event: Event) => Promise<void>> = { mysql: viaMysql, postgres: viaPostgres }

export async function handler(event: Event): Promise<{ code: number; message: string }> {
  try {
    const run = RUN[event.type ?? '']
    if (!run) throw new Error(`unknown event type ${event.type}`)
    if (event.rotateUser?.newPassword === undefined) throw new Error('no password provided')
    await run(event)
    return { code: 200, message: 'ok' }
  } catch (error) {
    return { code: 400, message: (error as Error).message }
  }
}

async function viaPostgres({ managingUser, host, port, database, rotateUser }: Event): Promise<void> {
  const address = `postgres://${managingUser.username}:${managingUser.password}@${host}:${port}/${database}?sslmode=disable`
  const client = new pg.Client({ connectionString: address })
  client.on('error', () => {})
  try {
    // It connects when it first has something to say, so every error is one of rotating.
    await client.connect()
    const [name, password] = [
      pg.escapeIdentifier(rotateUser.username),
      pg.escapeLiteral(rotateUser.newPassword!),
    ]
    await client.query(`ALTER USER ${name} WITH PASSWORD ${password}`)
  } catch (error) {
    throw new Error(`error rotating user ${JSON.stringify(rotateUser.username)}: ${asGo(error, 'pq: ')}`)
  } finally {
    await client.end().catch(() => {})
  }
}

async function viaMysql({ managingUser, host, port, database, rotateUser }: Event): Promise<void> {
  const { username: user, password } = managingUser
  const connection = await mysql.createConnection({ host, port, database, user, password }).catch((error) => {
    throw new Error(`connecting to database: ${asGo(error, '')}`)
  })
  try {
    await connection.query('ALTER USER ? IDENTIFIED BY ?', [rotateUser.username, rotateUser.newPassword])
  } catch (error) {
    throw new Error(`error rotating user ${JSON.stringify(rotateUser.username)}: ${asGo(error, '')}`)
  } finally {
    connection.destroy()
  }
}

/** The same error in the words of the libraries that it is written with. */
function asGo(error: unknown, prefix: string): string {
  const { message, code, errno, sqlState, syscall, address, port } = error as Error &
    Record<string, string | number | undefined>
  if (syscall === 'connect')
    return `dial tcp ${address}:${port}: connect: ${code === 'ECONNREFUSED' ? 'connection refused' : 'connection timed out'}`
  if (syscall === 'getaddrinfo')
    return `dial tcp: lookup ${String((error as { hostname?: string }).hostname)}: no such host`
  if (sqlState !== undefined) return `Error ${errno} (${sqlState}): ${message}`
  return `${prefix}${message}`
}
