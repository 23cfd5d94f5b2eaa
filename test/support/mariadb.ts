/**
 * A MariaDB of the tests, from the packages of the distribution, in a folder of its own and as an ordinary user. What it
 * holds may be lost at any time.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { accessSync, constants } from 'node:fs'
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createConnection } from 'mysql2/promise'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { freePort } from '../../embedded/free-port.ts'
import { launchServer, type Ending, type ServerProcess } from '../../embedded/server-process.ts'
import { databaseUser } from '../../embedded/system-user.ts'

export interface SharedMariadb {
  host: string
  port: number
  superuser: string
  password: string
  /** True of a MySQL in its place. */
  mysql?: boolean
}

export interface MariadbServer extends SharedMariadb {
  pid: number
  /** Where it writes what it complains about. */
  logFile: string
  stop(): Promise<void>
}

export interface MariadbOptions {
  /** Is made; must be passable for other users when the tests run as root. */
  folder: string
  /** Options of the server, without the leading dashes; `undefined` for one without a value. */
  settings?: Record<string, string | undefined>
  signal?: AbortSignal
}

export const MARIADB_ENDING: Ending = [
  { signal: 'SIGTERM', patience: 10_000 },
  { signal: 'SIGKILL', patience: 5_000 },
]

const HOST = '127.0.0.1'
const SUPERUSER = 'tests_root'
const START_DEADLINE = 60_000
/** System administrators' folders are not on everybody's PATH. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/libexec']
const MISSING =
  'MariaDB is missing, which the tests of the rotator mysql run on: install it (on Debian and Ubuntu: apt-get install mariadb-server)'

/** Small and fast; nothing has to outlive the tests. */
const SETTINGS = {
  'bind-address': HOST,
  'skip-name-resolve': undefined,
  'innodb-flush-log-at-trx-commit': '0',
  'innodb-buffer-pool-size': '32M',
  'innodb-log-file-size': '8M',
  'innodb-doublewrite': '0',
  'max-connections': '300',
  'max-connect-errors': '1000000',
}

export function findMariadb(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** @throws Error in words a person can act on */
export async function startMariadb({ folder, settings, signal }: MariadbOptions): Promise<MariadbServer> {
  const file = findMariadb('mariadbd')
  const install = findMariadb('mariadb-install-db')
  if (!file || !install) throw new Error(MISSING)
  const dataDir = join(folder, 'mariadb')
  const user = await databaseUser(dataDir)
  const identity = user ? { uid: user.uid, gid: user.gid } : {}
  // Servers that share a folder for temporary tables clear away those of one another when they start.
  const tmpdir = join(folder, 'mariadb-tables')
  for (const made of [dataDir, tmpdir]) {
    await mkdir(made, { recursive: true, mode: 0o700 })
    if (user) await chown(made, user.uid, user.gid)
  }
  const password = randomBytes(12).toString('hex')
  const first = join(dataDir, 'first.sql')
  await writeFile(
    first,
    `CREATE USER ${SUPERUSER}@'127.0.0.1' IDENTIFIED BY '${password}';\nGRANT ALL ON *.* TO ${SUPERUSER}@'127.0.0.1' WITH GRANT OPTION;\n`,
  )
  if (user) await chown(first, user.uid, user.gid)
  await promisify(execFile)(
    install,
    [
      '--no-defaults',
      `--datadir=${dataDir}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
    ],
    {
      ...identity,
      cwd: dataDir,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TMPDIR: tmpdir },
    },
  ).catch((error: Error & { stderr?: string }) => {
    throw new Error(`MariaDB cannot make its data folder: ${error.stderr ?? error.message}`)
  })
  const port = await freePort()
  const logFile = join(folder, 'mariadb.log')
  const options = {
    ...SETTINGS,
    ...settings,
    datadir: dataDir,
    tmpdir,
    port: String(port),
    socket: join(dataDir, 'socket'),
    'pid-file': join(dataDir, 'pid'),
    'init-file': first,
  }
  const server = await launchServer({
    name: 'MariaDB',
    file,
    args: [
      '--no-defaults',
      ...Object.entries(options).map(([name, value]) =>
        value === undefined ? `--${name}` : `--${name}=${value}`,
      ),
    ],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    user,
    pidFile: join(folder, 'mariadb.pid'),
    logFile,
    ending: MARIADB_ENDING,
  })
  const access = { host: HOST, port, superuser: SUPERUSER, password }
  try {
    await answering(server, access, signal)
  } catch (error) {
    await server.stop()
    throw error
  }
  return { ...access, pid: server.pid, logFile, stop: () => server.stop() }
}

/** Runs one statement after the other as the superuser; the rows of the last one. */
export async function mariadbAdmin(
  { host, port, superuser: user, password }: SharedMariadb,
  statements: string | string[],
): Promise<Record<string, unknown>[]> {
  const connection = await createConnection({ host, port, user, password })
  try {
    let rows: unknown
    for (const statement of [statements].flat()) [rows] = await connection.query<RowDataPacket[]>(statement)
    return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
  } finally {
    await connection.end()
  }
}

async function answering(
  server: ServerProcess,
  { host, port, superuser: user, password }: SharedMariadb,
  signal?: AbortSignal,
): Promise<void> {
  let ended = false
  void server.exited.then(() => (ended = true))
  const deadline = Date.now() + START_DEADLINE
  for (;;) {
    const connection = await createConnection({ host, port, user, password }).catch(
      (): Connection | undefined => undefined,
    )
    if (connection) return await connection.end()
    signal?.throwIfAborted()
    if (ended || Date.now() > deadline)
      throw new Error('MariaDB does not start; see mariadb.log in the folder of this run')
    await sleep(50)
  }
}
