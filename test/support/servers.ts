/** What a test file asks of the real servers that all files share: databases, rotation targets, Temporal. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import type { SharedMoto } from './moto.ts'
import type { SharedPostgres, SharedTemporal } from './shared-servers.ts'

export interface FreshDatabase {
  /** Connection URL as the superuser. */
  url: string
  name: string
  /** Cuts every session and removes the database. */
  drop(): Promise<void>
}

export interface Login {
  username: string
  password: string
}

/** A database to rotate credentials at, as an owner would hand it to Rekey. */
export interface TargetDatabase {
  host: string
  port: number
  database: string
  /** No superuser; may create roles and has the admin option on the two below. */
  managing: Login
  /** The two users whose passwords take turns. */
  rotated: [Login, Login]
  /** Connection URL for a login, percent-encoded. */
  url(login: Login): string
  /** True when this login is let in; throws on anything but a refused password. */
  canLogIn(login: Login): Promise<boolean>
  /** Runs SQL as the superuser. */
  admin(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  /** Cuts every session and removes database and users. */
  drop(): Promise<void>
}

/** A name that no other test uses; lower-case letters, digits and `_` only. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll('-', '').slice(0, 12)}`
}

async function ask<T>(name: string): Promise<T> {
  const response = await fetch(`${inject('sharedServers')}/${name}`)
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as T
}

let postgres: Promise<SharedPostgres> | undefined

/** The PostgreSQL that all test files share; starts it when it is the first to ask. */
export function sharedPostgres(): Promise<SharedPostgres> {
  return (postgres ??= ask<SharedPostgres>('postgres'))
}

/** The Temporal that all test files share, and a task queue of this call's own. Ids must be unique to the test. */
export async function sharedTemporal(): Promise<SharedTemporal & { namespace: string; taskQueue: string }> {
  return { ...(await ask<SharedTemporal>('temporal')), namespace: 'default', taskQueue: uniqueName('queue') }
}

/** The workflows, bundled once for all test files. */
export function sharedBundle(): Promise<{ codePath: string }> {
  return ask<{ codePath: string }>('bundle')
}

/** The AWS that all test files share, users and keys with unique names in it. */
export function sharedMoto(): Promise<SharedMoto> {
  return ask<SharedMoto>('moto')
}

/** A new, empty database on the shared server. */
export function freshDatabase(): Promise<FreshDatabase> {
  return databaseLike('template1')
}

/** A new database with the schema of a store in it, and no rows: migrated once for all of them. */
export async function migratedDatabase(): Promise<FreshDatabase> {
  const { name } = await ask<{ name: string }>('schema')
  return await databaseLike(name)
}

async function databaseLike(template: string): Promise<FreshDatabase> {
  const server = await sharedPostgres()
  const name = uniqueName('store')
  // Copied as files: half the work of the default, which writes every block into the journal.
  await query(superuserUrl(server), `create database ${name} template ${template} strategy file_copy`)
  return {
    name,
    url: superuserUrl(server, name),
    drop: async () =>
      void (await query(superuserUrl(server), `drop database if exists ${name} with (force)`)),
  }
}

/** A database of the shared server as it is now, under another name. Whoever is connected is cut off for a moment. */
export async function copyOfDatabase(url: string): Promise<FreshDatabase> {
  const root = superuserUrl(await sharedPostgres())
  const [source, name] = [new URL(url).pathname.slice(1), uniqueName('copy')]
  await query(root, `alter database ${source} allow_connections false`)
  try {
    const backends = 'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1'
    await query(root, backends, [source])
    await query(root, `create database ${name} template ${source}`)
  } finally {
    await query(root, `alter database ${source} allow_connections true`)
  }
  return {
    name,
    url: superuserUrl(await sharedPostgres(), name),
    drop: async () => void (await query(root, `drop database if exists ${name} with (force)`)),
  }
}

/** A new database with a managing user and two users to rotate, on the shared server. */
export async function targetDatabase(): Promise<TargetDatabase> {
  const server = await sharedPostgres()
  const database = uniqueName('target')
  const login = (role: string): Login => ({ username: `${database}_${role}`, password: randomUUID() })
  const managing = login('manager')
  const rotated: [Login, Login] = [login('a'), login('b')]
  const users = [managing, ...rotated]
  const root = superuserUrl(server)

  await sequence(root, [
    ...users.map(({ username, password }) => `create role ${username} login password '${password}'`),
    `alter role ${managing.username} createrole`,
    ...rotated.map(
      ({ username }) =>
        `grant ${username} to ${managing.username} with admin option, inherit false, set false`,
    ),
    `create database ${database} owner ${managing.username} strategy file_copy`,
  ])

  const url = ({ username, password }: Login) => urlFor(server, username, password, database)
  return {
    host: server.host,
    port: server.port,
    database,
    managing,
    rotated,
    url,
    canLogIn: (given) => canLogIn(url(given)),
    admin: (sql, values) => query(superuserUrl(server, database), sql, values),
    drop: () =>
      sequence(root, [
        `drop database if exists ${database} with (force)`,
        ...users.map(({ username }) => `drop role if exists ${username}`),
      ]),
  }
}

function superuserUrl(server: SharedPostgres, database = 'postgres'): string {
  return urlFor(server, server.superuser, server.password, database)
}

function urlFor({ host, port }: SharedPostgres, user: string, password: string, database: string): string {
  return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${database}`
}

async function canLogIn(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString })
  try {
    await client.connect()
    return true
  } catch (error) {
    if ((error as { code?: string }).code === '28P01') return false
    throw error
  } finally {
    await client.end()
  }
}

function query(url: string, sql: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
  return inSession(url, async (client) => (await client.query<Record<string, unknown>>(sql, values)).rows)
}

/** One session for all of them, since PostgreSQL starts a process for each session. */
function sequence(url: string, statements: string[]): Promise<void> {
  return inSession(url, async (client) => {
    for (const statement of statements) await client.query(statement)
  })
}

async function inSession<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
