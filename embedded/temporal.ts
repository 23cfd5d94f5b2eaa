/** The one-machine Temporal: starts its dev server on a SQLite file and ends it; knows nothing of our workflows. */
import { mkdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from '@temporalio/client'
import { freePort, portIsFree } from './free-port.ts'
import {
  type Ending,
  endOrphan,
  launchServer,
  type ServerExit,
  type ServerProcess,
} from './server-process.ts'
import { findTemporalCli } from './temporal-cli.ts'

export interface TemporalOptions {
  /** The SQLite file, made when missing. Pid file and log lie beside it, under its name. */
  databaseFile: string
  /** TCP port on 127.0.0.1 of the gRPC API; a free one when absent. */
  port?: number | undefined
  /** TCP port on 127.0.0.1 of the web pages; a free one when absent, none when false. */
  uiPort?: number | false | undefined
  /** Made when missing; `default` is always there. */
  namespace?: string
  /** The program to use and no other. */
  cli?: string | undefined
  /** SQLite's `synchronous`: 2 loses nothing, 0 is for what may be lost. */
  synchronous?: 0 | 1 | 2
  /** Gives up starting. */
  signal?: AbortSignal
}

export interface TemporalServer {
  /** `127.0.0.1:<port>`, for clients and workers. */
  address: string
  namespace: string
  /** The web pages, without a slash at the end; undefined when they were not asked for. */
  uiUrl: string | undefined
  pid: number
  /** Settles when the server has ended, whoever ended it; never rejects. */
  exited: Promise<ServerExit>
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
const START_DEADLINE = 60_000
const ENDING: Ending = [{ signal: 'SIGTERM', patience: 10_000 }]

/** What the dev server's defaults make slow; each was measured on two cores. */
export const DYNAMIC_CONFIG = {
  // The default of 20 polls a second makes a workflow of three steps take a third of a second on an idle machine.
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'history.visibilityProcessorMaxPollRPS': 2000,
  'system.enableActivityEagerExecution': true,
  // A step that was lost with its worker again and again is given out again after this and ten seconds, not after ten minutes.
  'history.workflowTaskRetryMaxInterval': '10s',
  // Schedules: without these, of a hundred that are due at once many fire late or not at all.
  'worker.perNamespaceWorkerOptions': { StickyScheduleToStartTimeout: '60s' },
  'worker.schedulerNamespaceStartWorkflowRPS': 1000,
}

/** @throws Error in words a person can act on: file in use, port taken, no program, server ends at once. */
export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  const databaseFile = resolve(options.databaseFile)
  const beside = (suffix: string) => join(dirname(databaseFile), `${basename(databaseFile)}.${suffix}`)
  const namespace = options.namespace ?? 'default'
  const cli = await findTemporalCli({ cli: options.cli })
  await mkdir(dirname(databaseFile), { recursive: true, mode: 0o700 })
  await endOrphan('Temporal', beside('pid'), databaseFile, ENDING)
  const given = [options.port, options.uiPort || undefined].filter((port) => port !== undefined)
  for (const port of given)
    if (!(await portIsFree(port)))
      throw new Error(`Temporal cannot have port ${port} of ${HOST}: something else listens there`)

  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted()
    const port = options.port ?? (await freePort())
    const uiPort = options.uiPort === false ? undefined : (options.uiPort ?? (await freePort()))
    const server = await launchServer({
      name: 'Temporal',
      file: cli.path,
      args: serverArguments({ databaseFile, port, uiPort, namespace, synchronous: options.synchronous ?? 2 }),
      // A home of its own: no profile of the person who starts us may redirect it.
      env: { PATH: '/usr/bin:/bin', HOME: dirname(databaseFile) },
      pidFile: beside('pid'),
      logFile: beside('log'),
      ending: ENDING,
    })
    const address = `${HOST}:${port}`
    try {
      await untilServing(server, address, namespace, options.signal)
    } catch (error) {
      await server.stop()
      const lost = !(await portIsFree(port)) || (uiPort !== undefined && !(await portIsFree(uiPort)))
      // Another process took one of the free ports in between.
      if (lost && attempt < 3 && given.length === 0) continue
      throw new Error(
        `Temporal does not start on ${databaseFile}: ${(error as Error).message}; see ${beside('log')}`,
      )
    }
    const uiUrl = uiPort === undefined ? undefined : `http://${HOST}:${uiPort}`
    return { address, namespace, uiUrl, ...server }
  }
}

interface Launch {
  databaseFile: string
  port: number
  uiPort: number | undefined
  namespace: string
  synchronous: number
}

function serverArguments({ databaseFile, port, uiPort, namespace, synchronous }: Launch): string[] {
  return [
    ['server', 'start-dev', '--ip', HOST, '--port', String(port)],
    uiPort === undefined ? ['--headless'] : ['--ui-ip', HOST, '--ui-port', String(uiPort)],
    namespace === 'default' ? [] : ['--namespace', namespace],
    ['--db-filename', databaseFile, '--log-level', 'error', '--log-format', 'json'],
    ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', `synchronous=${synchronous}`],
    Object.entries(DYNAMIC_CONFIG).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${JSON.stringify(value)}`,
    ]),
  ].flat()
}

async function untilServing(
  server: ServerProcess,
  address: string,
  namespace: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  let ended = false
  void server.exited.then(() => (ended = true))
  const deadline = Date.now() + START_DEADLINE
  const connection = Connection.lazy({ address })
  try {
    for (;;) {
      try {
        await connection.withDeadline(Date.now() + 2_000, async () => {
          await connection.workflowService.getSystemInfo({})
          await connection.workflowService.describeNamespace({ namespace })
        })
        return
      } catch {
        signal?.throwIfAborted()
        if (ended) throw new Error('it ended at once')
        if (Date.now() > deadline) throw new Error(`it did not answer within ${START_DEADLINE / 1000} s`)
      }
      await sleep(50)
    }
  } finally {
    await connection.close()
  }
}
