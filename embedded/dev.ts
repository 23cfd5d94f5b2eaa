/** `rekey dev`: PostgreSQL, Temporal, server and worker on one folder, started together and ended in order. */
import { mkdir, readFile, rm, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Config, ListenAddress } from '../config/index.ts'
import { checkOrganizationName } from '../model/environment-name.ts'
import { lockFolder } from './dev-lock.ts'
import { dialable, endOrphanedProgram, launchProgram, type DevProgram } from './dev-program.ts'
import { prepareStore } from './dev-store.ts'
import { freePort, portIsFree } from './free-port.ts'
import { startPostgres } from './postgres.ts'
import { makeHome } from './postgres-folder.ts'
import type { ServerExit, ServerProcess } from './server-process.ts'
import { databaseUser } from './system-user.ts'
import { startTemporal } from './temporal.ts'

export interface DevOptions {
  settings: Config
  dataDir: string
  /** Port 0: a free one. */
  listen: ListenAddress
  organization: string
  /** TCP ports on 127.0.0.1; free ones when absent. */
  postgresPort?: number | undefined
  temporalPort?: number | undefined
  uiPort?: number | undefined
  /** Ends everything, also while it starts. */
  signal: AbortSignal
  /** What happens, for people, as it happens. */
  onProgress(line: string): void
}

export interface Dev {
  url: string
  temporalUrl: string
  temporalAddress: string
  dataDir: string
  tokenFile: string
  postgres: string
  logs: string
  /** Settles when one of them has ended by itself, with words for it; never rejects. */
  lost: Promise<string>
  /** Server, worker, Temporal, PostgreSQL, in this order. */
  stop(): Promise<void>
}

/** Settles once everything can serve. @throws Error in words; whatever had been started is ended then. */
export async function startDev(options: DevOptions): Promise<Dev> {
  checkOrganizationName(options.organization)
  const dataDir = resolve(options.dataDir)
  // The first to be made: as root it must be passable for the user that PostgreSQL runs as.
  const database = join(dataDir, 'postgres')
  await makeHome(database, await databaseUser(database))
  const unlock = lockFolder(join(dataDir, 'dev.pid'), dataDir)
  // In the order in which they are ended.
  const running: { program: Partial<Record<Part, ServerProcess>> } = { program: {} }
  const stop = async () => {
    for (const part of ORDER) await running.program[part]?.stop()
    unlock()
  }
  try {
    return await startParts(options, dataDir, running.program, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

/** Of a Temporal of one's own, which listens on the loopback interface alone. */
const WITHOUT_TLS = {
  temporalTls: undefined,
  temporalTlsCaFile: undefined,
  temporalTlsCertFile: undefined,
  temporalTlsKeyFile: undefined,
  temporalTlsServerName: undefined,
  temporalApiKeyFile: undefined,
}

const ORDER = ['server', 'worker', 'Temporal', 'PostgreSQL'] as const
type Part = (typeof ORDER)[number]

async function startParts(
  options: DevOptions,
  dataDir: string,
  running: Partial<Record<Part, ServerProcess>>,
  stop: () => Promise<void>,
): Promise<Dev> {
  const { settings, signal, onProgress, organization } = options
  const logs = await makeLogs(dataDir)
  await endOrphanedProgram('server', dataDir)
  await endOrphanedProgram('worker', dataDir)

  const { port } = options.listen
  if (port !== 0 && !(await portIsFree(port)))
    throw new Error(`port ${port} is taken by something else: give another with --listen`)
  const listen = { ...options.listen, port: options.listen.port || (await freePort()) }
  const temporalPort = options.temporalPort ?? (await freePort())
  const workerListen = { host: '127.0.0.1', port: await freePort() }
  const failed = new AbortController()
  const both = AbortSignal.any([signal, failed.signal])
  const timed = timer(onProgress)

  const temporal = timed('Temporal', () =>
    startTemporal({
      // In a folder of its own, which is closed to others also where the data folder cannot be.
      databaseFile: join(dataDir, 'temporal', 'temporal.db'),
      cli: settings.temporalCli,
      port: temporalPort,
      uiPort: options.uiPort,
      namespace: settings.temporalNamespace,
      signal: both,
    }).then((server) => (running.Temporal = server) && server),
  )
  const postgres = timed('PostgreSQL', () =>
    startPostgres({ dataDir: join(dataDir, 'postgres'), port: options.postgresPort, signal: both }).then(
      (server) => (running.PostgreSQL = server) && server,
    ),
  )
  const programs = postgres.then(async (server) => {
    await server.createDatabase('rekey')
    const store = {
      databaseUrl: server.url('rekey'),
      keyFile: join(dataDir, 'key'),
      tokenFile: join(dataDir, 'admin-token'),
      organization,
    }
    await prepareStore(store)
    both.throwIfAborted()
    const child = {
      ...settings,
      ...store,
      dataDir,
      listen,
      workerListen,
      temporalAddress: `127.0.0.1:${temporalPort}`,
      ...WITHOUT_TLS,
      url: undefined,
      token: undefined,
      org: undefined,
      kmsKey: undefined,
    }
    // They wait for Temporal by themselves.
    const start = (name: 'server' | 'worker') =>
      timed(`the ${name}`, async () => {
        const program = await launchProgram(name, dataDir, child)
        running[name] = program
        await program.untilReady(both)
        return program
      })
    return untilAllOrNone([start('server'), start('worker')], failed)
  })
  const [temporalServer, postgresServer] = await untilAllOrNone([temporal, postgres, programs], failed)

  return {
    url: `http://${dialable(listen.host)}:${listen.port}`,
    temporalUrl: temporalServer.uiUrl ?? '',
    temporalAddress: temporalServer.address,
    dataDir,
    tokenFile: join(dataDir, 'admin-token'),
    postgres: `${postgresServer.host}:${postgresServer.port}`,
    logs,
    lost: firstLost(running),
    stop,
  }
}

/** As Promise.all, but waits for the others to give up as well: what they started must be known to be ended. */
async function untilAllOrNone<T extends readonly Promise<unknown>[]>(
  work: readonly [...T],
  failed: AbortController,
): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  const results = await Promise.allSettled(
    work.map((one) =>
      one.catch((error: unknown) => {
        // The first reason counts; the others gave up because of it.
        failed.abort(failed.signal.reason ?? error)
        throw error
      }),
    ),
  )
  if (results.some(({ status }) => status === 'rejected')) throw failed.signal.reason
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as never
}

function timer(onProgress: (line: string) => void) {
  const started = Date.now()
  return async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    onProgress(`starting ${name} …`)
    const result = await work()
    onProgress(`${name} is up (${((Date.now() - started) / 1000).toFixed(1)} s)`)
    return result
  }
}

/** All logs in one folder; PostgreSQL and Temporal write theirs beside their data. */
async function makeLogs(dataDir: string): Promise<string> {
  const logs = join(dataDir, 'logs')
  await mkdir(logs, { recursive: true, mode: 0o700 })
  for (const [name, target] of [
    ['postgres.log', '../postgres.log'],
    ['temporal.log', '../temporal/temporal.db.log'],
  ] as const) {
    await rm(join(logs, name), { force: true })
    await symlink(target, join(logs, name))
  }
  return logs
}

function firstLost(running: Partial<Record<Part, ServerProcess>>): Promise<string> {
  return Promise.race(
    ORDER.flatMap((part) => {
      const program = running[part]
      return program ? [program.exited.then((exit) => tellEnd(part, exit, program))] : []
    }),
  )
}

async function tellEnd(part: Part, { code, signal }: ServerExit, program: ServerProcess): Promise<string> {
  const name = part === 'server' || part === 'worker' ? `the ${part}` : part
  if (signal) return `${name} was ended by ${signal}`
  const { logFile } = program as Partial<DevProgram>
  const last = logFile ? await lastWords(logFile) : ''
  return `${name} ended with ${code}${last && `, saying "${last}"`}`
}

/** What a program of ours said last; its own log is JSON, the reason why it gave up is not. */
async function lastWords(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '')
  return text.trim().split('\n').at(-1)?.replace(/^\{.*/, '') ?? ''
}
