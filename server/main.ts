/** One HTTP server from its settings: it starts while PostgreSQL and Temporal are away, and serves once they are there. */
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { TemporalAccess } from '../client/access.ts'
import { connectTemporal } from '../client/connect.ts'
import { watchTemporal } from '../client/reachability.ts'
import { rehearse } from '../client/rehearsals.ts'
import { isKnown, request, wait, type RotationsClient } from '../client/rotations.ts'
import { deleteSchedule, syncSchedule } from '../client/schedules.ts'
import { createSearchAttributes } from '../client/search-attributes.ts'
import { readTracing, type Config } from '../config/index.ts'
import { oidcOf } from '../environments/oidc/settings.ts'
import { DEFAULT_SETTINGS } from '../environments/services.ts'
import { findLogin } from '../rotators/logins/index.ts'
import { findRotator } from '../rotators/index.ts'
import { connectDatabase } from '../store/database.ts'
import { listenForEvents } from '../store/notifications.ts'
import { loadKeeper } from '../store/keeper.ts'
import { tally } from '../store/tally.ts'
import { openTracing } from '../telemetry/tracing.ts'
import { createApp } from './app.ts'
import { pingDatabase } from '../store/ping.ts'
import { createKeyGuard } from './key-guard.ts'
import { openLogStream } from './log-stream.ts'
import { loggerOptions } from './logging.ts'
import { registerServerMetrics, serveMetrics } from './metrics.ts'

export interface RunningServer {
  /** Where it listens; the port that was given where the settings left it open. */
  url: string
  app: FastifyInstance
  /** Where it answers scrapes; undefined where it does not. */
  metricsUrl: string | undefined
  /** Ends what is under way in words, then closes every connection. */
  close(): Promise<void>
}

/** What tests put in the place of the usual: shorter time limits for the workflows that this server starts. */
export interface ServerOverrides {
  limits?: NonNullable<RotationsClient['limits']>
}

/** @throws Error in words for the operator: no key file, the wrong one, no use for Temporal's, an address that is taken. */
export async function startServer(config: Config, overrides: ServerOverrides = {}): Promise<RunningServer> {
  const keeper = await loadKeeper(config.keyFile, config.kmsKey)
  const access = await TemporalAccess.open(config)
  const db = connectDatabase(config.databaseUrl)
  const logTo = openLogStream()
  const early = pino(loggerOptions(config.logLevel), logTo)
  const tracing = await openTracing('rekey-server', readTracing(), early)
  const client = connectTemporal({ address: access.address, namespace: access.namespace, access, tracing })
  const reachability = watchTemporal(client, access, early)
  const ended = new AbortController()
  const listener = listenForEvents(config.databaseUrl)
  const on: RotationsClient = { client, db, taskQueue: config.taskQueue, listener, ...overrides }
  const key = createKeyGuard(db, keeper)
  const attributes = createSearchAttributes(client, early)
  const metrics = registerServerMetrics(() => tally(db))

  const app = createApp(
    {
      db,
      keeper,
      findRotator,
      findLogin,
      settings: DEFAULT_SETTINGS,
      ...oidcOf(config, metrics.oidc.token),
      rotations: {
        request: (asked) => request(on, asked),
        isKnown: (environmentId, requestKey) => isKnown(on, environmentId, requestKey),
        wait: (eventId, signal) => wait(on, eventId, signal),
      },
      rehearsals: { rehearse: (asked, signal) => rehearse(on, asked, signal) },
      schedules: {
        sync: async (schedule, environmentName) => {
          const known = attributes.usable()
          const usable = known.length > 0 ? known : await attributes.refresh()
          await syncSchedule(client, config.taskQueue, { ...schedule, environmentName }, usable)
        },
        delete: (scheduleId) => deleteSchedule(client, scheduleId),
      },
      demandKey: key.demand,
      checks: {
        database: () => pingDatabase(db),
        Temporal: reachability.check,
        key: key.demand,
      },
      minScheduleInterval: config.minScheduleInterval,
    },
    { logLevel: config.logLevel, logTo, metrics: metrics.http, tracing },
  )
  let scrapes: Awaited<ReturnType<typeof serveMetrics>>
  const close = async () => {
    ended.abort()
    await app.close()
    await scrapes?.close()
    await listener.close()
    await client.connection.close()
    await db.destroy()
    await tracing.close()
  }
  try {
    if (!(await key.refuseWrong()))
      early.warn(
        'the store cannot be used yet: requests are refused until PostgreSQL answers (REKEY_DATABASE_URL) and has the schema (rekey migrate)',
      )
    void attributes.refresh()
    void access.follow(early, ended.signal)
    // For its words in the log: nobody may ask for a while.
    void reachability.check().catch(() => undefined)
    const url = await app.listen({ ...config.listen })
    scrapes = await serveMetrics(config, metrics, app.log)
    return { url, app, metricsUrl: scrapes?.url, close }
  } catch (error) {
    await close()
    if ((error as { code?: string }).code !== 'EADDRINUSE') throw error
    const { host, port } = config.listen
    throw new Error(`another program listens on ${host}:${port} already; end it, or set REKEY_LISTEN`, {
      cause: error,
    })
  }
}
