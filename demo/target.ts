/** The database whose users the demo rotates: a PostgreSQL of its own, as somebody else would run it. */
import pg from 'pg'
import { startPostgres, type PostgresServer } from '../embedded/postgres.ts'

export interface Login {
  username: string
  password: string
}

export interface Target {
  host: string
  port: number
  database: string
  /** May change the passwords of the users below, and is no superuser. */
  manager: Login
  /** Runs SQL as the owner of the server, whom Rekey never hears of. */
  asOwner(sql: string): Promise<Record<string, unknown>[]>
  /** The user that the server says one is; undefined when it refuses the password. */
  logIn(login: Login): Promise<string | undefined>
  server: PostgresServer
}

const DATABASE = 'shop'

export async function startTarget(dataDir: string, signal: AbortSignal): Promise<Target> {
  const server = await startPostgres({ dataDir, signal })
  const manager = { username: 'shop_manager', password: 'typed-in-by-hand-once' }
  await server.createDatabase(DATABASE)
  const { host, port } = server
  return {
    host,
    port,
    database: DATABASE,
    manager,
    asOwner: (sql) => query(server.url(DATABASE), sql),
    logIn: ({ username, password }) => {
      const url = `postgres://${username}:${encodeURIComponent(password)}@${host}:${port}/${DATABASE}`
      return query(url, 'select current_user as name').then(
        ([row]) => String(row?.['name']),
        (error: { code?: string }) => {
          if (error.code === '28P01') return undefined
          throw error
        },
      )
    },
    server,
  }
}

async function query(connectionString: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows ?? []
  } finally {
    await client.end()
  }
}
