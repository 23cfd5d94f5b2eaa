/** A worker that is told to stop while a target is slow: what it has begun ends, and what follows is another worker's. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { request, rotationWorkflowId, wait } from '../../client/rotations.ts'
import { ATTEMPT_LIMIT } from '../../model/attempt-limit.ts'
import { findEvent, openEvent } from '../../store/events.ts'
import { rotationsOf } from '../../store/journal.ts'
import { SHUTDOWN_GRACE } from '../../worker/options.ts'
import { COMPILE_CACHE } from '../support/compile-cache.ts'
import { asked, rotatedDefinition, startLine, type Line } from '../support/line.ts'
import type { TargetDatabase } from '../support/servers.ts'
import { sharedPostgres } from '../support/servers.ts'

let line: Line

beforeAll(async () => {
  line = await startLine()
})
afterAll(() => line.close())

test('a worker waits longer than any attempt may take', () => {
  expect(SHUTDOWN_GRACE).toBeGreaterThan(ATTEMPT_LIMIT)
})

test('the Compose file has more patience than a worker needs', () => {
  const file = fileURLToPath(new URL('../../docker-compose.yml', import.meta.url))
  const [, minutes] = /^ {2}worker:\n(?: {4}.*\n)*? {4}stop_grace_period: (\d+)m$/m.exec(
    readFileSync(file, 'utf8'),
  )!
  expect(Number(minutes) * 60_000).toBeGreaterThan(SHUTDOWN_GRACE)
})

/** Lets nobody change a user of this target until it is let go. */
async function slow(target: TargetDatabase): Promise<{ release(): Promise<void> }> {
  const { host, port, superuser, password } = await sharedPostgres()
  const client = new pg.Client({ host, port, user: superuser, password, database: target.database })
  await client.connect()
  await client.query('begin')
  for (const { username } of target.rotated) await client.query(`alter role ${username} connection limit -1`)
  return {
    release: async () => {
      await client.query('rollback')
      await client.end()
    },
  }
}

test('SIGTERM while the target is slow: the change lands once, is verified, and the next worker publishes it', async () => {
  const target = await line.target()
  const environment = await line.environment(rotatedDefinition(target))
  const held = await slow(target)
  const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
  const worker = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, 'worker'], {
    env: {
      ...COMPILE_CACHE,
      REKEY_DATABASE_URL: line.store.url,
      REKEY_TEMPORAL_ADDRESS: line.temporal.address,
      REKEY_TASK_QUEUE: line.temporal.taskQueue,
      REKEY_KEY_FILE: line.store.keyFile,
      REKEY_WORKER_LISTEN: '127.0.0.1:0',
      REKEY_CHANGE_TIMEOUT: '60s',
      REKEY_MIN_MANUAL_AGE: '0s',
      REKEY_SWEEP_INTERVAL: '0s',
      REKEY_LOG_LEVEL: 'silent',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(worker, 'exit') as Promise<[number | null, string | null]>
  try {
    const { eventId } = await request(line.on, asked(environment))
    const row = async () => (await rotationsOf(line.store.db, eventId))[0]
    const isWaiting = async () => {
      const waiting = await target.admin(
        `select 1 from pg_stat_activity where usename = $1 and wait_event_type = 'Lock'`,
        [target.managing.username],
      )
      expect(waiting).toHaveLength(1)
    }
    await vi.waitFor(isWaiting, { timeout: 60_000, interval: 200 })

    worker.kill('SIGTERM')
    // It takes up nothing else meanwhile, and waits for this.
    await expect(
      Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 4_000, 'waits'))]),
    ).resolves.toBe('waits')
    await isWaiting()
    await held.release()
    expect(await ended).toEqual([0, null])
    expect(await row()).toMatchObject({ step: 'verified', outcome: null, fence: '1' })
    expect(await openEvent(line.store.db, environment.id)).toBeDefined()

    await line.withWorker(() => wait(line.on, eventId, AbortSignal.timeout(60_000)))
    expect(await findEvent(line.store.db, eventId)).toMatchObject({ outcome: 'succeeded', postRevision: 3 })
    // Raised once more by the commit, and by no second attempt.
    expect(await row()).toMatchObject({ step: 'published', fence: '2' })
    const { current } = await line.state(environment, 'db')
    expect(await target.canLogIn(current!)).toBe(true)
    const history = await line.on.client.workflow.getHandle(rotationWorkflowId(environment.id)).fetchHistory()
    const attempts = (history.events ?? []).flatMap(
      ({ activityTaskStartedEventAttributes }) => activityTaskStartedEventAttributes?.attempt ?? [],
    )
    expect(attempts).toEqual([1])
    // What was lost because something of ours was away is tried again while an operator still looks at it.
    const pauses = (history.events ?? []).flatMap(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.retryPolicy?.maximumInterval ?? [],
    )
    expect(pauses.map(({ seconds }) => Number(seconds))).toEqual([10])
  } finally {
    worker.kill('SIGKILL')
    await held.release().catch(() => undefined)
  }
}, 150_000)
