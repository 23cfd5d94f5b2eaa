import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEnvironment, readSession } from '../../environments/open.ts'
import type { Services } from '../../environments/services.ts'
import { Refusal } from '../../model/refusal.ts'
import { deleteEnvironment, type Environment } from '../../store/environments.ts'
import { takeGrant } from '../../store/grants.ts'
import { createRevisionTag, moveRevisionTag } from '../../store/revision-tags.ts'
import { definition, rotateCall, testEnvironments, type TestEnvironments } from '../support/environments.ts'

const HOUR = 3600_000

let at: TestEnvironments
beforeAll(async () => {
  at = await testEnvironments()
})
afterAll(() => at.store.close())

const open = (environment: Environment, login = 'ada', version?: string) =>
  openEnvironment(at.services, {
    environment,
    login,
    durationMs: HOUR,
    ...(version !== undefined && { version }),
  })
const read = (
  environment: Environment,
  sessionId: string,
  options: { login?: string; property?: string } = {},
) => readSession(at.services, { environment, sessionId, login: 'ada', ...options })

describe('an opened environment', () => {
  test('is read whole or by property, for as long as the session lasts', async () => {
    const environment = await at.make('opened', definition({ pw: '{ fn::secret: s3 }', port: '5432' }))
    const { sessionId, revision, diagnostics } = await open(environment)
    expect({ revision, diagnostics }).toEqual({ revision: 2, diagnostics: [] })
    expect(JSON.parse(await read(environment, sessionId))).toMatchObject({
      properties: { pw: { value: 's3', secret: true }, port: { value: 5432 } },
    })
    expect(JSON.parse(await read(environment, sessionId, { property: 'pw' }))).toMatchObject({ value: 's3' })
    await expect(read(environment, sessionId, { property: 'pw.x' })).rejects.toThrow('no property')
    await at.store.db
      .updateTable('open_sessions')
      .set({ expires_at: new Date(0) })
      .execute()
    await expect(read(environment, sessionId)).rejects.toThrow('may have expired')
  })
  test('without values is an empty object', async () => {
    const environment = await at.make('nothing')
    expect(await read(environment, (await open(environment)).sessionId)).toBe('{}')
  })
  test('at a version stays at that version', async () => {
    const environment = await at.make('pinned', definition({ a: '1' }))
    await at.save(environment, definition({ a: '2' }))
    const { sessionId } = await open(environment, 'ada', '2')
    expect(JSON.parse(await read(environment, sessionId, { property: 'a' }))).toMatchObject({ value: 1 })
    await expect(open(environment, 'ada', '9')).rejects.toThrow('no revision 9')
    await expect(open(environment, 'ada', 'none')).rejects.toThrow('no revision tagged "none"')
  })
  test('is read by another copy of the server, from the revision that was opened, logging in again', async () => {
    const environment = await at.make(
      'two-servers',
      definition({ l: '{ fn::open::test-login: { user: u } }' }),
    )
    const before = at.logins()
    const { sessionId } = await open(environment)
    await at.save(environment, definition({ l: '"changed"' }))
    await read(environment, sessionId)
    expect(at.logins()).toBe(before + 1)
    const other: Services = { ...at.services }
    const wire = await readSession(other, { environment, sessionId, login: 'ada', property: 'l.token' })
    expect(JSON.parse(wire)).toMatchObject({ value: 'token-of-u', secret: true })
    expect(at.logins()).toBe(before + 2)
  })
  test('its values are in no table', async () => {
    const environment = await at.make(
      'unstored',
      definition({ l: '{ fn::open::test-login: { user: canary } }' }),
    )
    await open(environment)
    const rows = await at.store.db.selectFrom('open_sessions').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain('token-of-canary')
  })
})

describe('what somebody has open and opens again', () => {
  const counting = (): { services: Services; evaluations(): number } => {
    let evaluations = 0
    const findRotator: Services['findRotator'] = (name) => {
      evaluations += 1
      return at.services.findRotator(name)
    }
    return { services: { ...at.services, findRotator }, evaluations: () => evaluations }
  }
  const creds = rotateCall({ state: { current: { username: 'app_a', password: 'pw-1' } } })
  const opens = async (services: Services, environment: Environment, login = 'ada') => {
    const { sessionId } = await openEnvironment(services, { environment, login, durationMs: HOUR })
    return JSON.parse(await readSession(services, { environment, sessionId, login })) as {
      properties: Record<string, { value: unknown }>
    }
  }

  test('is evaluated once as long as nothing that it reads has changed, and for each person', async () => {
    const { services, evaluations } = counting()
    const imported = await at.make('read-once', definition({ a: '1' }))
    const environment = await at.make(
      'shared',
      definition({ creds, s: '{ fn::secret: s1 }' }, ['app/read-once']),
    )
    const first = await opens(services, environment)
    const once = evaluations()
    expect(once).toBeGreaterThan(0)
    expect(await opens(services, environment)).toEqual(first)
    expect(evaluations()).toBe(once)

    await at.grant('bob', 'open', environment)
    await at.grant('bob', 'open', imported)
    expect((await opens(services, environment, 'bob')).properties).toEqual(first.properties)
    expect(evaluations()).toBe(2 * once)

    await at.save(imported, definition({ a: '2' }))
    expect((await opens(services, environment)).properties['a']).toMatchObject({ value: 2 })
    expect(evaluations()).toBe(3 * once)

    await at.save(environment, definition({ creds, s: '{ fn::secret: s2 }' }, ['app/read-once']))
    expect((await opens(services, environment)).properties['s']).toMatchObject({ value: 's2' })
  })
  test('is refused when the right to what it imports was taken away, and not found when that is gone', async () => {
    const imported = await at.make('taken-away', definition({ a: '1' }))
    const environment = await at.make('holding', definition({ b: '1' }, ['app/taken-away']))
    await at.grant('bob', 'open', environment)
    await at.grant('bob', 'open', imported)
    await opens(at.services, environment, 'bob')
    await at.grant('bob', 'read', imported)
    await expect(opens(at.services, environment, 'bob')).rejects.toThrow(
      'may not open environment app/taken-away',
    )
    await opens(at.services, environment)
    await deleteEnvironment(at.store.db, { id: imported.id, login: 'ada' })
    await expect(opens(at.services, environment)).rejects.toThrow('app/taken-away does not exist')
  })
  test('follows a tag that was moved', async () => {
    const imported = await at.make('tagged', definition({ a: '1' }))
    await at.save(imported, definition({ a: '2' }))
    const tag = { environmentId: imported.id, name: 'stable', editor: 'ada' }
    await createRevisionTag(at.store.db, { ...tag, revision: 2 })
    const environment = await at.make('following', definition({ b: '1' }, ['app/tagged@stable']))
    expect((await opens(at.services, environment)).properties['a']).toMatchObject({ value: 1 })
    await moveRevisionTag(at.store.db, { ...tag, revision: 3 })
    expect((await opens(at.services, environment)).properties['a']).toMatchObject({ value: 2 })
  })
  test('logs in again', async () => {
    const environment = await at.make('log-in', definition({ l: '{ fn::open::test-login: { user: u } }' }))
    const before = at.logins()
    await opens(at.services, environment)
    await opens(at.services, environment)
    expect(at.logins()).toBe(before + 2)
  })
})

describe('is refused', () => {
  test('to those who may not open it, and a session to all but its owner', async () => {
    const environment = await at.make('guarded', definition({ a: '1' }))
    await at.grant('bob', 'read', environment)
    await expect(open(environment, 'bob')).rejects.toMatchObject({ kind: 'forbidden' })
    await expect(open(environment, 'eve')).rejects.toMatchObject({ kind: 'not-found' })
    await at.grant('bob', 'open', environment)
    const { sessionId } = await open(environment, 'bob')
    await expect(read(environment, sessionId)).rejects.toMatchObject({ kind: 'not-found' })
    const other = await at.make('elsewhere', definition({ a: '1' }))
    await at.grant('bob', 'open', other)
    await expect(read(other, sessionId, { login: 'bob' })).rejects.toMatchObject({ kind: 'not-found' })
    await read(environment, sessionId, { login: 'bob' })
    const scope = { organization: 'acme', project: 'app', environmentId: environment.id }
    await takeGrant(at.store.db, { scope, login: 'bob' })
    await expect(read(environment, sessionId, { login: 'bob' })).rejects.toMatchObject({ kind: 'not-found' })
  })
  test('to those who may not open what it imports', async () => {
    const imported = await at.make('imported', definition({ a: '1' }))
    const environment = await at.make('importing', definition({ b: '1' }, ['app/imported']))
    await at.grant('bob', 'open', environment)
    await at.grant('bob', 'read', imported)
    const refusal: unknown = await open(environment, 'bob').catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(Refusal)
    expect(refusal).toMatchObject({
      kind: 'invalid',
      diagnostics: [{ severity: 'error', range: { environment: 'app/importing', begin: { line: 1 } } }],
    })
    expect((refusal as Refusal).message).toContain('bob may not open environment app/imported')
  })
  test('before the first rotation of a call without a state', async () => {
    const environment = await at.make('not-rotated', definition({ a: '1', creds: rotateCall() }))
    await expect(open(environment)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('not rotated yet'),
      diagnostics: [{ range: { begin: { line: 4 } } }],
    })
  })
  test.each([0, -1, NaN, 8 * 24 * HOUR])('for %d milliseconds', async (durationMs) => {
    const environment = await at.make(
      `duration-${durationMs}`.replace(/[^a-z0-9-]/gi, ''),
      definition({ a: '1' }),
    )
    await expect(
      openEnvironment(at.services, { environment, login: 'ada', durationMs }),
    ).rejects.toMatchObject({ kind: 'invalid' })
  })
})

test('a store that is away while it is evaluated is no fault of the definition', async () => {
  const environment = await at.make(
    'away',
    definition({ b: '1' }, ['app/away-import']).replace(/^imports.*\n/, ''),
  )
  await at.make('away-import', definition({ a: '1' }))
  await at.save(environment, definition({ b: '1' }, ['app/away-import']))
  const broken: Services = {
    ...at.services,
    db: new Proxy(at.services.db, {
      get: (db, key, receiver) => {
        if (key === 'selectFrom')
          return (table: string) => {
            if (table === 'revisions' && revisionReads++ > 0) throw new Error('driver text: connection reset')
            return db.selectFrom(table as 'revisions')
          }
        const value: unknown = Reflect.get(db, key, receiver)
        return typeof value === 'function' ? (value.bind(db) as unknown) : value
      },
    }),
  }
  let revisionReads = 0
  const error: unknown = await openEnvironment(broken, { environment, login: 'ada', durationMs: HOUR }).catch(
    (caught: unknown) => caught,
  )
  expect(error).not.toBeInstanceOf(Refusal)
  expect(error).toMatchObject({ message: 'driver text: connection reset' })
})
