/** The line from a request to a committed revision, on a real store, a real Temporal and a real target. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rotateCall, rotatedDefinition, startLine, type Line } from '../support/line.ts'
import type { TargetDatabase } from '../support/servers.ts'

let line: Line

beforeAll(async () => {
  line = await startLine()
})
afterAll(() => line.close())

/** What the server holds for a user: changes exactly when somebody changes the password. */
async function verifierOf(target: TargetDatabase, username: string): Promise<unknown> {
  const [row] = await target.admin('select rolpassword from pg_authid where rolname = $1', [username])
  return row?.['rolpassword']
}

describe('a credential rotates', () => {
  test('the last two log in, the one before them no longer, and one event makes one revision', async () => {
    const target = await line.target()
    await line.withWorker(async () => {
      const environment = await line.environment(rotatedDefinition(target))
      const held = []
      for (let round = 1; round <= 4; round += 1) {
        const event = await line.rotate(environment)
        expect(event).toMatchObject({
          outcome: 'succeeded',
          baseRevision: round + 1,
          postRevision: round + 2,
          rotations: [{ path: 'db', outcome: 'succeeded', step: 'published', failureCode: null }],
        })
        const { current, previous } = await line.state(environment, 'db')
        held.push(current!)
        expect(previous).toEqual(held.at(-2) ?? null)
        expect(await target.canLogIn(current!)).toBe(true)
        if (previous) expect(await target.canLogIn(previous)).toBe(true)
        const before = held.at(-3)
        if (before) expect(await target.canLogIn(before)).toBe(false)
      }
      const { text } = await line.newest(environment)
      expect(text).toContain('# who rotates what')
      for (const { password } of held) expect(text).not.toContain(password)
    })
  })

  test('a state that a person brings is rotated from, and what logs in stays previous', async () => {
    const target = await line.target()
    const [first] = target.rotated
    const definition = `${rotatedDefinition(target)}      state:
        current:
          username: ${first.username}
          password: ${first.password}
`
    await line.withWorker(async () => {
      const environment = await line.environment(definition)
      expect((await line.newest(environment)).text).not.toContain(first.password)
      const event = await line.rotate(environment)
      expect(event.outcome).toBe('succeeded')
      const { current, previous } = await line.state(environment, 'db')
      expect(previous).toEqual(first)
      expect(current!.username).toBe(target.rotated[1].username)
      expect(await target.canLogIn(first)).toBe(true)
    })
  })
})

describe('several paths', () => {
  test('what failed is said path by path, the others are committed, and a retry touches only what is asked', async () => {
    const [good, broken] = [await line.target(), await line.target()]
    const wrong = { ...broken.managing, password: 'not-the-password' }
    const text = `values:\n${rotateCall('good', good)}${rotateCall('broken', broken, { managing: wrong })}`
    await line.withWorker(async () => {
      const environment = await line.environment(text)
      const event = await line.rotate(environment)
      expect(event).toMatchObject({
        outcome: 'failed',
        postRevision: 3,
        rotations: [
          { path: 'broken', outcome: 'failed', failureCode: 'LOGIN_FAILED' },
          { path: 'good', outcome: 'succeeded' },
        ],
      })
      expect(event.rotations[0]!.message).toContain(broken.managing.username)
      expect(event.rotations[0]!.message).not.toContain('not-the-password')

      const before = await line.state(environment, 'good')
      const mended = (await line.newest(environment)).text.replace(
        /(broken:[\s\S]*?password:\n)\s+fn::secret:\n\s+ciphertext: .*\n/,
        `$1              fn::secret: ${broken.managing.password}\n`,
      )
      await line.save(environment, mended)
      const retry = await line.rotate(environment, { paths: ['broken'] })
      expect(retry).toMatchObject({
        outcome: 'succeeded',
        rotations: [{ path: 'broken', outcome: 'succeeded' }],
      })
      expect(await line.state(environment, 'good')).toEqual(before)
      expect((await line.state(environment, 'broken')).current).not.toBeNull()
    })
  })

  test('inputs that use a credential of the same event see its new value', async () => {
    const [outer, inner] = [await line.target(), await line.target()]
    // Who manages the inner users is one of the outer ones, whichever is current.
    for (const { username } of outer.rotated) {
      await inner.admin(`alter role ${username} createrole`)
      for (const user of inner.rotated)
        await inner.admin(`grant ${user.username} to ${username} with admin option, inherit false, set false`)
    }
    const dependent = rotateCall('b', inner)
      .replace(inner.managing.username, '${a.current.username}')
      .replace(/password:\n\s+fn::secret: .*\n/, 'password: ${a.current.password}\n')
    await line.withWorker(async () => {
      const environment = await line.environment(`values:\n${rotateCall('a', outer)}${dependent}`)
      for (let round = 0; round < 3; round += 1) {
        const event = await line.rotate(environment)
        expect(event.rotations.map(({ path, outcome, message }) => [path, outcome, message])).toEqual([
          ['a', 'succeeded', null],
          ['b', 'succeeded', null],
        ])
      }
    })
  })

  test('when it failed, what depends on it is not evaluated and nothing of it is touched', async () => {
    const [outer, inner] = [await line.target(), await line.target()]
    // What the inputs use is there, from before: only its rotation fails.
    const own = JSON.stringify(outer.rotated[0])
    const failing = `${rotateCall('a', outer, { managing: { ...outer.managing, password: 'not-the-password' } })}      state: { current: ${own} }\n`
    const dependent = rotateCall('b', inner).replace(inner.managing.username, '${a.current.username}')
    const before = await verifierOf(inner, inner.rotated[0].username)
    await line.withWorker(async () => {
      const environment = await line.environment(`values:\n${failing}${dependent}`)
      const event = await line.rotate(environment)
      expect(event.rotations.map(({ path, failureCode }) => [path, failureCode])).toEqual([
        ['a', 'LOGIN_FAILED'],
        ['b', 'NOT_EVALUATED'],
      ])
    })
    expect(await verifierOf(inner, inner.rotated[0].username)).toBe(before)
  })
})

describe('once', () => {
  test('two requests at once are one event', async () => {
    const target = await line.target()
    await line.withWorker(async () => {
      const environment = await line.environment(rotatedDefinition(target))
      const events = await Promise.all([1, 2, 3].map(() => line.rotate(environment)))
      expect(new Set(events.map(({ id }) => id)).size).toBe(1)
      expect((await line.newest(environment)).number).toBe(3)
    })
  })

  test('one request key is one event, and the same key with another body is refused', async () => {
    const target = await line.target()
    await line.withWorker(async () => {
      const environment = await line.environment(rotatedDefinition(target))
      const requestKey = randomUUID()
      const [first, second] = await Promise.all([1, 2].map(() => line.rotate(environment, { requestKey })))
      const third = await line.rotate(environment, { requestKey })
      expect([second!.id, third.id]).toEqual([first!.id, first!.id])
      expect((await line.newest(environment)).number).toBe(3)
      await expect(line.rotate(environment, { requestKey, force: true })).rejects.toMatchObject({
        name: 'Refusal',
        kind: 'mismatch',
      })
    })
  })

  test('different keys at once run one after the other, and the second is too soon', async () => {
    const target = await line.target()
    const strict = await startLine({ minManualAge: 60_000, minRotationAge: 120_000 })
    try {
      await strict.withWorker(async () => {
        const environment = await strict.environment(rotatedDefinition(target))
        const events = await Promise.all(
          ['a', 'b'].map((requestKey) => strict.rotate(environment, { requestKey })),
        )
        expect(new Set(events.map(({ outcome }) => outcome))).toEqual(new Set(['failed', 'succeeded']))
        const refused = events.find(({ outcome }) => outcome === 'failed')!
        expect(refused).toMatchObject({ postRevision: null, rotations: [{ failureCode: 'TOO_SOON' }] })
        const forced = await strict.rotate(environment, { force: true })
        expect(forced.outcome).toBe('succeeded')
      })
    } finally {
      await strict.close()
    }
  })
})

describe('a target has one owner', () => {
  test('a second environment that names the same users is refused, and nothing is touched', async () => {
    const target = await line.target()
    await line.withWorker(async () => {
      const mine = await line.environment(rotatedDefinition(target))
      expect((await line.rotate(mine)).outcome).toBe('succeeded')
      const { current } = await line.state(mine, 'db')
      const other = await line.environment(rotatedDefinition(target))
      const refused = await line.rotate(other)
      expect(refused).toMatchObject({
        outcome: 'failed',
        postRevision: null,
        rotations: [{ failureCode: 'TARGET_TAKEN', step: 'closed' }],
      })
      expect(await target.canLogIn(current!)).toBe(true)
      // Gone with the call, not with time.
      await line.save(mine, 'values:\n  nothing: here\n')
      expect((await line.rotate(other)).outcome).toBe('succeeded')
    })
  })
})

describe('the target was changed by hand', () => {
  test.each(['current', 'previous'] as const)(
    '%s does not log in any more: nothing is touched',
    async (slot) => {
      const target = await line.target()
      await line.withWorker(async () => {
        const environment = await line.environment(rotatedDefinition(target))
        await line.rotate(environment)
        await line.rotate(environment)
        const state = await line.state(environment, 'db')
        await target.admin(`alter role ${state[slot]!.username} password 'by-hand'`)
        const before = await Promise.all(target.rotated.map(({ username }) => verifierOf(target, username)))
        const event = await line.rotate(environment)
        expect(event).toMatchObject({ postRevision: null, rotations: [{ failureCode: 'TARGET_CHANGED' }] })
        expect(event.rotations[0]!.message).toContain(state[slot]!.username)
        expect(await Promise.all(target.rotated.map(({ username }) => verifierOf(target, username)))).toEqual(
          before,
        )

        // The way out that the message names.
        const own = { ...state[slot]!, password: 'by-hand' }
        const brought = { ...state, [slot]: own }
        const { text } = await line.newest(environment)
        await line.save(
          environment,
          text.replace(/ {6}state:[\s\S]*$/, `      state: ${JSON.stringify(brought)}\n`),
        )
        expect((await line.rotate(environment)).outcome).toBe('succeeded')
      })
    },
  )
})
