/** What people decide about passwords that a rotation left in doubt: adopt, discard, give up. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { deleteEnvironment } from '../../environments/delete.ts'
import { listAudit } from '../../store/audit.ts'
import { findClaim } from '../../store/claims.ts'
import { findEnvironmentById, type Environment } from '../../store/environments.ts'
import { giveGrant } from '../../store/grants.ts'
import { listRotations, type RotationRecord } from '../../store/rotation-records.ts'
import { gate, rotatedDefinition, startLine, type Credential, type Line } from '../support/line.ts'
import { startProxy, type Proxy } from '../support/proxy.ts'
import { targetDatabase, type TargetDatabase } from '../support/servers.ts'

vi.setConfig({ testTimeout: 60_000 })

let line: Line
let target: TargetDatabase
let proxy: Proxy
let environment: Environment
let before: Credential

beforeAll(async () => {
  line = await startLine({ targetBudget: 3_000 })
})
afterAll(() => line.close())
beforeEach(async () => {
  target = await targetDatabase()
  proxy = await startProxy(target)
  environment = await line.environment(rotatedDefinition(target, { host: proxy.host, port: proxy.port }))
  await line.withWorker(() => line.rotate(environment))
  before = (await line.state(environment, 'db')).current!
})
afterEach(async () => {
  await proxy.close()
  await target.drop()
})

const unsettled = () => listRotations(line.store.db, { environmentId: environment.id, limit: 10 })

/** What the server holds for both users: changes exactly when somebody changes a password. */
async function verifiers(): Promise<unknown> {
  const names = target.rotated.map(({ username }) => username)
  return await target.admin('select rolname, rolpassword from pg_authid where rolname = any($1) order by 1', [
    names,
  ])
}

/** A rotation whose change arrives and is never answered, or never arrives. */
async function leaveInDoubt(arrives: boolean): Promise<RotationRecord> {
  let cut = false
  proxy.cutAfter((chunk) => {
    cut ||= chunk.includes(arrives ? 'COMMIT' : 'ALTER ROLE')
    return cut
  })
  const event = await line.withWorker(() => line.rotate(environment))
  expect(event.rotations).toMatchObject([{ outcome: 'unknown' }])
  proxy.relay()
  const [left, ...more] = await unsettled()
  expect(more).toEqual([])
  return left!
}

const act = (action: 'adopt' | 'discard', rotation: string, more: object = {}) =>
  line.withWorker(() =>
    line.rotate(environment, {
      action,
      subject: { rotation, ...('giveUp' in more && { giveUp: true }) },
      ...more,
    }),
  )

describe('adopt', () => {
  test('the value in the journal becomes current, the one before previous, and nothing is changed at the target', async () => {
    const { id } = await leaveInDoubt(true)
    const changed = await verifiers()
    const event = await act('adopt', id)
    expect(event).toMatchObject({
      action: 'adopt',
      outcome: 'succeeded',
      postRevision: 4,
      rotations: [{ path: 'db', outcome: 'succeeded', step: 'published', warnings: [] }],
    })
    expect(await verifiers()).toEqual(changed)
    const { current, previous } = await line.state(environment, 'db')
    expect(previous).toEqual(before)
    expect(await target.canLogIn(current!)).toBe(true)
    expect(await unsettled()).toEqual([])
    const [last] = await listAudit(line.store.db, environment.id, { count: 1 })
    expect(last).toMatchObject({
      actor: 'ada',
      action: 'rotation.succeed',
      details: { action: 'adopt', rotation: id, revision: 4 },
    })
    expect((await line.withWorker(() => line.rotate(environment))).outcome).toBe('succeeded')
    expect((await line.state(environment, 'db')).previous).toEqual(current)
  })

  test('a value that never arrived is refused, and stays to be settled', async () => {
    const { id } = await leaveInDoubt(false)
    const event = await act('adopt', id)
    expect(event).toMatchObject({
      outcome: 'failed',
      postRevision: null,
      rotations: [{ outcome: 'failed', failureCode: 'VERIFY_FAILED' }],
    })
    expect(event.rotations[0]!.message).toContain('discard the rotation')
    expect(await unsettled()).toMatchObject([{ id }])
  })

  test('twice with one request id: one revision; a second adoption is refused in words', async () => {
    const { id } = await leaveInDoubt(true)
    const [first, second] = await line.withWorker(async () => {
      const ask = () =>
        line.rotate(environment, { action: 'adopt', subject: { rotation: id }, requestKey: 'once' })
      return await Promise.all([ask(), ask()])
    })
    expect(second.id).toBe(first.id)
    expect((await line.newest(environment)).number).toBe(4)
    const again = await act('adopt', id)
    expect(again).toMatchObject({ outcome: 'failed', failureCode: 'INPUT_INVALID', postRevision: null })
    expect(again.message).toContain('settled already')
    await expect(
      line.rotate(environment, { action: 'discard', subject: { rotation: id }, requestKey: 'once' }),
    ).rejects.toMatchObject({ kind: 'mismatch' })
  })

  test('current was changed by hand meanwhile: published without a previous one, and said so', async () => {
    await line.withWorker(() => line.rotate(environment))
    const published = await line.state(environment, 'db')
    const { id } = await leaveInDoubt(true)
    await target.admin(`alter role ${published.current!.username} password 'by-hand'`)
    const event = await act('adopt', id)
    expect(event.outcome).toBe('succeeded')
    expect(event.rotations[0]!.warnings).toHaveLength(1)
    const state = await line.state(environment, 'db')
    expect(state.previous).toBeNull()
    expect(await target.canLogIn(state.current!)).toBe(true)
  })

  test('verified, and its call named another target by then (CONFLICT): adopted once it names that one again', async () => {
    const own = await line.target()
    const place = await line.environment(`values:\n  port: ${own.port}\n`)
    const text = rotatedDefinition(own).replace(/port: \d+/, 'port: ${port}')
    environment = await line.environment(`imports: [app/${place.name}]\n${text}`)
    const { services, reached, open } = gate(line.activityServices, 'verified')
    await line.withWorker(async () => {
      const rotating = line.rotate(environment)
      await reached
      await line.save(place, 'values:\n  port: 1\n')
      open()
      expect((await rotating).rotations).toMatchObject([{ failureCode: 'CONFLICT', step: 'verified' }])
    }, services)
    const [left] = await unsettled()
    expect(await act('adopt', left!.id)).toMatchObject({ outcome: 'failed', failureCode: 'CONFLICT' })
    await line.save(place, `values:\n  port: ${own.port}\n`)
    expect(await act('adopt', left!.id)).toMatchObject({ outcome: 'succeeded' })
    expect(await own.canLogIn((await line.state(environment, 'db')).current!)).toBe(true)
    expect(await unsettled()).toEqual([])
  })

  test('a call that was moved while in doubt takes its credential along, once its target is released', async () => {
    const { id, targets } = await leaveInDoubt(true)
    await line.save(environment, (await line.newest(environment)).text.replace(/^ {2}db:/m, '  moved:'))
    const taken = await act('adopt', id)
    expect(taken.rotations).toMatchObject([{ path: 'moved', failureCode: 'TARGET_TAKEN' }])
    for (const name of targets)
      expect(
        await line.withWorker(() =>
          line.rotate(environment, { action: 'release', subject: { target: name } }),
        ),
      ).toMatchObject({ outcome: 'succeeded', postRevision: null })
    expect(await act('adopt', id)).toMatchObject({ outcome: 'succeeded' })
    expect(await target.canLogIn((await line.state(environment, 'moved')).current!)).toBe(true)
    expect(await unsettled()).toEqual([])
  })
})

describe('discard', () => {
  test('a value that the target refuses is settled; nothing is changed, and no revision made', async () => {
    const { id } = await leaveInDoubt(false)
    const untouched = await verifiers()
    expect(await act('discard', id)).toMatchObject({
      outcome: 'succeeded',
      postRevision: null,
      rotations: [{ outcome: 'succeeded', warnings: [] }],
    })
    expect(await unsettled()).toEqual([])
    expect(await verifiers()).toEqual(untouched)
  })

  test('a value that the target accepts is not, unless it is given up, with a plain warning', async () => {
    const { id } = await leaveInDoubt(true)
    const refused = await act('discard', id)
    expect(refused.rotations).toMatchObject([{ outcome: 'failed', failureCode: 'INPUT_INVALID' }])
    expect(refused.rotations[0]!.message).toMatch(/adopt it, or give it up/)
    expect(await unsettled()).toHaveLength(1)
    const given = await act('discard', id, { giveUp: true })
    expect(given.outcome).toBe('succeeded')
    expect(given.rotations[0]!.warnings).toEqual([expect.stringContaining('nobody knows the password')])
    expect(await unsettled()).toEqual([])
    // The next one writes over it, and what is published keeps working.
    expect((await line.withWorker(() => line.rotate(environment))).outcome).toBe('succeeded')
    const { current, previous } = await line.state(environment, 'db')
    expect(previous).toEqual(before)
    expect(await target.canLogIn(current!)).toBe(true)
  })

  test('giving up asks nothing of a target that is gone; without it, that it is away is said', async () => {
    const { id } = await leaveInDoubt(true)
    proxy.cutBefore(() => true)
    expect((await act('discard', id)).rotations).toMatchObject([{ failureCode: 'TARGET_UNREACHABLE' }])
    expect(await act('discard', id, { giveUp: true })).toMatchObject({ outcome: 'succeeded' })
  })

  test('while another event is open it waits, and finds what that one settled', async () => {
    const { id } = await leaveInDoubt(true)
    const { services, reached, open } = gate(line.activityServices, 'verified')
    await line.withWorker(async () => {
      const rotating = line.rotate(environment)
      await reached
      const discarding = line.rotate(environment, { action: 'discard', subject: { rotation: id } })
      await vi.waitFor(async () => expect(await line.requests(environment)).toContain('waiting'), {
        timeout: 20_000,
      })
      open()
      expect(await rotating).toMatchObject({ outcome: 'succeeded' })
      expect(await discarding).toMatchObject({ outcome: 'failed', failureCode: 'INPUT_INVALID' })
    }, services)
    expect(await target.canLogIn((await line.state(environment, 'db')).current!)).toBe(true)
  })

  test('who lost the right to write meanwhile is refused by the plan', async () => {
    const { id } = await leaveInDoubt(true)
    const { organization, project } = environment
    await giveGrant(line.store.db, {
      scope: { organization, project, environmentId: environment.id },
      login: 'eve',
      level: 'open',
      grantedBy: 'ada',
    })
    const event = await act('discard', id, { giveUp: true, login: 'eve' })
    expect(event).toMatchObject({ outcome: 'failed', failureCode: 'PERMISSION_DENIED' })
    expect(await unsettled()).toHaveLength(1)
  })

  test('of a deleted environment: by an administrator of the organization alone, and its target is free then', async () => {
    const { id, targets } = await leaveInDoubt(true)
    const claimed = targets[0]!
    await giveGrant(line.store.db, {
      scope: { organization: environment.organization, project: environment.project },
      login: 'bob',
      level: 'admin',
      grantedBy: 'ada',
    })
    await deleteEnvironment(line.services, { environment, login: 'ada' })
    environment = (await findEnvironmentById(line.store.db, environment.id))!
    expect(await findClaim(line.store.db, claimed)).toMatchObject({ environmentId: environment.id })
    expect(await act('discard', id, { login: 'bob', giveUp: true })).toMatchObject({
      outcome: 'failed',
      failureCode: 'PERMISSION_DENIED',
    })
    await expect(act('adopt', id)).rejects.toThrow('does not exist any more')
    // The target is asked with the call as it was.
    expect((await act('discard', id)).rotations).toMatchObject([{ failureCode: 'INPUT_INVALID' }])
    expect(await act('discard', id, { giveUp: true })).toMatchObject({ outcome: 'succeeded' })
    expect(await unsettled()).toEqual([])
    expect(await findClaim(line.store.db, claimed)).toBeUndefined()
  })
})
