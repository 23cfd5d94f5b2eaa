/**
 * vitest's globalSetup: one PostgreSQL, one Temporal and one AWS (moto) for all test files, each started when a test first asks for it
 * and ended with the run. Tests ask over a loopback port (servers.ts), since they run in other processes.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { TestProject } from 'vitest/node'
import { config } from '../../config/index.ts'
import { startPostgres } from '../../embedded/postgres.ts'
import { processIdentity } from '../../embedded/process-identity.ts'
import { endOrphan } from '../../embedded/server-process.ts'
import { startTemporal } from '../../embedded/temporal.ts'
import { connectDatabase, type Database } from '../../store/database.ts'
import { migrate } from '../../store/migrate.ts'
import { MARIADB_ENDING } from './mariadb.ts'
import { MOTO_ENDING, startMoto, type SharedMoto } from './moto.ts'

export interface SharedPostgres {
  host: string
  port: number
  superuser: string
  password: string
}

export interface SharedTemporal {
  address: string
  uiUrl: string | undefined
}

declare module 'vitest' {
  interface ProvidedContext {
    sharedServers: string
  }
}

interface Running {
  pid: number
  stop(): Promise<void>
}

const PREFIX = 'rekey-test-'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await sweepAbandoned()
  const folder = join(tmpdir(), `${PREFIX}${process.pid}-${randomUUID().slice(0, 8)}`)
  // Passable for the user that PostgreSQL runs as when the tests run as root.
  mkdirSync(folder, { mode: 0o711 })
  writeFileSync(join(folder, 'owner'), ownerOf(process.pid))

  const running: Running[] = []
  const abort = new AbortController()
  const keep = <T extends Running>(server: T) => {
    running.push(server)
    return server
  }
  const starts = {
    postgres: once(async (): Promise<SharedPostgres> => {
      const settings = {
        fsync: 'off',
        synchronous_commit: 'off',
        full_page_writes: 'off',
        max_connections: '400',
      }
      const server = keep(
        await startPostgres({ dataDir: join(folder, 'postgres'), settings, signal: abort.signal }),
      )
      const { host, port, superuser, password } = server
      return { host, port, superuser, password }
    }),
    schema: once(async (): Promise<{ name: string }> => {
      const { host, port, superuser, password } = await starts.postgres()
      const root = `postgres://${superuser}:${encodeURIComponent(password)}@${host}:${port}`
      const name = 'store_schema'
      await onDatabase(`${root}/postgres`, (db) => sql`create database ${sql.id(name)}`.execute(db))
      await onDatabase(`${root}/${name}`, migrate)
      return { name }
    }),
    bundle: once(async (): Promise<{ codePath: string }> => {
      const { bundleWorkflows } = await import('../../worker/bundle.ts')
      const codePath = join(folder, 'workflow-bundle.js')
      writeFileSync(codePath, (await bundleWorkflows()).code)
      return { codePath }
    }),
    temporal: once(async (): Promise<SharedTemporal> => {
      const server = keep(
        await startTemporal({
          databaseFile: join(folder, 'temporal.db'),
          synchronous: 0,
          uiPort: false,
          cli: config().temporalCli,
          signal: abort.signal,
        }),
      )
      return { address: server.address, uiUrl: server.uiUrl }
    }),
    moto: once(async (): Promise<SharedMoto> => {
      const { host, port, endpoint, admin } = keep(await startMoto(folder, abort.signal))
      return { host, port, endpoint, admin }
    }),
  }

  const token = randomUUID()
  const broker = createServer((request, response) => {
    const [, given, name] = request.url?.split('/') ?? []
    const start = given === token ? Object.entries(starts).find(([key]) => key === name)?.[1] : undefined
    if (!start) return void response.writeHead(404).end()
    start().then(
      (server) => response.end(JSON.stringify(server)),
      (error: Error) => response.writeHead(500).end(error.message),
    )
  })
  const port = await listen(broker)
  project.provide('sharedServers', `http://127.0.0.1:${port}/${token}`)

  const teardown = once(async () => {
    abort.abort(new Error('the test run has ended'))
    broker.closeAllConnections()
    broker.close()
    await Promise.allSettled(Object.values(starts).map((start) => start.begun() ?? Promise.resolve()))
    await Promise.allSettled(running.map((server) => server.stop()))
    rmSync(folder, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void teardown().finally(() => process.exit(1)))
  // The last resort, when something calls exit before the teardown is through: nothing can be awaited any more.
  process.once('exit', () => {
    for (const { pid } of running) if (processIdentity(pid)) process.kill(pid, 'SIGQUIT')
    const deadline = Date.now() + 5_000
    while (running.some(({ pid }) => processIdentity(pid)) && Date.now() < deadline) pause(20)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  return teardown
}

async function onDatabase(url: string, work: (db: Database) => Promise<unknown>): Promise<void> {
  const db = connectDatabase(url)
  try {
    await work(db)
  } finally {
    await db.destroy()
  }
}

/** Ends the servers of test runs that were killed, and removes their folders. */
async function sweepAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name)
    const [pid, identity] = readOwner(folder)
    if (pid === undefined || processIdentity(pid) === identity) continue
    const ending = [{ signal: 'SIGQUIT', patience: 5_000 }] as const
    await endOrphan('PostgreSQL', join(folder, 'postgres.pid'), folder, ending)
    await endOrphan('Temporal', join(folder, 'temporal.db.pid'), folder, ending)
    await endOrphan('MariaDB', join(folder, 'mariadb.pid'), folder, MARIADB_ENDING)
    await endOrphan('moto', join(folder, 'moto.pid'), folder, MOTO_ENDING)
    await endOrphan('PgBouncer', join(folder, 'pgbouncer.pid'), folder, MOTO_ENDING)
    rmSync(folder, { recursive: true, force: true })
  }
}

function ownerOf(pid: number): string {
  return `${pid} ${processIdentity(pid)}`
}

function readOwner(folder: string): [pid?: number, identity?: string] {
  try {
    const [pid, ...identity] = readFileSync(join(folder, 'owner'), 'utf8').split(' ')
    return [Number(pid), identity.join(' ')]
  } catch {
    return []
  }
}

/** Runs it at the first call and hands every caller the same promise; `begun` is that promise, if there was a call. */
function once<T>(work: () => Promise<T>): (() => Promise<T>) & { begun(): Promise<T> | undefined } {
  let begun: Promise<T> | undefined
  return Object.assign(() => (begun ??= work()), { begun: () => begun })
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address()
      server.unref()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
