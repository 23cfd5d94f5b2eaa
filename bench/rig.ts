/**
 * What is measured, on real servers in a folder that goes away: PostgreSQL and Temporal as `rekey dev` runs them, a
 * PostgreSQL that is the target, near and behind a delay, and `rekey server` and `rekey worker` as processes of their
 * own. Durable as users have it: nothing about syncing is switched off.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { connectTemporal } from '../client/connect.ts'
import { childEnvironment, config, loadConfig } from '../config/index.ts'
import { launchProgram } from '../embedded/dev-program.ts'
import { ADMINISTRATOR, prepareStore } from '../embedded/dev-store.ts'
import { freePort } from '../embedded/free-port.ts'
import { startPostgres } from '../embedded/postgres.ts'
import { launchServer } from '../embedded/server-process.ts'
import { startTemporal } from '../embedded/temporal.ts'
import { saveDefinition } from '../environments/save.ts'
import { DEFAULT_SETTINGS, type Services } from '../environments/services.ts'
import { findRotator } from '../rotators/index.ts'
import { findLogin } from '../rotators/logins/index.ts'
import { checkCanary } from '../store/canary.ts'
import { connectDatabase } from '../store/database.ts'
import { createEnvironment, type Environment } from '../store/environments.ts'
import { loadKeeper } from '../store/keeper.ts'
import { createApi, type Api } from './api.ts'
import { delayTo, type Delay } from './delay.ts'
import { createTarget, type Target } from './target.ts'

export interface Rig {
  services: Services
  api: Api
  temporal: Client
  target: Target
  /** The target, a round trip of `FAR` milliseconds away. */
  far: Delay
  /** Process ids of what runs. */
  processes: Record<Part, number>
  /** A new environment `bench/<name>` with this definition. */
  environment(name: string, text: string): Promise<Environment>
}

export type Part = 'server' | 'worker' | 'Temporal' | 'store' | 'target'

export const ORGANIZATION = 'main'
export const LOGIN = ADMINISTRATOR
export const TASK_QUEUE = 'bench'
export const BARE_QUEUE = 'bare'
/** Milliseconds of a round trip to what is far. */
export const FAR = 100
/** Milliseconds between two comparisons of store and Temporal: twice as often as by default, so that each rest has one. */
export const RECONCILE_EVERY = 30_000

/** Runs the work on servers of its own, and ends and removes everything however the work ends. */
export async function withRig(signal: AbortSignal, work: (rig: Rig) => Promise<void>): Promise<void> {
  const closers: (() => Promise<unknown>)[] = []
  const failures: unknown[] = []
  const attempt = async (step: () => Promise<unknown>) => {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  await attempt(async () => {
    const { rig, ended } = await start(signal, (close) => closers.push(close))
    signal.throwIfAborted()
    await Promise.race([work(rig), rejection(signal), ended])
  })
  for (const close of closers.toReversed()) await attempt(close)
  // The first is the reason for the others.
  if (failures.length > 0) throw failures[0]
}

async function start(
  signal: AbortSignal,
  closeLater: (close: () => Promise<unknown>) => void,
): Promise<{ rig: Rig; ended: Promise<never> }> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-bench-'))
  closeLater(() => rm(folder, { recursive: true, force: true }))
  // Passable for the user that PostgreSQL runs as when this runs as root.
  await chmod(folder, 0o711)
  await mkdir(join(folder, 'logs'))
  const paths = { keyFile: join(folder, 'key'), tokenFile: join(folder, 'token') }

  const store = await startPostgres({ dataDir: join(folder, 'store'), signal })
  closeLater(() => store.stop())
  const targetServer = await startPostgres({ dataDir: join(folder, 'target'), signal })
  closeLater(() => targetServer.stop())
  const temporal = await startTemporal({
    databaseFile: join(folder, 'temporal', 'temporal.db'),
    uiPort: false,
    cli: config().temporalCli,
    signal,
  })
  closeLater(() => temporal.stop())
  await store.createDatabase('rekey')
  const databaseUrl = store.url('rekey')
  await prepareStore({ databaseUrl, ...paths, organization: ORGANIZATION })

  const listen = `127.0.0.1:${await freePort()}`
  const settings = loadConfig({
    REKEY_DATABASE_URL: databaseUrl,
    REKEY_TEMPORAL_ADDRESS: temporal.address,
    REKEY_TASK_QUEUE: TASK_QUEUE,
    REKEY_LISTEN: listen,
    REKEY_METRICS_LISTEN: `127.0.0.1:${await freePort()}`,
    REKEY_WORKER_LISTEN: `127.0.0.1:${await freePort()}`,
    REKEY_KEY_FILE: paths.keyFile,
    REKEY_RECONCILE_INTERVAL: `${RECONCILE_EVERY / 1000}s`,
    // The same credentials are rotated again and again.
    REKEY_MIN_ROTATION_AGE: '0s',
    REKEY_MIN_MANUAL_AGE: '0s',
  })
  const programs = await Promise.all(
    (['server', 'worker'] as const).map((name) => launchProgram(name, folder, settings)),
  )
  for (const program of programs) closeLater(() => program.stop())
  const [server, worker] = programs as [(typeof programs)[0], (typeof programs)[0]]
  const ready = join(folder, 'bare.ready')
  const bare = await launchServer({
    name: 'the bare worker',
    file: process.execPath,
    args: [
      ...process.execArgv,
      fileURLToPath(new URL('bare/worker.ts', import.meta.url)),
      temporal.address,
      temporal.namespace,
      BARE_QUEUE,
      ready,
    ],
    env: childEnvironment(settings),
    pidFile: join(folder, 'bare.pid'),
    logFile: join(folder, 'logs', 'bare.log'),
    ending: [{ signal: 'SIGTERM', patience: 10_000 }],
  })
  closeLater(() => bare.stop())
  const lost = Promise.race(
    Object.entries({ server, worker, 'bare worker': bare, Temporal: temporal, store }).map(
      async ([name, { exited }]) => {
        await exited
        const log = await readFile(join(folder, 'logs', `${name.split(' ')[0]}.log`), 'utf8').catch(() => '')
        throw new Error(`the ${name} ended before the measurements did\n${log.slice(-2000)}`)
      },
    ),
  )
  lost.catch(() => undefined)
  await Promise.race([
    Promise.all([...programs.map((program) => program.untilReady(signal)), untilThere(ready, signal)]),
    lost,
  ])

  const far = await delayTo(targetServer, FAR)
  closeLater(() => far.close())
  const client = connectTemporal({ address: temporal.address, namespace: temporal.namespace })
  closeLater(() => client.connection.close())
  const db = connectDatabase(databaseUrl, { maxConnections: 10 })
  closeLater(() => db.destroy())
  const keeper = await loadKeeper(paths.keyFile)
  await checkCanary(db, keeper)
  const services: Services = { db, keeper, findRotator, findLogin, settings: DEFAULT_SETTINGS }
  const api = createApi(listen, (await readFile(paths.tokenFile, 'utf8')).trim())
  closeLater(async () => api.close())
  const rig: Rig = {
    services,
    api,
    temporal: client,
    target: await createTarget(targetServer),
    far,
    processes: {
      server: server.pid,
      worker: worker.pid,
      Temporal: temporal.pid,
      store: store.pid,
      target: targetServer.pid,
    },
    environment: async (name, text) => {
      const environment = await createEnvironment(db, keeper, {
        organization: ORGANIZATION,
        project: 'bench',
        name,
        creator: LOGIN,
      })
      if (text !== '') await saveDefinition(services, { environment, text, login: LOGIN })
      return environment
    },
  }
  return { rig, ended: lost }
}

async function untilThere(file: string, signal: AbortSignal): Promise<void> {
  while (!(await stat(file).catch(() => undefined))) {
    signal.throwIfAborted()
    await sleep(50)
  }
}

/** Rejects when the signal fires, for those who only wait. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
