import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { batched } from '../../store/batch.ts'
import { findCaller, findEnvironmentOf } from '../../store/callers.ts'
import { createEnvironment, type Environment } from '../../store/environments.ts'
import { giveGrant, takeGrant } from '../../store/grants.ts'
import { createSession, findSession } from '../../store/sessions.ts'
import { createToken, revokeToken } from '../../store/tokens.ts'
import { freshStore, type TestStore } from '../support/store.ts'

describe('questions of many', () => {
  /** Answers when it is told to. */
  const slow = () => {
    const asked: { questions: number[]; answer(): void }[] = []
    const ask = batched(async (questions: number[]) => {
      await new Promise<void>((answer) => asked.push({ questions, answer }))
      return questions.map((question) => question * 10)
    })
    return { asked, ask }
  }

  test('go together with those of the same turn, or that came while others were under way, never with those', async () => {
    // However slow this machine is, nobody loses patience with a statement here.
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0)
    onTestFinished(() => clock.mockRestore())
    const { asked, ask } = slow()
    const answers = [ask(1), ask(2)]
    expect(asked).toEqual([])
    await turn()
    answers.push(...[3, 4, 5].map((question) => ask(question)))
    await turn()
    expect(asked.map(({ questions }) => questions)).toEqual([[1, 2]])
    asked[0]!.answer()
    await vi.waitFor(() =>
      expect(asked.map(({ questions }) => questions)).toEqual([
        [1, 2],
        [3, 4, 5],
      ]),
    )
    asked[1]!.answer()
    expect(await Promise.all(answers)).toEqual([10, 20, 30, 40, 50])
    const later = ask(6)
    await turn()
    expect(asked.at(-1)!.questions).toEqual([6])
    asked.at(-1)!.answer()
    expect(await later).toBe(60)
  })

  test('fail alone', async () => {
    const calls: number[][] = []
    const ask = batched(async (questions: number[]) => {
      calls.push(questions)
      await turn()
      if (questions.includes(13)) throw new Error('not this one')
      return questions
    })
    const answers = await Promise.allSettled([1, 2, 3, 13, 4].map((question) => ask(question)))
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : 'failed'))).toEqual([
      1,
      2,
      3,
      'failed',
      4,
    ])
    expect(calls[0]).toEqual([1, 2, 3, 13, 4])
  })

  test('are not held up for long by a statement that gets no answer', async () => {
    const { asked, ask } = slow()
    const first = ask(1)
    await turn()
    const second = ask(2)
    await sleep(150)
    const third = ask(3)
    await turn()
    expect(asked.map(({ questions }) => questions)).toEqual([[1], [2, 3]])
    asked[1]!.answer()
    expect(await Promise.all([second, third])).toEqual([20, 30])
    asked[0]!.answer()
    expect(await first).toBe(10)
  })
})

describe('in the store', () => {
  let store: TestStore
  let environment: Environment
  let token: string
  beforeAll(async () => {
    store = await freshStore()
    const { db, keeper } = store
    environment = await createEnvironment(db, keeper, {
      organization: 'acme',
      project: 'app',
      name: 'prod',
      creator: 'ada',
    })
    token = (await createToken(db, { login: 'ada', name: 'test' })).token.reveal()
  })
  afterAll(() => store.close())

  const name = (given: string) => ({ organization: 'acme', project: 'app', name: given })

  test('callers get each their own answer, whoever asks at the same time', async () => {
    const bobs = (await createToken(store.db, { login: 'bob', name: 'test' })).token.reveal()
    const ask = (given: string, of: string) =>
      findCaller(store.db, given, name(of)).catch((error: Error) => error.message)
    const answers = await Promise.all([
      ask(token, 'prod'),
      ask(token, 'prod'),
      ask(bobs, 'prod'),
      ask('rkp_unknown', 'prod'),
      ask(token, 'none'),
      ask(token, 'nul\0'),
      ask(token, 'quote"\\{},'),
      ask(token, 'prod'),
    ])
    const known = { login: 'ada', level: 'admin', environment: { id: environment.id, newestRevision: 1 } }
    expect(answers[0]).toMatchObject(known)
    expect(answers[1]).toMatchObject(known)
    expect(answers[2]).toMatchObject({ login: 'bob', level: null, environment: { id: environment.id } })
    expect(answers[3]).toBe('this access token is not known here')
    const nothing = {
      login: 'ada',
      level: null,
      environment: undefined,
      session: undefined,
      others: new Map(),
    }
    expect(answers[4]).toEqual(nothing)
    expect(answers[5]).toContain('invalid byte sequence')
    expect(answers[6]).toEqual(nothing)
    expect(answers[7]).toMatchObject(known)
  })

  test('a token or a grant that is taken away counts no more for whoever asks after that', async () => {
    const made = await createToken(store.db, { login: 'eve', name: 'test' })
    const eves = made.token.reveal()
    const scope = { organization: 'acme', project: 'app', environmentId: environment.id }
    await giveGrant(store.db, { scope, login: 'eve', level: 'open', grantedBy: 'ada' })
    // Others keep asking all the time, so that there is always something under way to be answered with.
    let going = true
    const others = Array.from({ length: 8 }, async () => {
      while (going) await findCaller(store.db, eves, name('prod')).catch(() => undefined)
    })
    try {
      expect(await findCaller(store.db, eves, name('prod'))).toMatchObject({ level: 'open' })
      await takeGrant(store.db, { scope, login: 'eve' })
      expect(await findCaller(store.db, eves, name('prod'))).toMatchObject({ level: null })
      expect(await findEnvironmentOf(store.db, 'eve', name('prod'))).toMatchObject({ level: null })
      await revokeToken(store.db, { id: made.id, login: 'eve' })
      await expect(findCaller(store.db, eves, name('prod'))).rejects.toThrow('was revoked')
    } finally {
      going = false
      await Promise.all(others)
    }
  })

  test('sessions that are made and found together stay apart, each with its line in the audit log', async () => {
    const of = { environmentId: environment.id, organization: 'acme', revision: 1 }
    const logins = ['ada', 'bob', 'eve', 'ada', 'bob']
    const made = await Promise.all(
      logins.map((login, at) => createSession(store.db, { ...of, login, durationMs: 1000 * (at + 1) })),
    )
    expect(made.map(({ login, leftMs }) => [login, leftMs])).toEqual(
      logins.map((login, at) => [login, 1000 * (at + 1)]),
    )
    const found = await Promise.all(made.map(({ id, login }) => findSession(store.db, { ...of, id, login })))
    expect(found.map((session) => session?.id)).toEqual(made.map(({ id }) => id))
    const wrong = await Promise.all([
      findSession(store.db, { ...of, id: made[0]!.id, login: 'bob' }),
      findSession(store.db, { ...of, environmentId: made[1]!.id, id: made[0]!.id, login: 'ada' }),
      findSession(store.db, { ...of, id: 'no uuid', login: 'ada' }),
    ])
    expect(wrong).toEqual([undefined, undefined, undefined])
    const lines = await store.db
      .selectFrom('audit_log')
      .select(['actor', 'details'])
      .where('action', '=', 'environment.open')
      .execute()
    const written = lines.map(({ actor, details }) => `${actor} ${(details as { session: string }).session}`)
    expect(new Set(written)).toEqual(new Set(made.map(({ login, id }) => `${login} ${id}`)))
    expect(written).toHaveLength(made.length)
  })

  test('what is asked beside is answered with the same rights: a session, other environments', async () => {
    const { db } = store
    const bobs = (await createToken(db, { login: 'bob', name: 'test' })).token.reveal()
    const of = { environmentId: environment.id, organization: 'acme', revision: 1, login: 'ada' }
    const session = await createSession(db, { ...of, durationMs: 60_000 })
    const expired = await createSession(db, { ...of, durationMs: 0 })
    const asked = (given: string, id: string, at = 'prod') =>
      findCaller(db, given, name(at), { session: id, others: [name('prod'), name('none')] })
    const [mine, bob, elsewhere, late, odd] = await Promise.all([
      asked(token, session.id),
      asked(bobs, session.id),
      asked(token, session.id, 'none'),
      asked(token, expired.id),
      asked(token, 'no uuid'),
    ])
    const { leftMs: _left, ...row } = session
    expect(mine.session).toMatchObject(row)
    expect(mine.session!.leftMs).toBeGreaterThan(50_000)
    for (const other of [bob, elsewhere, late, odd]) expect(other.session).toBeUndefined()
    expect(mine.others.get('acme/app/prod')).toMatchObject({
      level: 'admin',
      environment: { id: environment.id },
    })
    expect(bob.others.get('acme/app/prod')).toMatchObject({ level: null })
    expect(mine.others.get('acme/app/none')).toEqual({ environment: undefined, level: null })
  })
})
