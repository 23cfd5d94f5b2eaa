/** Of several attempts at one rotation only the newest writes, and what a closed or unsettled row leaves is found again. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEnvironment } from '../../store/environments.ts'
import { completeEvent, insertEvent } from '../../store/events.ts'
import {
  advance,
  concludeRotations,
  enterRotation,
  insertRotations,
  StaleAttempt,
  type JournalChange,
} from '../../store/journal.ts'
import type { Rotation } from '../../store/rotation-row.ts'
import { landingWithin, ownLandingWithin, settleRotation, unsettledRotations } from '../../store/unsettled.ts'
import { freshStore, type TestStore } from '../support/store.ts'

let store: TestStore
beforeAll(async () => {
  store = await freshStore()
})
afterAll(() => store.close())

async function openEvent(id: string, environmentId: string): Promise<void> {
  await insertEvent(store.db, {
    id,
    environmentId,
    trigger: 'manual',
    login: 'ada',
    paths: null,
    force: false,
    scheduleId: null,
    dueAt: null,
    baseRevision: 1,
    workflowId: 'w',
    runId: 'r',
  })
}

async function plannedRotation(targets: string[] = [randomUUID()]): Promise<Rotation> {
  const name = `e-${randomUUID()}`
  const { id: environmentId } = await createEnvironment(store.db, store.keeper, {
    organization: 'acme',
    project: 'app',
    name,
    creator: 'ada',
  })
  const eventId = randomUUID()
  await openEvent(eventId, environmentId)
  const id = randomUUID()
  const path = 'db'
  await insertRotations(store.db, [
    { id, eventId, environmentId, path, rotator: 'postgres', targets, dependsOn: [], warnings: [] },
  ])
  return (await enterRotation(store.db, id))!
}

const write = (attempt: Rotation, change: JournalChange) => advance(store.db, attempt, change)

test('an attempt that has been taken over does not write, whatever step the row is at', async () => {
  const older = await plannedRotation()
  const newer = (await enterRotation(store.db, older.id))!
  await expect(write(older, { step: 'prepared' })).rejects.toThrow(StaleAttempt)
  const prepared = await write(newer, { step: 'prepared' })
  await expect(write({ ...prepared, fence: older.fence }, { step: 'applied' })).rejects.toThrow(StaleAttempt)
  await expect(write(newer, { step: 'prepared' }), 'a step that is past').rejects.toThrow(StaleAttempt)
  expect(await write(prepared, { step: 'applied' })).toMatchObject({ step: 'applied', outcome: null })
})

test('a closed row keeps its outcome and its fence, and nobody writes it any more', async () => {
  const attempt = await plannedRotation()
  const closed = await write(attempt, { outcome: 'failed', failureCode: 'LOGIN_FAILED' })
  expect(await enterRotation(store.db, attempt.id)).toMatchObject({ outcome: 'failed', fence: closed.fence })
  await expect(write(closed, { outcome: 'succeeded' })).rejects.toThrow(StaleAttempt)
})

test('many are concluded together: no attempt writes after that, each has its line, and one that is closed undoes all', async () => {
  const [first, second] = [await plannedRotation(), await plannedRotation()]
  const change = { step: 'published', outcome: 'succeeded', settled: true } as const
  await concludeRotations(store.db, [first.id, second.id], change)
  for (const attempt of [first, second]) {
    await expect(write(attempt, { step: 'prepared' })).rejects.toThrow(StaleAttempt)
    const row = (await enterRotation(store.db, attempt.id))!
    const fence = String(Number(attempt.fence) + 1)
    expect(row).toMatchObject({ step: 'published', outcome: 'succeeded', fence })
    expect(row.settledAt).not.toBeNull()
    const lines = await store.db
      .selectFrom('rotation_steps')
      .select(['fence', 'step', 'code'])
      .where('rotation_id', '=', attempt.id)
      .execute()
    expect(lines).toEqual([{ fence, step: 'succeeded', code: null }])
  }
  const third = await plannedRotation()
  const both = store.db
    .transaction()
    .execute((transaction) => concludeRotations(transaction, [third.id, first.id], change))
  await expect(both).rejects.toThrow(StaleAttempt)
  await write(third, { step: 'prepared' })
})

test('what was sent and is not settled is found by its targets, by whatever environment', async () => {
  const attempt = await plannedRotation(['a', 'b'])
  const found = async (targets: string[]) =>
    (await unsettledRotations(store.db, targets, randomUUID())).map(({ id }) => id)
  expect(await found(['a'])).toEqual([])
  const sent = await write(attempt, { landsWithin: 5_000 })
  expect(await found(['b', 'c'])).toEqual([attempt.id])
  expect(await found(['c'])).toEqual([])
  expect(await unsettledRotations(store.db, ['a'], attempt.id)).toEqual([])
  expect(await ownLandingWithin(store.db, attempt.id)).toBeGreaterThan(3_000)

  await settleRotation(store.db, attempt.id, randomUUID())
  expect(await found(['a'])).toEqual([])
  // Settled, but its call may still land.
  expect(await landingWithin(store.db, ['a'], randomUUID())).toBeGreaterThan(3_000)
  await write(sent, { landsWithin: 'now' })
  expect(await landingWithin(store.db, ['a'], randomUUID())).toBe(0)
})

test('an environment has one open event, and another when that is completed', async () => {
  const { environmentId, eventId } = await plannedRotation()
  const open = () => openEvent(randomUUID(), environmentId)
  await expect(open()).rejects.toThrow()
  await completeEvent(store.db, eventId, { outcome: 'failed' })
  await open()
})
