/** The connection to the store's PostgreSQL: one pool a process. Nothing else in Rekey opens one to it. */
import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { PreparedClient } from './prepared-client.ts'
import type { Tables } from './tables.ts'

export type Database = Kysely<Tables>
/** What a function takes that may run inside somebody else's transaction. */
export type Queryable = Database | Transaction<Tables>

/** Opens a pool lazily; an unreachable server shows at the first query. `databaseUrl`: postgres://user:password@host:port/name */
export function connectDatabase(databaseUrl: string, options: { maxConnections?: number } = {}): Database {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    Client: PreparedClient,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: 10_000,
    // A process that is stopped inside a transaction must not keep its locks.
    idle_in_transaction_session_timeout: 10_000,
    // Nor may a network that went away in silence hold up a query for ever.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'rekey',
  })
  // An idle connection that the server drops must not end the process; the next query opens a new one.
  pool.on('error', () => {})
  // Nor one that it drops in the middle of a query: the query itself fails, and that is told.
  pool.on('connect', (client) => client.on('error', () => {}))
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}
