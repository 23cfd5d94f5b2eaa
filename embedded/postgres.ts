/** The one-machine PostgreSQL: starts it on a data folder, ends it, makes databases; knows nothing of what is in them. */
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort, portIsFree } from './free-port.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { makeHome, openFolder, SUPERUSER } from './postgres-folder.ts'
import { processCommand } from './process-identity.ts'
import {
  type Ending,
  endOrphan,
  endProcess,
  launchServer,
  type ServerExit,
  type ServerProcess,
} from './server-process.ts'
import { databaseUser } from './system-user.ts'

export interface PostgresOptions {
  /** The cluster's folder, made when missing. Password, pid file and log lie beside it, under its name. */
  dataDir: string
  /** TCP port on 127.0.0.1; a free one when absent. */
  port?: number | undefined
  /** Server settings by name, for instance `{ fsync: 'off' }` where the data may be lost. */
  settings?: Record<string, string>
  /** Gives up starting. */
  signal?: AbortSignal
}

export interface PostgresServer {
  host: string
  port: number
  pid: number
  superuser: string
  password: string
  /** Connection URL of a database as the superuser: holds the password. */
  url(database?: string): string
  /** Makes a database; true when it was not there. */
  createDatabase(name: string): Promise<boolean>
  /** Settles when the server has ended, whoever ended it; never rejects. */
  exited: Promise<ServerExit>
  /** Ends it cleanly, within 15 s in any case. */
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
const START_DEADLINE = 60_000
// SIGINT cuts the sessions and writes a checkpoint; SIGQUIT leaves the rest to recovery.
const ENDING: Ending = [
  { signal: 'SIGINT', patience: 10_000 },
  { signal: 'SIGQUIT', patience: 5_000 },
]

const SETTINGS = {
  listen_addresses: HOST,
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Failed statements may hold what nobody should read in a log.
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
}

/** @throws Error in words a person can act on: folder in use, not passable, port taken, server ends at once. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const dataDir = resolve(options.dataDir)
  const user = await databaseUser(dataDir)
  await makeHome(dataDir, user)
  const binaries = await postgresBinaries(user)
  const beside = (suffix: string) => join(dirname(dataDir), `${basename(dataDir)}.${suffix}`)

  await endOrphan('PostgreSQL', beside('pid'), dataDir, ENDING)
  await endUnrecorded(dataDir)
  if (options.port !== undefined && !(await portIsFree(options.port)))
    throw new Error(`PostgreSQL cannot have port ${options.port} of ${HOST}: something else listens there`)
  const password = await openFolder(dataDir, binaries, user)

  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted()
    const port = options.port ?? (await freePort())
    const settings = { ...SETTINGS, ...options.settings, port: String(port) }
    const logged = await stat(beside('log')).then(
      ({ size }) => size,
      () => 0,
    )
    const server = await launchServer({
      name: 'PostgreSQL',
      file: binaries.postgres,
      args: [
        '-D',
        dataDir,
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
      user,
      pidFile: beside('pid'),
      logFile: beside('log'),
      ending: ENDING,
    })
    const url = (database = 'postgres') =>
      `postgres://${SUPERUSER}:${password}@${HOST}:${port}/${encodeURIComponent(database)}`
    try {
      await untilReady(server, url(), options.signal)
    } catch (error) {
      const reason = error instanceof EndedAtOnce ? await lastComplaint(beside('log'), logged) : ''
      await server.stop()
      // A port lost to a racing process, or the last backends of a killed server still holding its memory.
      const passing = /could not bind|shared memory block/.test(reason)
      if (passing && attempt < 20 && options.port === undefined) {
        await sleep(250)
        continue
      }
      throw new Error(`PostgreSQL does not start on ${dataDir}: ${reason || (error as Error).message}`)
    }
    return {
      host: HOST,
      port,
      superuser: SUPERUSER,
      password,
      url,
      createDatabase: (name) => createDatabase(url(), name),
      ...server,
    }
  }
}

/** A server whose pid file was lost is still known to its data folder; PostgreSQL would only refuse to start. */
async function endUnrecorded(dataDir: string): Promise<void> {
  const lines = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number(lines.split('\n')[0])
  if (processCommand(pid)?.includes(` -D ${dataDir} `)) await endProcess(pid, ENDING)
}

class EndedAtOnce extends Error {}

async function untilReady(
  server: ServerProcess,
  url: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  let ended = false
  void server.exited.then(() => (ended = true))
  const deadline = Date.now() + START_DEADLINE
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return
    } catch (error) {
      const { code } = error as { code?: string }
      if (code === '28P01')
        throw new Error('the password kept beside the data folder is not the one of this cluster')
      signal?.throwIfAborted()
      if (ended) throw new EndedAtOnce('it ended at once')
      if (Date.now() > deadline) throw new Error(`it did not answer within ${START_DEADLINE / 1000} s`)
    } finally {
      await client.end().catch(() => undefined)
    }
    await sleep(25)
  }
}

/** Why the server of this start gave up, in its own words: they hold settings, ports and files, no data. */
async function lastComplaint(logFile: string, from: number): Promise<string> {
  const log = await readFile(logFile).catch(() => Buffer.alloc(0))
  const lines = log.subarray(from).toString().split('\n')
  const last = lines.findLast((line) => /could not bind|shared memory block|FATAL|PANIC/.test(line))
  return last?.replace(/^.*?(FATAL|PANIC|LOG): +/, '') ?? ''
}

async function createDatabase(url: string, name: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`create database ${pg.escapeIdentifier(name)}`)
    return true
  } catch (error) {
    if ((error as { code?: string }).code === '42P04') return false
    throw error
  } finally {
    await client.end()
  }
}
