import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHost } from '../../environments/host.ts'
import { saveDefinition, type SaveResult } from '../../environments/save.ts'
import { stateHmacs } from '../../environments/state.ts'
import { Refusal } from '../../model/refusal.ts'
import { lockEnvironment } from '../../store/environments.ts'
import { recordHeld } from '../../store/held.ts'
import { appendRevision, etag, listRevisions } from '../../store/revisions.ts'
import { listAudit } from '../../store/audit.ts'
import { load, open, toJSON } from '../../language/index.ts'
import type { Environment } from '../../store/environments.ts'
import { definition, rotateCall, testEnvironments, type TestEnvironments } from '../support/environments.ts'

let at: TestEnvironments
beforeAll(async () => {
  at = await testEnvironments()
})
afterAll(() => at.store.close())

const refusalOf = async (work: Promise<unknown>): Promise<Refusal> => {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  expect(error).toBeInstanceOf(Refusal)
  return error as Refusal
}

const valuesOf = async (environment: Environment): Promise<unknown> => {
  const { text } = await at.newest(environment)
  const host = createHost(at.services, { environment, login: 'ada', logins: 'open' })
  const { environment: values } = await open(load('x', text).document, host)
  return JSON.parse(toJSON(values, { redact: false }))
}

describe('a definition that is in order', () => {
  test('becomes the next revision, its secrets sealed, its comments kept', async () => {
    const environment = await at.make('first')
    const text =
      '# who: ops\nvalues:\n  # the key\n  key: { fn::secret: hunter2-canary }\n  plain: 1.50 # exactly\n'
    const saved = await saveDefinition(at.services, { environment, text, login: 'ada' })
    expect(saved).toEqual({ revision: 2, etag: etag(environment.id, 2), diagnostics: [] })
    const revision = await at.newest(environment)
    expect(revision).toMatchObject({ number: 2, creator: 'ada', eventId: null })
    expect(revision.text).not.toContain('hunter2')
    for (const kept of ['# who: ops', '# the key', 'plain: 1.50 # exactly', 'ciphertext'])
      expect(revision.text).toContain(kept)
    expect(await valuesOf(environment)).toEqual({ key: 'hunter2-canary', plain: 1.5 })
    expect((await listAudit(at.store.db, environment.id))[0]).toMatchObject({
      actor: 'ada',
      action: 'environment.save',
      details: { revision: 2 },
    })
  })
  test('with a warning is saved and says so', async () => {
    const environment = await at.make('warned')
    const saved = await saveDefinition(at.services, {
      environment,
      text: 'colour: red\nvalues: {a: 1}',
      login: 'ada',
    })
    expect(saved.diagnostics).toMatchObject([{ severity: 'warning' }])
    expect(saved.revision).toBe(2)
  })
  test('sent back as it was read keeps its ciphertexts', async () => {
    const environment = await at.make('resent', definition({ key: '{ fn::secret: s3 }' }))
    const { text } = await at.newest(environment)
    expect((await at.save(environment, text)).text).toBe(text)
  })
  test('does not ask a login provider, even where a call needs one', async () => {
    const environment = await at.make('logins')
    await at.save(
      environment,
      definition({
        login: '{ fn::open::test-login: { user: ada } }',
        creds: rotateCall({ managing: '"${login.user}"' }),
      }),
    )
    expect(at.logins()).toBe(0)
  })
})

describe('a definition that is not in order is refused, and nothing is written', () => {
  const nested = (depth: number) => `values: ${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`
  test.each<[string, string, string]>([
    ['empty', '', 'empty'],
    ['blank', ' \n\n', 'empty'],
    ['not YAML', 'values: [a', 'not valid'],
    ['a list', '- a', 'must be an object'],
    ['of 2 MiB', `values: {a: ${'x'.repeat(2 * 1024 * 1024)}}`, 'the most there may be'],
    ['of 200 levels', nested(200), 'not valid'],
    ['holding NUL', 'values: {a: "x\0"}', 'NUL'],
    ['with a broken reference', definition({ a: '${nowhere}' }), 'unknown property'],
    ['importing what is not there', definition({ a: '1' }, ['app/nowhere']), 'app/nowhere does not exist'],
    ['importing another organization', definition({ a: '1' }, ['other/app/x']), 'another organization'],
    [
      'with an unknown rotator',
      definition({ a: rotateCall().replace('postgres', 'oracle') }),
      'no rotator named "oracle"',
    ],
    [
      'with an unknown login',
      definition({ a: '{ fn::open::nowhere: {} }' }),
      'no login provider named "nowhere"',
    ],
    ['with equal user names', definition({ a: rotateCall({ users: ['x', 'x'] }) }), 'name the same user'],
    [
      'rotating the managing user',
      definition({ a: rotateCall({ managing: 'app_b' }) }),
      'one of rotateUsers',
    ],
    ['without an input', definition({ a: rotateCall().replace('host:', 'hots:') }), 'missing required'],
    [
      'with a call inside another’s state',
      definition({
        a: [
          rotateCall({ state: { current: { username: 'app_a', password: 'p1' } } }),
          '    more:',
          ...rotateCall({ host: 'inner.example' })
            .split('\n')
            .map((line) => `      ${line}`),
        ].join('\n'),
      }),
      'inside the state of "a"',
    ],
  ])('%s', async (name, text, words) => {
    const environment = await at.make(`bad-${name.replaceAll(/[^a-z]/g, '')}`)
    const refusal = await refusalOf(at.save(environment, text))
    expect(refusal.message).toContain(words)
    expect(['invalid', 'too-large']).toContain(refusal.kind)
    expect((await at.newest(environment)).number).toBe(1)
    expect(await listAudit(at.store.db, environment.id)).toHaveLength(1)
  })
  test('the place is named: line and column in this environment', async () => {
    const environment = await at.make('placed')
    const { diagnostics } = await refusalOf(
      at.save(environment, definition({ a: '1', creds: rotateCall({ users: ['x', 'x'] }) })),
    )
    expect(diagnostics).toMatchObject([
      { severity: 'error', path: 'values.creds', range: { environment: 'app/placed', begin: { line: 4 } } },
    ])
  })
  test('environments that import one another', async () => {
    const one = await at.make('cycle-one', definition({ a: '1' }))
    const two = await at.make('cycle-two', definition({ b: '1' }, ['app/cycle-one']))
    const refusal = await refusalOf(at.save(one, definition({ a: '1' }, ['app/cycle-two'])))
    expect(refusal.message).toContain('cyclic import')
    expect((await at.newest(one)).number).toBe(2)
    expect((await at.newest(two)).number).toBe(2)
  })
  test('a secret that was sealed for another environment', async () => {
    const other = await at.make('sealed-there', definition({ key: '{ fn::secret: s3 }' }))
    const here = await at.make('sealed-here')
    const refusal = await refusalOf(at.save(here, (await at.newest(other)).text))
    expect(refusal.message).toContain('for another environment')
  })
})

describe('rights', () => {
  test('saving takes write, and what one may not read does not exist', async () => {
    const environment = await at.make('guarded')
    await at.grant('bob', 'open', environment)
    expect((await refusalOf(at.save(environment, 'values: {a: 1}', 'bob'))).kind).toBe('forbidden')
    expect((await refusalOf(at.save(environment, 'values: {a: 1}', 'eve'))).kind).toBe('not-found')
    await at.grant('bob', 'write', environment)
    expect((await at.save(environment, 'values: {a: 1}', 'bob')).creator).toBe('bob')
  })
  test('saving takes open on the managing environment, opening does not', async () => {
    const managing = await at.make('ops/pg', definition({ password: '{ fn::secret: manage-it }' }))
    const environment = await at.make('uses-ops')
    await at.grant('bob', 'write', environment)
    const state = { current: { username: 'app_a', password: 'own-1' } }
    const text = definition({
      creds: rotateCall({ state }).replace('{ fn::secret: manage-it }', '"${environments.ops.pg.password}"'),
    })
    expect((await refusalOf(at.save(environment, text, 'bob'))).message).toContain('ops/pg does not exist')
    await at.grant('bob', 'read', managing)
    expect((await refusalOf(at.save(environment, text, 'bob'))).message).toContain(
      'bob may not open environment ops/pg',
    )
    expect((await at.newest(environment)).number).toBe(1)
    await at.save(environment, text, 'ada')
    const host = createHost(at.services, { environment, login: 'bob', logins: 'open' })
    const opened = await open(load('x', (await at.newest(environment)).text).document, host)
    expect(opened.diagnostics).toEqual([])
    expect(JSON.parse(toJSON(opened.environment, { redact: false }))).toEqual({ creds: state })
    expect(host.denied).toEqual([])
  })
})

describe('several at once', () => {
  /** Saves that have all been checked against the same revision before the first of them is written. */
  const saveAtOnce = async (environment: Environment, count: number, ifMatch: string) => {
    const { db } = at.store
    let saving: Promise<PromiseSettledResult<SaveResult>[]> | undefined
    await db.transaction().execute(async (transaction) => {
      await lockEnvironment(transaction, environment.id)
      saving = Promise.allSettled(
        Array.from({ length: count }, (_, index) =>
          saveDefinition(at.services, {
            environment,
            text: definition({ a: `${index}` }),
            login: 'ada',
            ifMatch,
          }),
        ),
      )
      for (let waiting = 0; waiting < count;) {
        const { rows } = await sql<{ waiting: number }>`select count(*)::int as waiting from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
        waiting = rows[0]!.waiting
      }
    })
    return saving!
  }

  test('of those who edited the same revision, one wins', async () => {
    const environment = await at.make('raced', definition({ a: '0' }))
    const results = await saveAtOnce(environment, 5, `"${etag(environment.id, 2)}"`)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ kind: 'conflict' })
    expect((await at.newest(environment)).number).toBe(3)
  })
  test('of those who do not say what they edited, each gets a revision of its own', async () => {
    const environment = await at.make('unconditional', definition({ a: '0' }))
    const results = await saveAtOnce(environment, 3, '')
    const saved = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.revision] : []))
    expect(saved.toSorted((x, y) => x - y)).toEqual([3, 4, 5])
    expect((await listRevisions(at.store.db, environment.id)).map(({ number }) => number)).toEqual([
      5, 4, 3, 2, 1,
    ])
  })
  test('a state that was published meanwhile is not overwritten', async () => {
    const call = (state?: Parameters<typeof rotateCall>[0]) =>
      rotateCall({ host: 'meanwhile.example', ...state })
    const first = { current: { username: 'app_a', password: 'meanwhile-1' } }
    const second = { current: { username: 'app_b', password: 'meanwhile-2' }, previous: first.current }
    const environment = await at.make('meanwhile', definition({ creds: call({ state: first }) }))
    const { text } = await at.newest(environment)
    const { db } = at.store
    let saving: Promise<unknown> | undefined
    await db.transaction().execute(async (transaction) => {
      await lockEnvironment(transaction, environment.id)
      // It waits for the lock with the old state in hand; meanwhile a rotation commits.
      saving = at.save(environment, text.replace('values:', 'values:\n  more: 1'))
      await new Promise((resolve) => setTimeout(resolve, 500))
      const published = definition({ creds: call({ state: second, clear: true }) })
      await appendRevision(transaction, { environmentId: environment.id, text: published, creator: 'ada' })
      await recordHeld(transaction, {
        environmentId: environment.id,
        path: 'creds',
        revision: 3,
        targets: ['postgres://meanwhile.example:5432/app_a', 'postgres://meanwhile.example:5432/app_b'],
        hmacs: stateHmacs(at.services.keeper, second),
      })
    })
    await saving
    expect(await valuesOf(environment)).toEqual({ more: 1, creds: second })
    expect((await at.newest(environment)).number).toBe(4)
  })
  test('a stale editor is told, and nothing is written', async () => {
    const environment = await at.make('stale', definition({ a: '0' }))
    await at.save(environment, definition({ a: '1' }))
    const refusal = await refusalOf(
      saveDefinition(at.services, {
        environment,
        text: definition({ a: '2' }),
        login: 'ada',
        ifMatch: etag(environment.id, 2),
      }),
    )
    expect(refusal.kind).toBe('conflict')
    expect(refusal.message).toContain('revision 3 is the newest')
    expect((await at.newest(environment)).number).toBe(3)
  })
})
