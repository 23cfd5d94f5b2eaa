/** A PostgreSQL of a test file's own, whose authentication rules and TLS can be changed while it runs. */
import { randomBytes, randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { chmod, chown, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../../embedded/postgres.ts'
import { processIdentity } from '../../../embedded/process-identity.ts'
import type { PostgresCredential, PostgresInputs } from '../../../rotators/postgres/schema.ts'
import type { Certificate } from '../../support/certificates.ts'

export interface TunedServer {
  port: number
  admin(sql: string): Promise<Record<string, unknown>[]>
  /** Rules of pg_hba.conf that come before the usual one. */
  rules(...lines: string[]): Promise<void>
  /** Serves TLS with this certificate, or no TLS. */
  tls(certificate: Certificate | undefined): Promise<void>
  /** A managing user and one user to rotate, named `<prefix>_manager` and `<prefix>_user`. */
  users(prefix: string): Promise<{ inputs: PostgresInputs; user: PostgresCredential; secrets: string[] }>
  /** What the server has logged so far. */
  log(): Promise<string>
  stop(): Promise<void>
}

export async function tunedServer(settings: Record<string, string> = {}): Promise<TunedServer> {
  // Named and signed so that the next test run ends this server if this one is killed (shared-servers.ts).
  const folder = mkdtempSync(join(tmpdir(), `rekey-test-${process.pid}-`))
  chmodSync(folder, 0o711)
  await writeFile(join(folder, 'owner'), `${process.pid} ${processIdentity(process.pid)}`)
  const dataDir = join(folder, 'postgres')
  const server = await startPostgres({ dataDir, settings: { fsync: 'off', ...settings } })
  const usual = await readFile(join(dataDir, 'pg_hba.conf'), 'utf8')

  async function admin(sql: string): Promise<Record<string, unknown>[]> {
    // Always the way that no rule changes: without TLS, as the superuser.
    const client = new pg.Client({ connectionString: server.url() })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows
    } finally {
      await client.end()
    }
  }

  /** The server takes its files up a moment after it was told. */
  async function reload(asked: string, wanted: unknown): Promise<void> {
    await admin('select pg_reload_conf()')
    for (let wait = 0; wait < 100; wait++) {
      const [row] = await admin(asked)
      if (row?.is === wanted) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`the server did not take up: ${asked}`)
  }

  return {
    port: server.port,
    admin,
    async rules(...lines) {
      const first = `host all ${server.superuser} 127.0.0.1/32 scram-sha-256`
      await writeFile(join(dataDir, 'pg_hba.conf'), [first, ...lines, usual].join('\n'))
      await reload("select now() - pg_conf_load_time() < interval '5 s' as is", true)
      await new Promise((resolve) => setTimeout(resolve, 100))
    },
    async tls(certificate) {
      const { uid, gid } = await stat(dataDir)
      const put = async (name: string, content: string) => {
        const file = join(dataDir, name)
        await writeFile(file, content, { mode: 0o600 })
        await chmod(file, 0o600)
        if (process.getuid?.() === 0) await chown(file, uid, gid)
      }
      if (certificate) {
        await put('server.crt', certificate.certificate)
        await put('server.key', certificate.key)
      }
      await admin(`alter system set ssl = ${certificate ? 'on' : 'off'}`)
      await reload(`select current_setting('ssl') as is`, certificate ? 'on' : 'off')
      await new Promise((resolve) => setTimeout(resolve, 100))
    },
    async users(prefix) {
      const managing = { username: `${prefix}_manager`, password: randomBytes(12).toString('hex') }
      const user = { username: `${prefix}_user`, password: randomUUID() }
      await admin(`create role ${managing.username} login createrole password '${managing.password}'`)
      await admin(`create role ${user.username} login password '${user.password}'`)
      await admin(`grant ${user.username} to ${managing.username} with admin option`)
      const inputs: PostgresInputs = {
        database: { host: '127.0.0.1', port: server.port, database: 'postgres', managingUser: managing },
        rotateUsers: { username1: user.username, username2: 'another' },
      }
      return { inputs, user, secrets: [managing.password, user.password] }
    },
    log: () => readFile(join(folder, 'postgres.log'), 'utf8'),
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
