/** A real PgBouncer in front of a PostgreSQL, with passwords of its own keeping. One a test; nothing outlives it. */
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from '../../embedded/free-port.ts'
import { processIdentity } from '../../embedded/process-identity.ts'
import { launchServer } from '../../embedded/server-process.ts'
import { databaseUser } from '../../embedded/system-user.ts'
import type { Login } from './servers.ts'

export interface PgBouncer {
  host: string
  port: number
  /** How often it refused this user. */
  refusals(user: string): number
  /** Twice does no harm. */
  stop(): Promise<void>
}

export interface PgBouncerOptions {
  server: { host: string; port: number }
  /** A free one where absent. */
  port?: number
  mode: 'session' | 'transaction' | 'statement'
  /** The passwords that it keeps, in clear. */
  users: Login[]
  /** More lines of its section `[pgbouncer]`. */
  settings?: string[]
  /** What follows host and port of every database: `user=… password=…`. */
  database?: string
}

export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const folder = mkdtempSync(join(tmpdir(), `rekey-test-${process.pid}-`))
  writeFileSync(join(folder, 'owner'), `${process.pid} ${processIdentity(process.pid)}`)
  const [host, port] = ['127.0.0.1', options.port ?? (await freePort())]
  const file = (name: string) => join(folder, name)
  const { server, users } = options
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  writeFileSync(
    file('users'),
    users.map((user) => `${quoted(user.username)} ${quoted(user.password)}\n`).join(''),
  )
  const lines = [
    '[databases]',
    `* = host=${server.host} port=${server.port} ${options.database ?? ''}`,
    '[pgbouncer]',
    `listen_addr = ${host}`,
    `listen_port = ${port}`,
    'unix_socket_dir =',
    `auth_file = ${file('users')}`,
    'auth_type = scram-sha-256',
    `pool_mode = ${options.mode}`,
    'query_wait_timeout = 2',
    ...(options.settings ?? []),
  ]
  writeFileSync(file('ini'), `${lines.join('\n')}\n`)
  // It refuses to run as root, as PostgreSQL does.
  const user = await databaseUser(file('none'))
  if (user) for (const name of ['users', 'ini']) chownSync(file(name), user.uid, user.gid)
  chmodSync(folder, 0o711)
  const running = await launchServer({
    name: 'PgBouncer',
    file: 'pgbouncer',
    args: [file('ini')],
    env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin` },
    user,
    pidFile: file('pgbouncer.pid'),
    logFile: file('log'),
    ending: [{ signal: 'SIGTERM', patience: 2_000 }],
  }).catch((error: unknown) => {
    throw new Error(
      'PgBouncer does not start; the tests need it: apt-get install pgbouncer (Debian, Ubuntu), brew install pgbouncer',
      { cause: error },
    )
  })
  await untilListening(host, port)
  let stopped = false
  return {
    host,
    port,
    refusals: (user) =>
      readFileSync(file('log'), 'utf8')
        .split(`/${user}@`)
        .filter((line) => / closing because: .*authentication failed/.test(line.split('\n')[0]!)).length,
    async stop() {
      if (stopped) return
      stopped = true
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** It answers, in whatever words. */
async function untilListening(host: string, port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const client = new pg.Client({ host, port, user: 'nobody', password: 'x', database: 'none' })
    const code = await client.connect().then(
      () => '',
      (error: { code?: string }) => error.code,
    )
    await client.end().catch(() => undefined)
    if (code !== 'ECONNREFUSED') return
    if (tries === 100) throw new Error('PgBouncer does not listen')
    await sleep(50)
  }
}
