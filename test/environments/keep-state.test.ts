/** Saves against rotations: a credential that was replaced never comes back, and a person's own is never lost. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createHost } from '../../environments/host.ts'
import { readState } from '../../environments/state.ts'
import { load } from '../../language/index.ts'
import { isRefusal } from '../../model/refusal.ts'
import { claimedPaths, claimTargets } from '../../store/claims.ts'
import type { Environment } from '../../store/environments.ts'
import { completeEvent, insertEvent } from '../../store/events.ts'
import { insertRotations } from '../../store/journal.ts'
import { definition, rotateCall, testEnvironments, type TestEnvironments } from '../support/environments.ts'

let at: TestEnvironments
let environment: Environment
let count = 0
beforeAll(async () => {
  at = await testEnvironments()
})
afterAll(() => at.store.close())
beforeEach(async () => {
  count += 1
  environment = await at.make(`e${count}`)
})

/** Each test has targets of its own: held credentials are remembered by target. */
const host = () => `db${count}.example`
const call = (options: Parameters<typeof rotateCall>[0] = {}) => rotateCall({ host: host(), ...options })
const password = (name: string) => `${name}-of-test-${count}`
const a = (name: string) => ({ username: 'app_a', password: password(name) })
const b = (name: string) => ({ username: 'app_b', password: password(name) })
const save = async (values: Record<string, string>) => (await at.save(environment, definition(values))).text
const stateAt = async (path: string, of = environment) =>
  readState(
    load('x', (await at.newest(of)).text).document,
    path,
    createHost(at.services, { environment: of, login: 'ada', logins: 'unknown' }),
  )

/** The history of a credential that was rotated three times; gives the texts of its revisions. */
async function rotated(): Promise<{ texts: string[]; newest: object; states: { current: object }[] }> {
  const states = [
    { current: a('p1') },
    { current: b('p2'), previous: a('p1') },
    { current: a('p3'), previous: b('p2') },
  ]
  const texts = [await save({ creds: call() })]
  for (const state of states) texts.push(await save({ creds: call({ state }) }))
  return { texts, newest: states[2]!, states }
}

describe('the newest state stays', () => {
  test('when the call comes without one', async () => {
    const { newest } = await rotated()
    const text = await save({ creds: call(), other: '1' })
    expect(await stateAt('creds')).toEqual(newest)
    expect(text).not.toContain(password('p3'))
  })
  test('when the text before the first rotation is applied again', async () => {
    const { texts, newest } = await rotated()
    await at.save(environment, texts[0]!)
    expect(await stateAt('creds')).toEqual(newest)
  })
  test.each([1, 2])('when revision %i of its history is rolled back to', async (index) => {
    const { texts, newest } = await rotated()
    await at.save(environment, texts[index]!)
    expect(await stateAt('creds')).toEqual(newest)
  })
  test('when an old state is typed in clear', async () => {
    const { newest, states } = await rotated()
    const text = await save({ creds: call({ state: states[0] as never, clear: true }) })
    expect(await stateAt('creds')).toEqual(newest)
    expect(text).not.toContain(password('p1'))
  })
  test('when the newest current comes with an older previous', async () => {
    const { newest } = await rotated()
    await save({ creds: call({ state: { current: a('p3'), previous: a('p1') } }) })
    expect(await stateAt('creds')).toEqual(newest)
  })
  test('untouched, text and all, when it is sent back as it is', async () => {
    const { texts } = await rotated()
    expect((await at.save(environment, texts[3]!)).text).toBe(texts[3])
  })
  test('when the call was removed and comes back', async () => {
    const { texts, newest } = await rotated()
    await save({ other: '1' })
    await save({ creds: call() })
    expect(await stateAt('creds')).toEqual(newest)
    await save({ other: '1' })
    await at.save(environment, texts[1]!)
    expect(await stateAt('creds')).toEqual(newest)
  })
  test('when the call moves to another path, with or without an old state', async () => {
    const { newest, states } = await rotated()
    await save({ moved: call() })
    expect(await stateAt('moved')).toEqual(newest)
    await save({ again: call({ state: states[0] as never }) })
    expect(await stateAt('again')).toEqual(newest)
  })
  test('when managing user and layout change', async () => {
    const { newest } = await rotated()
    await save({ creds: call({ managing: 'other_manager' }) })
    expect(await stateAt('creds')).toEqual(newest)
  })
})

describe('a person’s own state stays', () => {
  test('when its current was never seen', async () => {
    await rotated()
    const own = { current: b('own'), previous: a('p1') }
    await save({ creds: call({ state: own }) })
    expect(await stateAt('creds')).toEqual(own)
    await save({ creds: call() })
    expect(await stateAt('creds')).toEqual(own)
  })
  test('when it adds a previous never seen to the newest current', async () => {
    await rotated()
    const own = { current: a('p3'), previous: b('own') }
    await save({ creds: call({ state: own }) })
    expect(await stateAt('creds')).toEqual(own)
  })
  test('and is sealed where fn::secret was forgotten, however it was written', async () => {
    const clear = { current: a('typed'), previous: b('typed') }
    const text = await save({ creds: call({ state: clear, clear: true }) })
    expect(await stateAt('creds')).toEqual(clear)
    expect(text).not.toContain(password('typed'))
    expect(text).toContain('app_a')
    expect(text).toContain('manager')
  })
  test('and is sealed where it refers to a value in clear', async () => {
    const text = await save({
      typed: JSON.stringify({ x: 1 }),
      creds: call({ state: { current: a('x') }, clear: true }).replace(password('x'), '"5432${typed.x}"'),
    })
    expect(await stateAt('creds')).toEqual({ current: { username: 'app_a', password: '54321' } })
    expect(text).not.toContain('5432${')
  })
})

describe('what is not known before a rotation', () => {
  const login = '{ fn::open::test-login: { user: db.example } }'
  test('a managing password from a call that was never rotated does not stand in the way', async () => {
    const first = rotateCall({ host: host(), users: ['boss_a', 'boss_b'] })
    const second = call().replace('{ fn::secret: manage-it }', '"${boss.current.password}"')
    await save({ boss: first, creds: second })
    await expect(save({ boss: first, creds: second.replace('app_b', 'app_a') })).rejects.toThrow('same user')
  })
  test('a state stays while the host is not known, and when it is known again', async () => {
    const { newest } = await rotated()
    await save({ login, creds: call({ host: '"${login.user}"' }) })
    expect(await stateAt('creds')).toEqual(newest)
    await save({ creds: call() })
    expect(await stateAt('creds')).toEqual(newest)
    await save({ login, creds: call({ host: '"${login.user}"' }) })
    await save({ login })
    await save({ login, creds: call({ host: '"${login.user}"' }) })
    expect(await stateAt('creds')).toEqual(newest)
  })
})

test('a state is compared as it reads once it is sealed, whatever its characters', async () => {
  const odd = `a$$b $x "'\\ # : ${count}`
  const given = call({ state: { current: a('x') } }).replace(password('x'), () => JSON.stringify(odd))
  await save({ creds: given })
  const stored = await stateAt('creds')
  expect(stored).toEqual({ current: { username: 'app_a', password: odd } })
  await save({ creds: given })
  expect(await stateAt('creds')).toEqual(stored)
  await save({ creds: call({ state: { current: b('newer') } }) })
  await save({ creds: given })
  expect(await stateAt('creds')).toEqual({ current: b('newer') })
})

test('fifty calls are saved in a moment', async () => {
  const text = definition(
    Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [
        `c${index}`,
        call({ host: `h${index}.${host()}`, state: { current: a(`p${index}`) } }),
      ]),
    ),
  )
  await at.save(environment, text)
  const began = performance.now()
  await at.save(environment, text.replaceAll('manage-it', 'manage-them'))
  expect(performance.now() - began).toBeLessThan(5_000)
  expect(await stateAt('c49')).toEqual({ current: a('p49') })
})

describe('a state belongs to its targets', () => {
  test('it is not carried over to entirely other ones, not even where the text still holds it', async () => {
    const { texts } = await rotated()
    await save({ creds: call({ host: `other-${host()}` }) })
    expect(await stateAt('creds')).toBe(null)
    await at.save(environment, texts[3]!)
    await at.save(environment, texts[3]!.replace(`host: ${host()}`, `host: third-${host()}`))
    expect(await stateAt('creds')).toBe(null)
  })
  test('it comes back when the call names the old targets again', async () => {
    const { newest } = await rotated()
    await save({ creds: call({ host: `other-${host()}` }) })
    await save({ creds: call() })
    expect(await stateAt('creds')).toEqual(newest)
  })
  test('it is kept when one of the users is replaced', async () => {
    const { newest } = await rotated()
    await save({ creds: call({ users: ['app_a', 'app_c'] }) })
    expect(await stateAt('creds')).toEqual(newest)
  })
  test('a replaced credential cannot be brought to another environment', async () => {
    const { newest, states } = await rotated()
    const other = await at.make(`other-${count}`)
    const old = at.save(other, definition({ creds: call({ state: states[0] as never }) }))
    await expect(old).rejects.toThrow('was replaced since')
    await at.save(other, definition({ creds: call({ state: newest as never }) }))
    expect(await stateAt('creds', other)).toEqual(newest)
  })
  test('what another environment has rotated since is not taken from history', async () => {
    const { newest } = await rotated()
    await save({ nothing: '1' })
    const other = await at.make(`heir-${count}`)
    await at.save(other, definition({ creds: call({ state: newest as never }) }))
    await at.save(other, definition({ creds: call({ state: { current: b('p4'), previous: a('p3') } }) }))
    await save({ creds: call() })
    expect(await stateAt('creds')).toBe(null)
  })
})

describe('while an event is open', () => {
  const eventId = () => `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`
  const openFor = async (paths: string[], refused: string[] = []) => {
    const base = await at.newest(environment)
    await insertEvent(at.store.db, {
      id: eventId(),
      environmentId: environment.id,
      trigger: 'manual',
      login: 'ada',
      paths: null,
      force: false,
      scheduleId: null,
      dueAt: null,
      baseRevision: base.number,
      workflowId: 'w',
      runId: 'r',
    })
    await insertRotations(
      at.store.db,
      [...paths, ...refused].map((path) => ({
        id: randomUUID(),
        eventId: eventId(),
        environmentId: environment.id,
        path,
        rotator: 'postgres',
        targets: [],
        dependsOn: [],
        warnings: [],
        ...(refused.includes(path) && {
          refused: { outcome: 'failed' as const, code: 'INPUT_INVALID', message: '' },
        }),
      })),
    )
  }
  const conflict = (error: unknown) => isRefusal(error, 'conflict') && error.message.includes('being rotated')

  test.each<[string, () => Record<string, string>]>([
    ['removing its call', () => ({ other: '1' })],
    ['moving its call', () => ({ moved: call(), other: '1' })],
    ['changing its inputs', () => ({ creds: call({ managing: 'somebody' }), other: '1' })],
    ['changing its targets', () => ({ creds: call({ host: 'elsewhere.example' }), other: '1' })],
    ['giving it a state of one’s own', () => ({ creds: call({ state: { current: b('own') } }), other: '1' })],
  ])('%s is refused and names the path', async (_name, values) => {
    await rotated()
    await save({ creds: call(), other: '1' })
    await openFor(['creds'])
    const before = await at.newest(environment)
    const work = save(values())
    await expect(work).rejects.toSatisfy(conflict)
    await expect(work).rejects.toThrow('creds')
    expect(await at.newest(environment)).toEqual(before)
    await completeEvent(at.store.db, eventId(), { outcome: 'succeeded' })
    await save(values())
  })
  test.each<[string, () => Record<string, string>]>([
    ['another value', () => ({ creds: call(), other: '2' })],
    ['a new call', () => ({ creds: call(), more: call({ host: 'more.example' }) })],
    ['its old state, which is kept anyway', () => ({ creds: call({ state: { current: a('p1') } }) })],
  ])('%s may be changed', async (_name, values) => {
    const { newest } = await rotated()
    await openFor(['creds'])
    await save(values())
    expect(await stateAt('creds')).toEqual(newest)
  })
  test('a call that the event refused at once may be mended', async () => {
    await rotated()
    await openFor([], ['creds'])
    await save({ creds: call({ managing: 'somebody' }) })
  })
})

describe('claims', () => {
  const claim = async (path: string, target: string, sent: boolean) => {
    const rotationId = randomUUID()
    const eventId = randomUUID()
    await insertEvent(at.store.db, {
      id: eventId,
      environmentId: environment.id,
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
    await insertRotations(at.store.db, [
      {
        id: rotationId,
        eventId,
        environmentId: environment.id,
        path,
        rotator: 'postgres',
        targets: [target],
        dependsOn: [],
        warnings: [],
      },
    ])
    await completeEvent(at.store.db, eventId, { outcome: 'failed' })
    await claimTargets(at.store.db, {
      environmentId: environment.id,
      path,
      rotationId,
      targets: [target],
      published: [],
    })
    if (sent)
      await at.store.db
        .updateTable('rotations')
        .set({ sent_until: new Date() })
        .where('id', '=', rotationId)
        .execute()
    return rotationId
  }
  const settle = (id: string) =>
    at.store.db.updateTable('rotations').set({ settled_at: new Date() }).where('id', '=', id).execute()

  test('are given back when the call is gone, those in doubt once they are settled', async () => {
    await save({ one: call(), two: call({ host: `two-${host()}` }) })
    await claim('one', `t1-${count}`, false)
    const inDoubt = await claim('two', `t2-${count}`, true)
    await save({ other: '1' })
    expect(await claimedPaths(at.store.db, environment.id)).toEqual(['two'])
    await settle(inDoubt)
    await save({ other: '2' })
    expect(await claimedPaths(at.store.db, environment.id)).toEqual([])
  })
  test('stay while the call stays, and go for targets that it no longer names', async () => {
    const target = (name: string) => `postgres://${name}:5432/app_a`
    await save({ creds: call() })
    await claim('creds', target(host()), false)
    await save({ creds: call(), other: '1' })
    expect(await claimedPaths(at.store.db, environment.id)).toEqual(['creds'])
    await save({ creds: call({ host: `new-${host()}` }) })
    expect(await claimedPaths(at.store.db, environment.id)).toEqual([])
  })
})
