/** One managing user's sessions are used one after another, by one at a time, and never longer than they are good for. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { RotationFailure } from '../../../model/failures.ts'
import { CONNECTIONS_PER_SERVER, takePlace } from '../../../rotators/database/places.ts'
import { endRestingSessions, withManagingSession } from '../../../rotators/postgres/managing-sessions.ts'
import type { Session } from '../../../rotators/postgres/session.ts'
import { targetDatabase, type TargetDatabase } from '../../support/servers.ts'
import { limits } from '../contract/bench.ts'

let target: TargetDatabase
beforeAll(async () => {
  target = await targetDatabase()
})
afterEach(() => endRestingSessions())
afterAll(() => target.drop())

const route = () => ({
  host: target.host,
  port: target.port,
  database: target.database,
  sslmode: 'disable' as const,
  ca: undefined,
})
const SHARED = { limits: limits(), alone: false }

function run<T>(work: (session: Session) => Promise<T>, given: Partial<typeof SHARED> = {}): Promise<T> {
  return withManagingSession(route(), target.managing, { ...SHARED, ...given }, work)
}

/** The backend that serves this work, a moment long. */
async function backend(session: Session): Promise<number> {
  const [answer] = await session.query<{ pid: number }>('select pg_backend_pid() as pid, pg_sleep(0.02)')
  return answer!.pid
}

const open = async () =>
  (await target.admin('select pid from pg_stat_activity where usename = $1', [target.managing.username]))
    .length

async function untilOpen(count: number): Promise<void> {
  for (const deadline = Date.now() + 5_000; (await open()) !== count;) {
    if (Date.now() > deadline) throw new Error(`${await open()} sessions are open, not ${count}`)
    await sleep(20)
  }
}

test('what comes one after another needs one log-in; what comes at once has a session each, up to a bound', async () => {
  const first = await run(backend)
  expect(await run(backend)).toBe(first)
  const pids = await Promise.all(Array.from({ length: 40 }, () => run(backend)))
  expect(new Set(pids).size).toBe(16)
  expect(pids).toContain(first)
})

test('it ends by itself a moment later', async () => {
  await run(backend)
  expect(await open()).toBe(1)
  await untilOpen(0)
})

test('work that is to be alone has a new one, which ends with it', async () => {
  const shared = await run(backend)
  expect(await run(backend, { alone: true })).not.toBe(shared)
  await untilOpen(1)
})

test('whoever has another password logs in, and is refused', async () => {
  await run(backend)
  const wrong = { ...target.managing, password: 'another' }
  await expect(withManagingSession(route(), wrong, SHARED, backend)).rejects.toThrow()
})

test('one in which something went wrong is nobody else’s', async () => {
  const first = await run(backend)
  await expect(run((session) => session.query('select 1/0'))).rejects.toThrow(RotationFailure)
  expect(await run(backend)).not.toBe(first)
})

test('one that the server ended is replaced, unless a change was sent in it', async () => {
  const end = (pid: number) => target.admin('select pg_terminate_backend($1)', [pid])
  const first = await run(backend)
  await end(first)
  const second = await run(backend)
  expect(second).not.toBe(first)
  // Not while it rests, but in the hands of the next one, before it says anything.
  let used = 0
  const third = await run(async (session) => {
    if (++used === 1) await end(second)
    return await backend(session)
  })
  expect([used, third === second]).toEqual([2, false])
  await expect(
    run(async (session) => {
      used += 1
      await session.change('select 1')
      await end(third)
      return await backend(session)
    }),
  ).rejects.toThrow('broke')
  expect(used).toBe(3)
})

test('a limit or a signal of one ends nothing of the next', async () => {
  const stop = new AbortController()
  const first = await run(backend, { limits: { ...limits(), signal: stop.signal, timeout: 200 } })
  stop.abort()
  expect(await run(async (session) => (await sleep(300), await backend(session)))).toBe(first)
  const stopped = { limits: { ...limits(), signal: stop.signal } }
  await expect(run(backend, stopped)).rejects.toThrow('stopped')
})

test('whoever waits for one can be stopped', async () => {
  const leave = Promise.withResolvers<void>()
  const holders = Array.from({ length: 16 }, () => run(() => leave.promise))
  const stop = new AbortController()
  const waiting = run(backend, { limits: { ...limits(), signal: stop.signal } })
  await sleep(50)
  stop.abort()
  await expect(waiting).rejects.toThrow('stopped')
  leave.resolve()
  await Promise.all(holders)
  await run(backend)
})

test('it makes place for others when there is no other place', async () => {
  await run(backend)
  const calm = { urgent: false, signal: new AbortController().signal }
  const places = await Promise.all(
    Array.from({ length: CONNECTIONS_PER_SERVER - 1 }, () => takePlace(route(), calm)),
  )
  const startedAt = performance.now()
  const last = await takePlace(route(), calm)
  expect(performance.now() - startedAt).toBeLessThan(450)
  await untilOpen(0)
  for (const given of [last, ...places]) given()
})
