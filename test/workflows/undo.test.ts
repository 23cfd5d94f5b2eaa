/** Going back by hand: undo while the previous credential still works, and forgetting a state on purpose. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { listAudit } from '../../store/audit.ts'
import type { Environment } from '../../store/environments.ts'
import { gate, rotateCall, rotatedDefinition, startLine, type Line } from '../support/line.ts'
import type { TargetDatabase } from '../support/servers.ts'

vi.setConfig({ testTimeout: 60_000 })

let line: Line
let hasty: Line

beforeAll(async () => {
  line = await startLine()
})
afterAll(() => line.close())

/** Rotated twice: both slots are full. */
async function rotatedTwice(): Promise<{ target: TargetDatabase; environment: Environment }> {
  const target = await line.target()
  const environment = await line.environment(rotatedDefinition(target))
  await line.rotate(environment)
  await line.rotate(environment)
  return { target, environment }
}

const undo = (environment: Environment, more: object = {}) =>
  line.rotate(environment, { action: 'undo', ...more })
const forget = (environment: Environment, more: object = {}) =>
  line.rotate(environment, { action: 'forget', paths: ['db'], ...more })

describe('undo', () => {
  test('the two slots change places as a new revision; nothing changes at the target, and the next rotation goes on from there', async () => {
    await line.withWorker(async () => {
      const { target, environment } = await rotatedTwice()
      const before = await line.state(environment, 'db')
      const event = await undo(environment)
      expect(event).toMatchObject({
        action: 'undo',
        outcome: 'succeeded',
        postRevision: 5,
        rotations: [{ path: 'db', outcome: 'succeeded', step: 'published', warnings: [] }],
      })
      const after = await line.state(environment, 'db')
      expect(after).toEqual({ current: before.previous, previous: before.current })
      for (const slot of [after.current!, after.previous!]) expect(await target.canLogIn(slot)).toBe(true)
      const [last] = await listAudit(line.store.db, environment.id, { count: 1 })
      expect(last).toMatchObject({
        actor: 'ada',
        action: 'rotation.succeed',
        details: { action: 'undo', revision: 5 },
      })

      await line.rotate(environment)
      const next = await line.state(environment, 'db')
      expect(next.previous).toEqual(after.current)
      expect(next.current!.username).toBe(after.previous!.username)
      for (const slot of [next.current!, next.previous!]) expect(await target.canLogIn(slot)).toBe(true)
    })
  })

  test('a stale editor, and a call that was removed and comes back, have the state that was undone to', async () => {
    await line.withWorker(async () => {
      const { environment } = await rotatedTwice()
      const stale = (await line.newest(environment)).text
      await undo(environment)
      const undone = await line.state(environment, 'db')
      await line.save(environment, `${stale}  note: mine\n`)
      expect(await line.state(environment, 'db')).toEqual(undone)
      const { text } = await line.newest(environment)
      await line.save(environment, 'values: {}\n')
      await line.save(environment, text.replace(/ {6}state:[\s\S]*(?= {2}note)/, ''))
      expect(await line.state(environment, 'db')).toEqual(undone)
    })
  })

  test('without a previous one: refused where it was asked for, skipped where all were', async () => {
    await line.withWorker(async () => {
      const [full, fresh] = [await line.target(), await line.target()]
      const environment = await line.environment(
        `values:\n${rotateCall('full', full)}${rotateCall('fresh', fresh)}`,
      )
      await line.rotate(environment)
      await line.rotate(environment, { paths: ['full'] })
      const named = await undo(environment, { paths: ['fresh'] })
      expect(named).toMatchObject({
        outcome: 'failed',
        postRevision: null,
        rotations: [{ outcome: 'failed', failureCode: 'STATE_INVALID' }],
      })
      expect(named.rotations[0]!.message).toContain('no previous credential')
      const all = await undo(environment)
      expect(all).toMatchObject({ outcome: 'succeeded', postRevision: 5 })
      expect(all.rotations.map(({ path, outcome }) => [path, outcome])).toEqual([
        ['fresh', 'skipped'],
        ['full', 'succeeded'],
      ])
    })
  })

  test('a rotator that keeps one credential has nothing to go back to', async () => {
    await line.withWorker(async () => {
      const { environment } = await rotatedTwice()
      const usual = line.services.findRotator
      line.services.findRotator = (name) => ({ ...usual(name)!, slots: 1 })
      const event = await undo(environment, { paths: ['db'] })
      line.services.findRotator = usual
      expect(event.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'STATE_INVALID' }])
      expect(event.rotations[0]!.message).toContain('keeps one credential')
    })
  })

  test('a previous one that was changed by hand is refused; nothing is written', async () => {
    await line.withWorker(async () => {
      const { target, environment } = await rotatedTwice()
      const { previous } = await line.state(environment, 'db')
      await target.admin(`alter role ${previous!.username} password 'by-hand'`)
      const event = await undo(environment)
      expect(event.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'TARGET_CHANGED' }])
      expect((await line.newest(environment)).number).toBe(4)
    })
  })

  test('a current one that was changed by hand is the very reason to go back: it is left out, with a warning', async () => {
    await line.withWorker(async () => {
      const { target, environment } = await rotatedTwice()
      const { current, previous } = await line.state(environment, 'db')
      await target.admin(`alter role ${current!.username} password 'by-hand'`)
      const event = await undo(environment)
      expect(event.outcome).toBe('succeeded')
      expect(event.rotations[0]!.warnings).toEqual([expect.stringContaining(current!.username)])
      expect(await line.state(environment, 'db')).toEqual({ current: previous, previous: null })
      expect((await line.rotate(environment)).outcome).toBe('succeeded')
      expect((await line.state(environment, 'db')).previous).toEqual(previous)
    })
  })

  test('a state that is not the one that was looked at is left alone, before the event and during it', async () => {
    await line.withWorker(async () => {
      const { environment } = await rotatedTwice()
      await line.rotate(environment)
      const event = await undo(environment, { subject: { revision: 4 } })
      expect(event.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'CONFLICT' }])
      // An edit beside it is none of its business.
      await line.save(environment, `${(await line.newest(environment)).text}  note: mine\n`)
      expect(await undo(environment, { subject: { revision: 5 } })).toMatchObject({ outcome: 'succeeded' })
    })
  })

  test('twice with one request id is once; undoing what was undone a moment ago needs force', async () => {
    hasty = await startLine({ minManualAge: 60_000 })
    try {
      await hasty.withWorker(async () => {
        const target = await hasty.target()
        const environment = await hasty.environment(rotatedDefinition(target))
        await hasty.rotate(environment)
        await hasty.rotate(environment, { force: true })
        const before = await hasty.state(environment, 'db')
        const ask = { action: 'undo' as const, requestKey: randomUUID() }
        const [one, two] = await Promise.all([hasty.rotate(environment, ask), hasty.rotate(environment, ask)])
        expect(two.id).toBe(one.id)
        expect(await hasty.state(environment, 'db')).toEqual({
          current: before.previous,
          previous: before.current,
        })
        const again = await hasty.rotate(environment, { action: 'undo' })
        expect(again.rotations).toMatchObject([{ failureCode: 'TOO_SOON' }])
        const rotated = await hasty.rotate(environment)
        expect(rotated.rotations).toMatchObject([{ failureCode: 'TOO_SOON' }])
        expect(await hasty.rotate(environment, { action: 'undo', force: true })).toMatchObject({
          outcome: 'succeeded',
        })
        expect(await hasty.state(environment, 'db')).toEqual(before)
      })
    } finally {
      await hasty.close()
    }
  })

  test('while a rotation is open it waits; a save meanwhile that changes the call is refused', async () => {
    const { services, reached, open } = gate(line.activityServices, 'by hand: previous works')
    await line.withWorker(async () => {
      const { environment } = await rotatedTwice()
      const before = await line.state(environment, 'db')
      const undoing = undo(environment)
      await reached
      const { text } = await line.newest(environment)
      await expect(line.save(environment, text.replace(/port: \d+/, 'port: 1'))).rejects.toThrow(
        /is being rotated/,
      )
      const rotating = line.rotate(environment)
      await vi.waitFor(async () => expect(await line.requests(environment)).toContain('waiting'), {
        timeout: 20_000,
      })
      open()
      expect(await undoing).toMatchObject({ outcome: 'succeeded' })
      expect(await rotating).toMatchObject({ outcome: 'succeeded', action: 'rotate' })
      expect((await line.state(environment, 'db')).previous).toEqual(before.previous)
    }, services)
  })
})

describe('forget', () => {
  test('the state is gone in a new revision, and stays gone: saved again, removed and brought back', async () => {
    await line.withWorker(async () => {
      const { environment, target } = await rotatedTwice()
      const before = await line.newest(environment)
      const event = await forget(environment)
      expect(event).toMatchObject({
        action: 'forget',
        outcome: 'succeeded',
        postRevision: 5,
        rotations: [{ path: 'db', outcome: 'succeeded' }],
      })
      const { text } = await line.newest(environment)
      expect(text).not.toContain('state:')
      expect(text).toContain('# who rotates what')
      await line.save(environment, `${text}  note: mine\n`)
      expect((await line.state(environment, 'db')).current).toBeNull()
      await line.save(environment, 'values: {}\n')
      await line.save(environment, text)
      expect((await line.state(environment, 'db')).current).toBeNull()
      // Who gives it back himself has it back.
      await line.save(environment, before.text)
      expect((await line.state(environment, 'db')).current).not.toBeNull()
      expect((await forget(environment)).outcome).toBe('succeeded')
      expect((await line.rotate(environment)).outcome).toBe('succeeded')
      const state = await line.state(environment, 'db')
      expect(state.previous).toBeNull()
      expect(await target.canLogIn(state.current!)).toBe(true)
    })
  })

  test('a call without a state, one that was looked at in another state, and a double request', async () => {
    await line.withWorker(async () => {
      const { environment } = await rotatedTwice()
      await line.rotate(environment)
      expect((await forget(environment, { subject: { revision: 3 } })).rotations).toMatchObject([
        { outcome: 'failed', failureCode: 'CONFLICT' },
      ])
      const ask = { requestKey: randomUUID() }
      const [one, two] = await Promise.all([forget(environment, ask), forget(environment, ask)])
      expect(two.id).toBe(one.id)
      expect((await line.newest(environment)).number).toBe(6)
      const again = await forget(environment)
      expect(again.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'STATE_INVALID' }])
    })
  })
})
