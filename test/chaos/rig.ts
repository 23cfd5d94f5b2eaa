/**
 * Everything that burns: a store and a Temporal that are ended and started again, servers, workers and targets, in a
 * folder that goes away. Knows how to break and mend; when to, is the fire's.
 */
import { randomUUID } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import { connectTemporal } from '../../client/connect.ts'
import { config } from '../../config/index.ts'
import { freePort } from '../../embedded/free-port.ts'
import { startPostgres, type PostgresServer } from '../../embedded/postgres.ts'
import { startTemporal, type TemporalServer } from '../../embedded/temporal.ts'
import { createEnvironment } from '../../environments/create.ts'
import { DEFAULT_SETTINGS } from '../../environments/services.ts'
import { findRotator } from '../../rotators/index.ts'
import { findLogin } from '../../rotators/logins/index.ts'
import { loadKeeper, type ProgramKeeper } from '../../store/keeper.ts'
import { createCanary } from '../../store/canary.ts'
import { connectDatabase, type Database } from '../../store/database.ts'
import { giveGrant } from '../../store/grants.ts'
import { createKeyFile } from '../../store/key-file.ts'
import { migrate } from '../../store/migrate.ts'
import { createToken } from '../../store/tokens.ts'
import { addMember, ensureOrganization, ensureUser } from '../../store/users.ts'
import { bundleWorkflows } from '../../worker/bundle.ts'
import { Program } from './programs.ts'
import type { Random } from './random.ts'
import type { ServerPlan } from './server.ts'
import { TARGET_KINDS } from './targets/index.ts'
import type { ChaosTarget, Seen, TargetKind, TargetServer } from './targets/target.ts'
import { watchStore } from './versions.ts'
import type { WorkerPlan } from './worker.ts'

export const ORGANIZATION = 'main'
export const LOGIN = 'admin'
/** Milliseconds; what takes minutes in production must take seconds here. */
export const LIMITS = { changeTimeout: 2_000, targetBudget: 15_000, attempt: 60_000, heartbeat: 6_000 }

export interface RigOptions {
  random: Random
  signal: AbortSignal
  workers: number
  servers: number
  /** REKEY_ settings of all programs. */
  settings?: Record<string, string>
  /** Counts a fault that struck. */
  struck(fault: string): void
  /** The end that a worker is to come to by itself, if any. */
  halt(): WorkerPlan['halt']
  /** Those that the fire burns at where absent. */
  kinds?: TargetKind[]
  /** Workers say at which points which environment passes. */
  record?: boolean
  /** What a worker said: `halted <point>`, `reached <environment> <point>`. */
  said(program: string, line: string): void
}

export interface Rig {
  db: Database
  keeper: ProgramKeeper
  client: Client
  token: string
  taskQueue: string
  seen: Seen[]
  workers: Program[]
  servers: Program[]
  urls: string[]
  logs: string
  /** An empty environment `<project>/<name>`. @returns its id */
  makeEnvironment(name: string): Promise<string>
  makeTarget(kind: string, alone?: boolean): Promise<ChaosTarget>
  /** Ends it, cleanly or as a crash would, and starts it again. */
  restartStore(how: 'clean' | 'crash'): Promise<void>
  restartTemporal(how: 'clean' | 'crash'): Promise<void>
  close(): Promise<void>
}

export async function startRig(options: RigOptions): Promise<Rig> {
  const { signal, random } = options
  const folder = await mkdtemp(join(tmpdir(), 'rekey-chaos-'))
  // Passable for the user that PostgreSQL runs as when this runs as root.
  await chmod(folder, 0o711)
  const logs = join(folder, 'logs')
  await mkdir(logs)
  const closers: (() => Promise<unknown>)[] = [
    () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  ]
  const close = async () => {
    for (const step of closers.splice(0).toReversed()) await step().catch(() => undefined)
  }
  try {
    return await start()
  } catch (error) {
    await close()
    throw error
  }

  async function start(): Promise<Rig> {
    const seen: Seen[] = []
    const ground = { folder, signal, random: random.fork('targets'), seen, struck: options.struck }
    const [storePort, temporalPort] = [await freePort(), await freePort()]
    const openStore = () =>
      again(() =>
        startPostgres({
          dataDir: join(folder, 'postgres'),
          port: storePort,
          // Which change came first is told by when it was committed.
          settings: { track_commit_timestamp: 'on', max_connections: '300' },
          signal,
        }),
      )
    const openTemporal = () =>
      again(() =>
        startTemporal({
          databaseFile: join(folder, 'temporal.db'),
          port: temporalPort,
          uiPort: false,
          cli: config().temporalCli,
          signal,
        }),
      )
    let store: PostgresServer
    let temporal: TemporalServer
    const bundle = join(folder, 'workflow-bundle.js')
    const kinds = new Map<string, TargetServer>()
    await Promise.all([
      openStore().then((server) => {
        store = server
        closers.push(() => store.stop())
      }),
      openTemporal().then((server) => {
        temporal = server
        closers.push(() => temporal.stop())
      }),
      bundleWorkflows().then(({ code }) => writeFile(bundle, code)),
      ...(options.kinds ?? TARGET_KINDS).map(async (kind) => {
        const server = await kind.start(ground)
        kinds.set(kind.name, server)
        closers.push(() => server.stop())
      }),
    ])

    await store!.createDatabase('rekey')
    const databaseUrl = store!.url('rekey')
    const keyFile = join(folder, 'key')
    await createKeyFile(keyFile)
    const keeper = await loadKeeper(keyFile)
    const db = connectDatabase(databaseUrl, { maxConnections: 20 })
    closers.push(() => db.destroy())
    await migrate(db)
    await createCanary(db, keeper)
    await ensureOrganization(db, ORGANIZATION)
    await ensureUser(db, { login: LOGIN })
    await addMember(db, ORGANIZATION, LOGIN)
    const scope = { organization: ORGANIZATION }
    await giveGrant(db, { scope, login: LOGIN, level: 'admin', grantedBy: 'fire' })
    const { token } = await createToken(db, { login: LOGIN, name: 'fire' })
    await watchStore(db)
    const client = connectTemporal({ address: temporal!.address, namespace: 'default' })
    closers.push(() => client.connection.close())

    const taskQueue = `fire-${randomUUID().slice(0, 8)}`
    const settings = (more: Record<string, string>) => ({
      REKEY_DATABASE_URL: databaseUrl,
      REKEY_KEY_FILE: keyFile,
      REKEY_TEMPORAL_ADDRESS: temporal.address,
      REKEY_TASK_QUEUE: taskQueue,
      REKEY_CHANGE_TIMEOUT: `${LIMITS.changeTimeout / 1000}s`,
      REKEY_TARGET_BUDGET: `${LIMITS.targetBudget / 1000}s`,
      // Whoever rests at a kill point keeps his place.
      REKEY_MAX_CONCURRENT_ROTATIONS: '150',
      REKEY_MIN_MANUAL_AGE: '0s',
      REKEY_MIN_ROTATION_AGE: '0s',
      REKEY_MIN_SCHEDULE_INTERVAL: '0s',
      REKEY_REQUEST_EXPIRY: '0s',
      REKEY_RECONCILE_INTERVAL: '2s',
      REKEY_LOG_LEVEL: 'info',
      ...options.settings,
      ...more,
    })
    const limits = { attempt: LIMITS.attempt, heartbeat: LIMITS.heartbeat }
    const env = {
      PATH: '/usr/bin:/bin',
      ...Object.assign({}, ...[...kinds.values()].map((kind) => kind.env)),
    }
    const program = async (
      kind: 'worker' | 'server',
      number: number,
      plan: (settings: Record<string, string>) => object,
    ) => {
      const listen = `127.0.0.1:${await freePort()}`
      const name = `${kind}-${number}`
      const own = settings(kind === 'worker' ? { REKEY_WORKER_LISTEN: listen } : { REKEY_LISTEN: listen })
      return new Program({
        name,
        file: `${kind}.ts`,
        plan: () => plan(own),
        env,
        logFile: join(logs, `${name}.log`),
        readyUrl: `http://${listen}/readyz`,
        said: (line) => options.said(name, line),
      })
    }
    const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
    const workers = await Promise.all(
      numbers(options.workers).map((number) =>
        program('worker', number, (own): WorkerPlan => {
          const halt = options.halt()
          const settling = { successes: 2, deadline: 3_000, pause: 50 }
          return {
            settings: own,
            limits,
            settling,
            bundle,
            record: options.record ?? false,
            ...(halt && { halt }),
          }
        }),
      ),
    )
    const servers = await Promise.all(
      numbers(options.servers).map((number) =>
        program('server', number, (own): ServerPlan => ({ settings: own, limits })),
      ),
    )
    closers.push(() => Promise.all([...workers, ...servers].map((one) => one.kill())))
    return {
      db,
      keeper,
      client,
      token: token.reveal(),
      taskQueue,
      seen,
      workers,
      servers,
      urls: servers.map(({ spec }) => new URL(spec.readyUrl).origin),
      logs,
      makeEnvironment: async (full) => {
        const [project, name] = full.split('/') as [string, string]
        const services = { db, keeper, findRotator, findLogin, settings: DEFAULT_SETTINGS }
        const made = await createEnvironment(services, {
          organization: ORGANIZATION,
          project,
          name,
          login: LOGIN,
        })
        return made.id
      },
      makeTarget: async (kind, alone) => {
        const target = await kinds.get(kind)!.make(alone)
        closers.push(() => target.wire.close())
        return target
      },
      restartStore: async (how) => {
        await (how === 'clean' ? store.stop() : crash(store, 'SIGQUIT'))
        store = await openStore()
      },
      restartTemporal: async (how) => {
        await (how === 'clean' ? temporal.stop() : crash(temporal, 'SIGKILL'))
        temporal = await openTemporal()
      },
      close,
    }
  }
}

async function crash(
  server: { pid: number; exited: Promise<unknown> },
  signal: NodeJS.Signals,
): Promise<void> {
  process.kill(server.pid, signal)
  await server.exited
}

/** The last parts of a server that crashed may be in the way of the next one for a moment. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempt === 20) throw error
      await sleep(250)
    }
  }
}
