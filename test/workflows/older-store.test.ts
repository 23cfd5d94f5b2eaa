/** A store that was put back from a backup: what was published since is not guessed at, and a person says how it goes on. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ActivityServices } from '../../activities/index.ts'
import { demandNoOlderStore } from '../../activities/older-store.ts'
import { reportedRevisions } from '../../client/reported-revisions.ts'
import { registerSearchAttributes } from '../../client/search-attributes.ts'
import { wait } from '../../client/rotations.ts'
import { connectDatabase } from '../../store/database.ts'
import type { Environment } from '../../store/environments.ts'
import { findEvent, openEvent, type EventWithRotations } from '../../store/events.ts'
import { reconcile } from '../../worker/reconcile.ts'
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts'
import { gate, rotatedDefinition, startLine, type Line } from '../support/line.ts'
import type { TargetDatabase } from '../support/servers.ts'
import { backUp } from '../support/store.ts'

const NAMES = SEARCH_ATTRIBUTES.map(({ name }) => name)
const log = pino({ level: 'silent' })
let line: Line

beforeAll(async () => {
  line = await startLine()
  expect((await registerSearchAttributes(line.on.client)).missing).toEqual({})
})
afterAll(() => line.close())

/** As the worker program has them. */
const told = ({ activityServices, on }: Line): Line['activityServices'] => ({
  ...activityServices,
  searchAttributes: () => NAMES,
  reported: (since) => reportedRevisions(on.client, since),
})
const rotate = (at: Line, environment: Environment) => at.withWorker(() => at.rotate(environment), told(at))

async function verifiers(target: TargetDatabase): Promise<unknown> {
  const names = target.rotated.map(({ username }) => username)
  return await target.admin('select rolname, rolpassword from pg_authid where rolname = any($1) order by 1', [
    names,
  ])
}

/** Runs of Temporal show up in its lists a moment after they have ended. */
async function untilReported(environment: Environment, revision: number): Promise<void> {
  const newest = async () =>
    (await reportedRevisions(line.on.client, new Date(Date.now() - 3_600_000))).find(
      ({ environmentId }) => environmentId === environment.id,
    )?.revision
  await expect.poll(newest, { timeout: 20_000 }).toBe(revision)
}

/** The line goes on with the copy. */
async function restored(
  backup: Awaited<ReturnType<typeof backUp>>,
  work: (at: Line) => Promise<void>,
): Promise<void> {
  const at = await startLine({}, { store: await backup.restore(), temporal: line.temporal })
  try {
    await work(at)
  } finally {
    await at.close()
  }
}

const refused = (event: EventWithRotations, revisions: [number, number]) => {
  expect(event).toMatchObject({
    outcome: 'failed',
    failureCode: 'TARGET_CHANGED',
    postRevision: null,
    rotations: [],
  })
  expect(event.message).toContain(
    `revision ${revisions[0]} was published, and the newest in the store is ${revisions[1]}`,
  )
}

test('a rotation that is lost with the store is known from Temporal: nothing is touched until a person has saved', async () => {
  const target = await line.target()
  const [environment, other] = [
    await line.environment(rotatedDefinition(target)),
    await line.environment(rotatedDefinition(await line.target())),
  ]
  await rotate(line, environment)
  await rotate(line, other)
  const backup = await backUp(line.store)
  expect(await rotate(line, environment)).toMatchObject({ postRevision: 4 })
  const { current: lost } = await line.state(environment, 'db')
  await untilReported(environment, 4)
  const before = await verifiers(target)

  await restored(backup, async (at) => {
    // Its own slot is free as far as the store knows, and current logs in: by its credentials alone nothing is wrong.
    expect(await at.state(environment, 'db')).toMatchObject({ previous: null })
    refused(await rotate(at, environment), [4, 3])
    expect(await verifiers(target)).toEqual(before)
    expect((await rotate(at, other)).outcome).toBe('succeeded')
    // A worker that begins later, when the store has published something else since.
    const later = {
      ...at.store,
      db: at.store.db.withPlugin({
        transformQuery: ({ node }) => node,
        transformResult: async ({ result }) => result,
      }),
    }
    refused(
      await rotate(
        {
          ...at,
          activityServices: { ...at.activityServices, environments: { ...at.services, db: later.db } },
        } as Line,
        environment,
      ),
      [4, 3],
    )
    expect(await verifiers(target)).toEqual(before)

    const { text } = await at.newest(environment)
    await at.save(
      environment,
      text.replace(/ {6}state:[\s\S]*$/, `      state: ${JSON.stringify({ current: lost })}\n`),
    )
    expect(await rotate(at, environment)).toMatchObject({ outcome: 'succeeded', postRevision: 5 })
    expect(await at.state(environment, 'db')).toMatchObject({ previous: lost })
    expect(await target.canLogIn(lost!)).toBe(true)
  })
}, 120_000)

test('Temporal is asked once for all that begin at once, again when PostgreSQL is another one, and may be away', async () => {
  const environment = await line.environment(rotatedDefinition(await line.target()))
  const db = connectDatabase(line.store.url)
  let asked = 0
  const services = (reported: ActivityServices['reported']) => ({
    ...line.activityServices,
    environments: { ...line.services, db },
    ...(reported && { reported }),
  })
  const demand = (at: ActivityServices) => demandNoOlderStore(at, environment.id)
  try {
    const counting = services(async () => {
      asked += 1
      return []
    })
    await Promise.all(Array.from({ length: 50 }, () => demand(counting)))
    await sleep(1_100)
    await demand(counting)
    expect(asked).toBe(1)
    // As VACUUM FULL does, or tables that were restored in place.
    await sql`vacuum full rotation_events`.execute(db)
    await sleep(1_100)
    const away = services(() => Promise.reject(new Error('hunter2')))
    await Promise.all([demand(away), demand(away)])
    const said = line.logged.filter((text) => text.includes('could not be asked what was published'))
    expect(said).toHaveLength(1)
    expect(line.logged.join('')).not.toContain('hunter2')
  } finally {
    await db.destroy()
  }
})

test('where Temporal has forgotten it, the target tells: TARGET_CHANGED, and nothing is touched', async () => {
  const target = await line.target()
  const environment = await line.environment(rotatedDefinition(target))
  await rotate(line, environment)
  await rotate(line, environment)
  const backup = await backUp(line.store)
  await rotate(line, environment)
  const { current: lost } = await line.state(environment, 'db')
  const before = await verifiers(target)
  await restored(backup, async (at) => {
    const event = await at.withWorker(() => at.rotate(environment))
    expect(event).toMatchObject({ postRevision: null, rotations: [{ failureCode: 'TARGET_CHANGED' }] })
    expect(await verifiers(target)).toEqual(before)
    expect(await target.canLogIn(lost!)).toBe(true)
  })
}, 120_000)

test('an event that was open in the backup sends nothing more', async () => {
  const target = await line.target()
  const environment = await line.environment(rotatedDefinition(target))
  await rotate(line, environment)
  const { services, reached, open } = gate(told(line), 'prepared')
  const backups = await line.withWorker(async () => {
    const rotating = line.rotate(environment)
    await reached
    const copies = [await backUp(line.store), await backUp(line.store)] as const
    open()
    expect((await rotating).outcome).toBe('succeeded')
    return copies
  }, services)
  await rotate(line, environment)
  await rotate(line, environment)
  const { current: lost } = await line.state(environment, 'db')
  await untilReported(environment, 6)
  const before = await verifiers(target)
  for (const [backup, sees, words] of [
    [backups[0], told, 'revision 6 was published, and the newest in the store is 3'],
    // Temporal has forgotten it: the target tells.
    [backups[1], (at: Line) => at.activityServices, 'does not log in any more'],
  ] as const)
    await restored(backup, async (at) => {
      const { id } = (await openEvent(at.store.db, environment.id))!
      await at.withWorker(async () => {
        await reconcile({ ...at.on, log, requestExpiry: 0 })
        await wait(at.on, id, AbortSignal.timeout(60_000))
      }, sees(at))
      const event = (await findEvent(at.store.db, id))!
      expect(event).toMatchObject({ outcome: 'failed', postRevision: null })
      expect(event.rotations[0]).toMatchObject({ failureCode: 'TARGET_CHANGED' })
      expect(event.rotations[0]!.message).toContain(words)
      expect(await verifiers(target)).toEqual(before)
      expect(await target.canLogIn(lost!)).toBe(true)
    })
}, 120_000)
