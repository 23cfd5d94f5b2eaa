/** One HTTP server from its settings: it starts while PostgreSQL and Temporal are away, and serves once they are there. */
import type { FastifyInstance } from 'fastify'
import { connectTemporal, pingTemporal } from '../client/connect.ts'
import { isKnown, request, wait, type RotationsClient } from '../client/rotations.ts'
import { deleteSchedule, syncSchedule } from '../client/schedules.ts'
import type { Config } from '../config/index.ts'
import { DEFAULT_SETTINGS } from '../environments/services.ts'
import { findLogin } from '../rotators/logins/index.ts'
import { findRotator } from '../rotators/index.ts'
import { connectDatabase } from '../store/database.ts'
import { listenForEvents } from '../store/notifications.ts'
import { loadKeeper } from '../store/seal.ts'
import { createApp } from './app.ts'
import { pingDatabase } from '../store/ping.ts'
import { createKeyGuard } from './key-guard.ts'

export interface RunningServer {
  /** Where it listens; the port that was given where the settings left it open. */
  url: string
  app: FastifyInstance
  /** Ends what is under way in words, then closes every connection. */
  close(): Promise<void>
}

/** @throws Error in words for the operator: no key file, the wrong one, or an address that is taken. */
export async function startServer(config: Config): Promise<RunningServer> {
  const keeper = await loadKeeper(config.keyFile)
  const db = connectDatabase(config.databaseUrl)
  const client = connectTemporal({ address: config.temporalAddress, namespace: config.temporalNamespace })
  const listener = listenForEvents(config.databaseUrl)
  const on: RotationsClient = { client, db, taskQueue: config.taskQueue, listener }
  const key = createKeyGuard(db, keeper)

  const app = createApp(
    {
      db,
      keeper,
      findRotator,
      findLogin,
      settings: DEFAULT_SETTINGS,
      rotations: {
        request: (asked) => request(on, asked),
        isKnown: (environmentId, requestKey) => isKnown(on, environmentId, requestKey),
        wait: (eventId, signal) => wait(on, eventId, signal),
      },
      schedules: {
        sync: (schedule, environmentName) =>
          syncSchedule(client, config.taskQueue, { ...schedule, environmentName }),
        delete: (scheduleId) => deleteSchedule(client, scheduleId),
      },
      demandKey: key.demand,
      checks: {
        database: () => pingDatabase(db),
        Temporal: () => pingTemporal(client),
        key: key.demand,
      },
      minScheduleInterval: config.minScheduleInterval,
    },
    { logLevel: config.logLevel },
  )
  const close = async () => {
    await app.close()
    await listener.close()
    await client.connection.close()
    await db.destroy()
  }
  try {
    await key.refuseWrong()
    const url = await app.listen({ ...config.listen })
    return { url, app, close }
  } catch (error) {
    await close()
    if ((error as { code?: string }).code !== 'EADDRINUSE') throw error
    const { host, port } = config.listen
    throw new Error(`another program listens on ${host}:${port} already; end it, or set REKEY_LISTEN`, {
      cause: error,
    })
  }
}
