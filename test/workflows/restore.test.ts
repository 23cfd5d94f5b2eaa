/** The drill: a backup is made while Rekey works, everything is lost, and what was backed up rotates again. */
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateKey } from '../../cli/store-keys.ts'
import { request, wait } from '../../client/rotations.ts'
import { temporalScheduleId } from '../../client/schedules.ts'
import { startPostgres, type PostgresServer } from '../../embedded/postgres.ts'
import { startTemporal, type TemporalServer } from '../../embedded/temporal.ts'
import { findEvent, openEvent } from '../../store/events.ts'
import { readKeyFile, replaceKeyFile } from '../../store/key-file.ts'
import { createSchedule } from '../../store/schedules.ts'
import { projectSchedules } from '../../worker/projections.ts'
import { reconcile } from '../../worker/reconcile.ts'
import { baseBackup } from '../support/base-backup.ts'
import { asked, gate, rotatedDefinition, startLine, type Line } from '../support/line.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'
import { freshStore, openStore } from '../support/store.ts'

const run = promisify(execFile)
const log = pino({ level: 'silent' })
const keep = () => Promise.resolve()
const settings = { fsync: 'off' }
const targets: TargetDatabase[] = []
let folder: string
const running: { stop(): Promise<void> }[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekey-drill-'))
  await chmod(folder, 0o711)
})
afterAll(async () => {
  await stopAll()
  for (const target of targets) await target.drop()
  await rm(folder, { recursive: true, force: true })
})

async function stopAll(): Promise<void> {
  for (const server of running.splice(0)) await server.stop()
}

async function target(): Promise<TargetDatabase> {
  const made = await targetDatabase()
  targets.push(made)
  return made
}

/** PostgreSQL and Temporal on these folders. */
async function start(
  name: string,
): Promise<{ postgres: PostgresServer; temporal: TemporalServer; dataDir: string }> {
  const dataDir = join(folder, name, 'postgres')
  const [postgres, temporal] = await Promise.all([
    startPostgres({ dataDir, settings }),
    startTemporal({ databaseFile: join(folder, name, 'temporal', 'temporal.db'), uiPort: false }),
  ])
  running.push(postgres, temporal)
  return { postgres, temporal, dataDir }
}

const queueAt = ({ address }: TemporalServer): Line['temporal'] => ({
  address,
  namespace: 'default',
  taskQueue: 'drill',
})

test('lost: store, Temporal, everything; restored: the store and its key file. What was open ends, and all rotate', async () => {
  const lost = await start('lost')
  await lost.postgres.createDatabase('rekey')
  const store = await freshStore({ url: lost.postgres.url('rekey'), drop: keep })
  const line = await startLine({}, { store, temporal: queueAt(lost.temporal) })
  const [first, second] = [await target(), await target()]
  const rotated = await line.environment(rotatedDefinition(first))
  const underWay = await line.environment(rotatedDefinition(second))
  const schedule = await createSchedule(store.db, {
    environmentId: rotated.id,
    cron: '0 3 * * *',
    owner: 'ada',
  })

  // A rotation is in the middle of its change while the backup is made.
  const { services, reached, open } = gate(line.activityServices, 'apply: answered')
  const backup = join(folder, 'backup')
  let eventId = ''
  await line.withWorker(async () => {
    await line.rotate(rotated, { requestKey: 'first' })
    await line.rotate(rotated, { requestKey: 'second' })
  })
  await line.withWorker(async () => {
    ;({ eventId } = await request(line.on, asked(underWay)))
    await reached
    await baseBackup(lost.postgres.url(), lost.dataDir, backup)
    open()
    await wait(line.on, eventId, AbortSignal.timeout(60_000))
  }, services)
  const { current: published } = await line.state(underWay, 'db')
  const keys = { rotated: await line.state(rotated, 'db'), file: join(folder, 'key-of-backup') }
  await copyFile(store.keyFile, keys.file)

  // The key is replaced after the backup, then all is gone.
  await rotateKey({ databaseUrl: store.url, keyFile: store.keyFile, kmsKey: undefined })
  const newer = await readKeyFile(store.keyFile)
  const newerFile = join(folder, 'key-newer')
  await copyFile(store.keyFile, newerFile)
  await expect(openStore({ url: store.url, drop: keep }, keys.file)).rejects.toThrow(
    /not the one that sealed this store/,
  )
  await line.close()
  await stopAll()
  await rm(join(folder, 'lost'), { recursive: true })

  const { open: use } = await restoreInto('restored', backup)
  await use(keys.file, async (at) => {
    expect((await openEvent(at.store.db, underWay.id))?.id).toBe(eventId)
    await projectSchedules({ ...at.on, log })
    const projected = await at.on.client.schedule.getHandle(temporalScheduleId(schedule.id)).describe()
    expect(projected.action).toMatchObject({ workflowType: 'rotateEnvironment' })
    await at.withWorker(async () => {
      await reconcile({ ...at.on, log, requestExpiry: 0 })
      await wait(at.on, eventId, AbortSignal.timeout(60_000))
      // The very value that had been sent: whoever read it before all was lost still logs in.
      expect(await findEvent(at.store.db, eventId)).toMatchObject({ outcome: 'succeeded', postRevision: 3 })
      expect((await at.state(underWay, 'db')).current).toEqual(published)

      expect(await at.state(rotated, 'db')).toEqual(keys.rotated)
      await at.rotate(rotated, { requestKey: 'second' })
      expect(await at.state(rotated, 'db')).toEqual(keys.rotated)
      for (const [environment, owner] of [
        [rotated, first],
        [underWay, second],
      ] as const) {
        const { current: before } = await at.state(environment, 'db')
        expect(await at.rotate(environment)).toMatchObject({ outcome: 'succeeded' })
        const { current, previous } = await at.state(environment, 'db')
        expect(previous).toEqual(before)
        expect(await owner.canLogIn(current!)).toBe(true)
        expect(await owner.canLogIn(previous!)).toBe(true)
      }
    })
  })
  // The file of today opens the backup of before while it still has the older key below, and in words not afterwards.
  await use(newerFile, async (at) => {
    expect((await at.state(rotated, 'db')).current).not.toBeNull()
  })
  await replaceKeyFile(newerFile, { keys: newer.keys.slice(0, 1) })
  await expect(use(newerFile, keep)).rejects.toThrow(/not the one that sealed this store/)
}, 240_000)

async function restoreInto(name: string, backup: string) {
  const home = join(folder, name)
  // As an operator does: put in place, with the password of the server beside it.
  await mkdir(home, { mode: 0o711 })
  for (const suffix of ['', '.password'])
    await run('cp', ['-a', backup + suffix, join(home, `postgres${suffix}`)])
  const { postgres, temporal } = await start(name)
  return {
    open: async (keyFile: string, work: (at: Line) => Promise<void>) => {
      const store = await openStore({ url: postgres.url('rekey'), drop: keep }, keyFile)
      const at = await startLine({}, { store, temporal: queueAt(temporal) })
      try {
        await work(at)
      } finally {
        await at.close()
      }
    },
  }
}
