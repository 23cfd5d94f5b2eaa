/**
 * The worker program: runs workflows and activities until it is told to stop. It starts while PostgreSQL or Temporal
 * is away, says so on its health endpoint, and goes on by itself when they are back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker, type WorkflowBundleOption } from '@temporalio/worker'
import { pino, type Logger } from 'pino'
import { createActivities, type Activities, type ActivityServices } from '../activities/index.ts'
import { TemporalAccess } from '../client/access.ts'
import { connectTemporal } from '../client/connect.ts'
import { watchTemporal } from '../client/reachability.ts'
import { reportedRevisions } from '../client/reported-revisions.ts'
import type { RotationsClient } from '../client/rotations.ts'
import { wake } from '../client/rotations.ts'
import { createSearchAttributes } from '../client/search-attributes.ts'
import { syncSweep } from '../client/sweep-schedule.ts'
import { readTracing, type Config } from '../config/index.ts'
import { oidcOf } from '../environments/oidc/settings.ts'
import { checkCanary } from '../store/canary.ts'
import { connectDatabase } from '../store/database.ts'
import { listenForEvents } from '../store/notifications.ts'
import { loadKeeper } from '../store/keeper.ts'
import { tally } from '../store/tally.ts'
import { NO_TRACING, openTracing, type Tracing } from '../telemetry/tracing.ts'
import { originOf } from '../activities/guarded.ts'
import { REVISION } from '../workflows/search-attributes.ts'
import { serveHealth } from './health.ts'
import { workerOptions } from './options.ts'
import { mendProjections, projectSchedules, type ProjectionOptions } from './projections.ts'
import { reconcile, type ReconcileOptions } from './reconcile.ts'
import { installRuntime } from './runtime.ts'
import { createActivityServices } from './services.ts'
import { tendAlways } from './tend-oidc-keys.ts'
import { createWorkerTelemetry } from './telemetry.ts'
import { connectWorker } from './temporal-connection.ts'

/** Milliseconds between two tries to reach what is away. */
const RETRY_AFTER = 1_000

/** Milliseconds that a worker which stops has for what it need not bring to an end. */
const PARTING = 1_000

/** Rotations wait for their targets most of the time: many share a few connections, and several workers one server. */
const STORE_CONNECTIONS = 25

/** Rounds of the reconciler from one comparison of all schedules with Temporal's to the next. */
const PROJECTIONS_EVERY = 10

/** What tests put in the place of the usual: activities that stop at a point, workflows that are bundled already. */
export interface WorkerOverrides {
  createActivities?: (services: ActivityServices) => Activities
  workflowBundle?: WorkflowBundleOption
  /** Of the workflows that this process starts. */
  limits?: NonNullable<RotationsClient['limits']>
  /** How long Temporal waits for a worker that is gone before it gives its workflows to another. */
  stickyTimeout?: number
}

/** Runs until the signal fires, then lets what is under way end. @throws when a file of the settings cannot be used. */
export async function runWorker(
  config: Config,
  signal: AbortSignal,
  overrides: WorkerOverrides = {},
): Promise<void> {
  let tracing: Tracing = NO_TRACING
  const log = pino({
    level: config.logLevel,
    base: { program: 'worker' },
    mixin: () => (tracing.isOn ? { traceId: tracing.traceId() } : {}),
  })
  const keeper = await loadKeeper(config.keyFile, config.kmsKey)
  const access = await TemporalAccess.open(config)
  const db = connectDatabase(config.databaseUrl, {
    maxConnections: Math.min(STORE_CONNECTIONS, config.maxConcurrentRotations + 5),
  })
  tracing = await openTracing('rekey-worker', readTracing(), log)
  const client = connectTemporal({ address: access.address, namespace: access.namespace, access, tracing })
  const reachability = watchTemporal(client, access, log)
  const listener = listenForEvents(config.databaseUrl)
  const state = { serving: false }
  const telemetry = createWorkerTelemetry(
    () => tally(db),
    () => state.serving,
    tracing,
  )
  const oidc = oidcOf(config, telemetry.oidc.token)
  const attributes = createSearchAttributes(client, log)
  const services = {
    ...createActivityServices(config, { db, keeper, ...oidc }, log),
    telemetry: telemetry.rotations,
    searchAttributes: attributes.usable,
    reported: async (since: Date) =>
      attributes.usable().includes(REVISION.name) ? await reportedRevisions(client, since) : [],
    wake: (environment: Parameters<typeof wake>[1]) => wake(on, environment, 'left in doubt'),
  }
  const activities = (overrides.createActivities ?? createActivities)(services)
  const on = {
    client,
    db,
    taskQueue: config.taskQueue,
    listener,
    log,
    requestExpiry: config.requestExpiry,
    searchAttributes: attributes.usable,
    ...(overrides.limits && { limits: overrides.limits }),
  }
  const health = await serveHealth(config.workerListen, {
    db,
    checkTemporal: reachability.check,
    isServing: () => state.serving,
    metrics: telemetry.exposition,
  })
  log.info({ listen: config.workerListen }, 'worker started')

  const ended = new AbortController()
  void access.follow(log, ended.signal)
  const reconciling = reconcileAlways(on, config.reconcileInterval, AbortSignal.any([signal, ended.signal]))
  let tending = Promise.resolve()
  try {
    await untilReady(() => checkCanary(db, keeper), log, signal)
    // Not before there is something to run: the runtime keeps the process until its last worker has ended.
    if (!signal.aborted) await installRuntime(log)
    tending = tendAlways({ db, keeper }, { ...oidc, log }, AbortSignal.any([signal, ended.signal]))
    await serve()
  } finally {
    ended.abort()
    // First, so that nothing waits for a Temporal that is away; and no longer than a moment for a store that is.
    await client.connection.close()
    await inTime(Promise.all([reconciling, tending]))
    await health.close()
    await listener.close()
    await inTime(db.destroy())
    await tracing.close()
    log.info('worker stopped')
  }

  async function projectAll(): Promise<void> {
    await projectSchedules(on)
    try {
      await syncSweep(client, config.taskQueue, config.sweepInterval)
    } catch (error) {
      log.warn(originOf(error), 'the schedule of the sweeper could not be written to Temporal')
    }
  }

  async function serve(): Promise<void> {
    while (!signal.aborted) {
      try {
        const held = await connectWorker(access, log, signal)
        if (held === undefined) return
        try {
          // Before the first rotation, which would not be found by them otherwise.
          await attributes.refresh()
          const worker = await Worker.create({
            ...workerOptions({
              connection: held.connection,
              namespace: access.namespace,
              taskQueue: config.taskQueue,
              activities,
              ...(overrides.workflowBundle && { workflowBundle: overrides.workflowBundle }),
              maxConcurrentRotations: config.maxConcurrentRotations,
              tracing,
            }),
            ...(overrides.stickyTimeout !== undefined && {
              stickyQueueScheduleToStartTimeout: overrides.stickyTimeout,
            }),
          })
          const stop = () => {
            if (worker.getState() === 'RUNNING') worker.shutdown()
          }
          signal.addEventListener('abort', stop)
          const running = worker.run()
          held.lendTo(worker)
          state.serving = true
          if (signal.aborted) stop()
          else void projectAll()
          await running
          signal.removeEventListener('abort', stop)
        } finally {
          state.serving = false
          await held.close()
        }
      } catch (error) {
        log.warn(originOf(error), 'Temporal cannot be reached or ended the worker; trying again')
        // For its words in the log.
        if (!signal.aborted) void reachability.check().catch(() => undefined)
        await pause(RETRY_AFTER, signal)
      }
    }
  }
}

async function reconcileAlways(
  options: ReconcileOptions & ProjectionOptions,
  interval: number,
  signal: AbortSignal,
): Promise<void> {
  for (let round = 0; !signal.aborted; round += 1) {
    // Each round its own: the client takes its listeners off no signal.
    const stop = AbortSignal.any([signal])
    try {
      await options.client.connection.withAbortSignal(stop, async () => {
        await reconcile(options, stop)
        if (round % PROJECTIONS_EVERY === 0) await mendProjections(options)
      })
    } catch (error) {
      if (!signal.aborted)
        options.log.warn(originOf(error), 'the store or Temporal is away; they are compared again later')
    }
    await pause(interval, signal)
  }
}

/** What can be done again at any time is waited for a moment only. */
async function inTime(work: Promise<unknown>): Promise<void> {
  await Promise.race([work, sleep(PARTING, undefined, { ref: false })])
}

async function untilReady(check: () => Promise<void>, log: Logger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await check()
    } catch (error) {
      const wrongKey = error instanceof Error && !('code' in error) && error.name === 'Error'
      if (wrongKey && /key/.test(error.message)) throw error
      log.warn(originOf(error), 'the store cannot be used yet; trying again')
      await pause(RETRY_AFTER, signal)
    }
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal })
  } catch {
    // told to stop
  }
}
