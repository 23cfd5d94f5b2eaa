/**
 * What is measured, on real servers in a folder that goes away: PostgreSQL and Temporal as `rekey dev` runs them, a
 * worker in this process, and a client that asks. Durable as users have it: nothing about syncing is switched off.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectTemporal } from '../client/connect.ts'
import type { RotationsClient } from '../client/rotations.ts'
import { config, loadConfig } from '../config/index.ts'
import { freePort } from '../embedded/free-port.ts'
import { startPostgres } from '../embedded/postgres.ts'
import { startTemporal } from '../embedded/temporal.ts'
import { saveDefinition } from '../environments/save.ts'
import { DEFAULT_SETTINGS, type Services } from '../environments/services.ts'
import { findRotator } from '../rotators/index.ts'
import { findLogin } from '../rotators/logins/index.ts'
import { createCanary } from '../store/canary.ts'
import { connectDatabase } from '../store/database.ts'
import { createEnvironment, type Environment } from '../store/environments.ts'
import { giveGrant } from '../store/grants.ts'
import { migrate } from '../store/migrate.ts'
import { listenForEvents } from '../store/notifications.ts'
import { createKeyFile, loadKeeper } from '../store/seal.ts'
import { addMember, ensureOrganization, ensureUser } from '../store/users.ts'
import { runWorker } from '../worker/main.ts'
import { createTarget, type Target } from './target.ts'

export interface Rig {
  services: Services
  on: RotationsClient
  target: Target
  /** A new environment `bench/<name>` with this definition. */
  environment(name: string, text: string): Promise<Environment>
}

export const ORGANIZATION = 'main'
export const LOGIN = 'admin'
const TASK_QUEUE = 'bench'

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
    const { rig, worker } = await start(signal, (close) => closers.push(close))
    signal.throwIfAborted()
    const ended = worker.then(() => {
      throw new Error('the worker ended before the measurements did')
    })
    await Promise.race([work(rig), rejection(signal), ended])
  })
  for (const close of closers.toReversed()) await attempt(close)
  // The first is the reason for the others.
  if (failures.length > 0) throw failures[0]
}

async function start(
  signal: AbortSignal,
  closeLater: (close: () => Promise<unknown>) => void,
): Promise<{ rig: Rig; worker: Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-bench-'))
  closeLater(() => rm(folder, { recursive: true, force: true }))
  // Passable for the user that PostgreSQL runs as when this runs as root.
  await chmod(folder, 0o711)
  const keyFile = join(folder, 'key')

  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), signal })
  closeLater(() => postgres.stop())
  const temporal = await startTemporal({
    databaseFile: join(folder, 'temporal.db'),
    uiPort: false,
    cli: config().temporalCli,
    signal,
  })
  closeLater(() => temporal.stop())
  await postgres.createDatabase('rekey')
  const databaseUrl = postgres.url('rekey')
  await createKeyFile(keyFile)
  const keeper = await loadKeeper(keyFile)
  const db = connectDatabase(databaseUrl, { maxConnections: 20 })
  closeLater(() => db.destroy())
  await migrate(db)
  await createCanary(db, keeper)
  await ensureOrganization(db, ORGANIZATION)
  await ensureUser(db, { login: LOGIN })
  await addMember(db, ORGANIZATION, LOGIN)
  const scope = { organization: ORGANIZATION }
  await giveGrant(db, { scope, login: LOGIN, level: 'admin', grantedBy: 'bench' })

  const settings = loadConfig({
    REKEY_DATABASE_URL: databaseUrl,
    REKEY_TEMPORAL_ADDRESS: temporal.address,
    REKEY_TASK_QUEUE: TASK_QUEUE,
    REKEY_WORKER_LISTEN: `127.0.0.1:${await freePort()}`,
    REKEY_KEY_FILE: keyFile,
    REKEY_LOG_LEVEL: 'fatal',
    // The same credentials are rotated again and again.
    REKEY_MIN_ROTATION_AGE: '0s',
    REKEY_MIN_MANUAL_AGE: '0s',
  })
  const stopWorker = new AbortController()
  const worker = runWorker(settings, stopWorker.signal)
  // Whoever waits hears of it; until then it must not end the process, which would leave the servers behind.
  worker.catch(() => undefined)
  closeLater(() => {
    stopWorker.abort()
    return worker
  })

  const client = connectTemporal({ address: temporal.address, namespace: temporal.namespace })
  closeLater(() => client.connection.close())
  const listener = listenForEvents(databaseUrl)
  closeLater(() => listener.close())
  const services: Services = { db, keeper, findRotator, findLogin, settings: DEFAULT_SETTINGS }
  const rig: Rig = {
    services,
    on: { client, db, taskQueue: TASK_QUEUE, listener },
    target: await createTarget(postgres),
    environment: async (name, text) => {
      const environment = await createEnvironment(db, keeper, {
        organization: ORGANIZATION,
        project: 'bench',
        name,
        creator: LOGIN,
      })
      await saveDefinition(services, { environment, text, login: LOGIN })
      return environment
    },
  }
  return { rig, worker }
}

/** Rejects when the signal fires, for those who only wait. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
