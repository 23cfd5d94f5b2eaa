/** The whole line on real servers, in one process: store, Temporal, worker, clients, and a database to rotate at. */
import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { pino, type Logger } from 'pino'
import { createActivities, type ActivityServices } from '../../activities/index.ts'
import { DEFAULT_LIMITS, type RotationLimits } from '../../activities/services.ts'
import { connectTemporal } from '../../client/connect.ts'
import { request, wait, type RotationRequest, type RotationsClient } from '../../client/rotations.ts'
import { createHost } from '../../environments/host.ts'
import { saveDefinition } from '../../environments/save.ts'
import { DEFAULT_SETTINGS, type Services } from '../../environments/services.ts'
import { readState, slotsOf } from '../../environments/state.ts'
import { load } from '../../language/index.ts'
import type { Action, Subject } from '../../model/actions.ts'
import type { RotatorState } from '../../rotators/rotator.ts'
import { findRotator } from '../../rotators/index.ts'
import { findLogin } from '../../rotators/logins/index.ts'
import { createEnvironment, findEnvironmentById, type Environment } from '../../store/environments.ts'
import { findEvent, type EventWithRotations } from '../../store/events.ts'
import { listenForEvents } from '../../store/notifications.ts'
import { getRevision, latestRevision } from '../../store/revisions.ts'
import { workerOptions } from '../../worker/options.ts'
import { sharedBundle, sharedTemporal, targetDatabase, type TargetDatabase } from './servers.ts'
import { freshStore, type TestStore } from './store.ts'
import { shareWorkflowThreads } from './workflow-threads.ts'

export interface Line {
  store: TestStore
  services: Services
  activityServices: ActivityServices
  on: RotationsClient
  temporal: { address: string; namespace: string; taskQueue: string }
  /** Everything that was logged. */
  logged: string[]
  /** Runs a worker while the work goes on. */
  withWorker<T>(work: () => Promise<T>, services?: ActivityServices): Promise<T>
  /** A new environment of project `app` with this definition, saved by `ada`. */
  environment(text: string, name?: string): Promise<Environment>
  save(environment: Environment, text: string, login?: string): Promise<number>
  /** Asks as `ada` and waits for the event. */
  rotate(environment: Environment, options?: RotateOptions): Promise<EventWithRotations>
  /** The state that the newest (or a given) revision holds, in clear. */
  state(environment: Environment, path: string, revision?: number): Promise<RotatorState<Credential>>
  newest(environment: Environment): Promise<{ number: number; text: string }>
  /** A new database to rotate at, dropped with the line. */
  target(): Promise<TargetDatabase>
  /** The status of every request of an environment, oldest first. */
  requests(environment: Environment): Promise<string[]>
  close(): Promise<void>
}

export interface Credential {
  username: string
  password: string
}

export interface RotateOptions {
  paths?: string[]
  force?: boolean
  requestKey?: string
  login?: string
  /** `rotate` where absent. */
  action?: Action
  subject?: Subject
}

/** What `ada` asks for when she rotates everything by hand. */
export const asked = (environment: Environment): RotationRequest => ({
  environmentId: environment.id,
  login: 'ada',
  trigger: 'manual',
  paths: null,
  force: false,
  requestKey: null,
})

/** Limits for tests: rotating again at once is allowed unless a test says otherwise. */
export const TEST_LIMITS: RotationLimits = {
  ...DEFAULT_LIMITS,
  targetBudget: 6_000,
  changeTimeout: 1_000,
  targetTimeout: 3_000,
  minRotationAge: 0,
  minManualAge: 0,
}

/** What stands in the place of a store and a Temporal of the line's own. */
export interface LineServers {
  store?: TestStore
  temporal?: Line['temporal']
}

export async function startLine(
  limits: Partial<RotationLimits> = {},
  servers: LineServers = {},
): Promise<Line> {
  const [store, temporal, workflowBundle] = await Promise.all([
    servers.store ?? freshStore(),
    servers.temporal ?? sharedTemporal(),
    sharedBundle(),
  ])
  const { db, keeper } = store
  const logged: string[] = []
  const targets: TargetDatabase[] = []
  captureTemporalLog(logged)
  shareWorkflowThreads()
  const log: Logger = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) })
  const services: Services = { db, keeper, findRotator, findLogin, settings: DEFAULT_SETTINGS }
  const activityServices: ActivityServices = {
    environments: services,
    limits: { ...TEST_LIMITS, ...limits },
    log,
    at: () => Promise.resolve(),
  }
  const listener = listenForEvents(store.url)
  const client = connectTemporal(temporal)
  const on: RotationsClient = {
    client,
    db,
    taskQueue: temporal.taskQueue,
    listener,
    limits: { heartbeat: 6_000 },
  }
  const connection = await NativeConnection.connect({ address: temporal.address })

  return {
    store,
    services,
    activityServices,
    on,
    temporal,
    logged,
    withWorker: async (work, withServices = activityServices) => {
      const worker = await Worker.create({
        ...workerOptions({
          connection,
          namespace: temporal.namespace,
          taskQueue: temporal.taskQueue,
          activities: createActivities(withServices),
          maxConcurrentRotations: 20,
          workflowBundle,
        }),
        shutdownGraceTime: 5_000,
      })
      return await worker.runUntil(work)
    },
    environment: async (text, name = `env-${randomUUID().slice(0, 8)}`) => {
      const made = await createEnvironment(db, keeper, {
        organization: 'acme',
        project: 'app',
        name,
        creator: 'ada',
      })
      if (text !== '') await saveDefinition(services, { environment: made, text, login: 'ada' })
      return (await findEnvironmentById(db, made.id))!
    },
    save: async (environment, text, login = 'ada') =>
      (await saveDefinition(services, { environment, text, login })).revision,
    rotate: async (environment, options = {}) => {
      const { eventId } = await request(on, {
        environmentId: environment.id,
        login: options.login ?? 'ada',
        trigger: 'manual',
        paths: options.paths ?? null,
        force: options.force ?? false,
        requestKey: options.requestKey ?? null,
        ...(options.action && { action: options.action }),
        ...(options.subject && { subject: options.subject }),
      })
      await wait(on, eventId, AbortSignal.timeout(60_000))
      return (await findEvent(db, eventId))!
    },
    state: async (environment, path, revision) => {
      const { text } = (
        revision === undefined
          ? await latestRevision(db, environment.id)
          : await getRevision(db, environment.id, revision)
      )!
      const { document } = load('app/test', text)
      const host = createHost(services, { environment, login: 'ada', logins: 'unknown' })
      return slotsOf(await readState(document!, path, host)) as RotatorState<Credential>
    },
    newest: async (environment) => (await latestRevision(db, environment.id))!,
    target: async () => {
      const target = await targetDatabase()
      targets.push(target)
      return target
    },
    requests: async (environment) => {
      const rows = await db
        .selectFrom('rotation_requests')
        .select('status')
        .where('environment_id', '=', environment.id)
        .orderBy('created_at')
        .execute()
      return rows.map(({ status }) => status)
    },
    close: async () => {
      await listener.close()
      await client.connection.close()
      await connection.close()
      await store.close()
      for (const target of targets) await target.drop()
    },
  }
}

/** Activities that rest the first time they come to a point, until they are let go on. */
export function gate(
  services: ActivityServices,
  point: string,
): { services: ActivityServices; reached: Promise<void>; open: () => void } {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  const at = async (place: string) => {
    if (place !== point) return
    reached.resolve()
    await opened.promise
  }
  return { services: { ...services, at }, reached: reached.promise, open: opened.resolve }
}

let captured: string[] | undefined

/** The SDK has one log a process: whatever it says goes where the last line's own log goes. */
function captureTemporalLog(logged: string[]): void {
  const first = captured === undefined
  captured = logged
  if (!first) return
  const write = (level: string) => (message: string, meta?: object) =>
    void captured?.push(inspect({ level, message, meta }, { depth: 8 }))
  Runtime.install({
    logger: {
      log: (level, message, meta) => write(level)(message, meta),
      trace: write('TRACE'),
      debug: write('DEBUG'),
      info: write('INFO'),
      warn: write('WARN'),
      error: write('ERROR'),
    },
    telemetryOptions: { logging: { forward: {}, filter: { core: 'INFO', other: 'WARN' } } },
  })
}

/** A definition with one `fn::rotate::postgres` call at `db` for a target, in the usual two environments or in one. */
export function rotatedDefinition(
  target: TargetDatabase,
  options: { host?: string; port?: number } = {},
): string {
  return `values:\n${rotateCall('db', target, options)}`
}

/** One rotate call at a top-level key. */
export function rotateCall(
  key: string,
  target: TargetDatabase,
  options: { host?: string; port?: number; users?: [string, string]; managing?: Credential } = {},
): string {
  const managing = options.managing ?? target.managing
  const [username1, username2] = options.users ?? [target.rotated[0].username, target.rotated[1].username]
  return `  ${key}: # who rotates what
    fn::rotate::postgres:
      inputs:
        database:
          host: ${options.host ?? target.host}
          port: ${options.port ?? target.port}
          database: ${target.database}
          managingUser:
            username: ${managing.username}
            password:
              fn::secret: ${managing.password}
        rotateUsers:
          username1: ${username1}
          username2: ${username2}
`
}

export { targetDatabase }
